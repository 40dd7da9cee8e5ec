/**
 * What a run would do: the photos, classes and problems of a folder. Quick, and changes nothing on disk: masks are compared with the manifest, photos
 * are not read.
 */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { findBackbone } from '../../../models/catalog';
import { imagenetGroup } from '../../../models/warmStart';
import { Manifest } from '../../dataset/manifest';
import { sha256 } from '../../dataset/hash';
import type { Params, Plan } from '../../shared/protocol';
import { usesMars, type RunSettings } from '../../shared/settings';
import type { JobContext } from '../context';
import type { Engine } from '../engine';
import { plannedStages } from '../training/stages';
import { openDataSet, type DataSet } from './dataSet';
import { presetOf } from './recorded';

export async function plan({ root, photos, settings }: Params<'plan'>, { signal }: JobContext, engine: Engine): Promise<Plan> {
  const dataSet = await openDataSet(root, settings, photos, signal);
  const preset = await presetOf(settings);
  const { edited, done } = await masksOnDisk(dataSet);
  const known = await knownTo(settings.backbone, engine.weightsFolder);
  return {
    root,
    photos: dataSet.wanted.length,
    tagSource: dataSet.tagSource,
    classes: classCounts(dataSet).map(({ id, name, photos: count }) => ({
      id,
      name,
      photos: count,
      ...(count < preset.learning.minPhotos && !known(name) && { problem: unteachable(count) }),
    })),
    untagged: [...dataSet.untagged],
    empty: dataSet.wanted.filter(photo => dataSet.tags.get(photo)?.length === 0).length,
    edited,
    trains: plannedStages(preset).length > 0,
    done,
    notes: [...dataSet.notes, ...dataSet.refused.map(({ photo, message }) => `${photo}: ${message}`)],
  };
}

/** Classes of the tagged photos, with how many photos have each. */
export function classCounts({ tags, table }: DataSet): { id: number; name: string; photos: number }[] {
  const counts = new Map<string, number>();
  for (const names of tags.values()) for (const name of names) counts.set(name, (counts.get(name) ?? 0) + 1);
  return [...counts].map(([name, photos]) => ({ id: table.idOf(name) ?? 0, name, photos })).sort((a, b) => a.id - b.id);
}

/** Whether a run with these settings debiases the masks of the data set. */
export function debiases(dataSet: DataSet, settings: RunSettings): boolean {
  const backgrounds = [...dataSet.tags.values()].filter(tags => tags.length === 0).length;
  return usesMars(settings, classCounts(dataSet).map(({ photos }) => photos), backgrounds);
}

/** Why a class is hard to learn, for people. */
export function unteachable(count: number): string {
  return `only ${count} photo${count === 1 ? '' : 's'} and no start from ImageNet: expect poor masks`;
}

/** Which tags a warm start exists for. */
export async function knownTo(backbone: string | undefined, weightsFolder: string): Promise<(tag: string) => boolean> {
  const { spec } = await findBackbone(backbone, weightsFolder);
  if (!spec.classifier) return () => false;
  const labels: unknown = JSON.parse(await readFile(join(weightsFolder, spec.classifier.labels), 'utf8').catch(() => '[]'));
  const names = Array.isArray(labels) ? labels.map(String) : [];
  return tag => imagenetGroup(tag, names).length > 0;
}

async function masksOnDisk({ root, wanted, outputs }: DataSet): Promise<{ edited: number; done: number }> {
  const entries = await Manifest.read(root);
  let edited = 0;
  let done = 0;
  for (const photo of wanted) {
    const output = outputs.get(photo);
    const bytes = output && (await readFile(join(root, output)).catch(() => undefined));
    if (!bytes?.length) continue;
    const entry = entries.get(photo);
    if (entry?.output === sha256(bytes) && entry.state === 'auto' && entry.origin === undefined) done++;
    else if (entry?.output !== sha256(bytes) || entry.state !== 'rejected') edited++;
  }
  return { edited, done };
}
