/**
 * A person's word on removed regions or on whole classes: written down for later runs, and the masks it concerns follow at once, from their layers, without models.
 */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { chooseClasses, chooseRegions, Choices } from '../../dataset/choices';
import { readClassTable } from '../../dataset/classTable';
import { homeOf } from '../../dataset/debiased';
import { readBefore, readMarsState, readRegions, writeMarsState, type RegionRecord } from '../../dataset/evidenceStore';
import { sha256 } from '../../dataset/hash';
import { acquireLock } from '../../dataset/lock';
import { Manifest } from '../../dataset/manifest';
import { writeMask } from '../../dataset/maskStore';
import { planOutputs } from '../../dataset/outputs';
import { newRunId } from '../../dataset/runs';
import { describeError, SeedMaskError } from '../../shared/errors';
import type { Params, Result } from '../../shared/protocol';
import type { RemovedAs } from '../../shared/settings';
import type { JobContext } from '../context';
import { debiasedBytes } from './debiasStage';
import { isFatal } from './recorded';

export async function debiasChoices({ root, settings, regions: ids, classes, choice }: Params<'debiasChoices'>, { signal }: JobContext): Promise<Result<'debiasChoices'>> {
  const lock = await acquireLock(root);
  try {
    const home = await homeOf(root, settings.outputName);
    const notes: string[] = [];
    const classIds = await idsOf(root, classes);
    const chosen = new Map<string, RegionRecord[]>();
    for (const id of ids) {
      const photo = id.slice(0, Math.max(0, id.lastIndexOf('#')));
      const region = (await readRegions(home, photo)).find(found => found.id === id);
      if (region) chosen.set(photo, [...(chosen.get(photo) ?? []), region]);
      else notes.push(`${id} is no region that was removed; 'seedmask explain' lists them`);
    }
    await chooseRegions(home, [...chosen.values()].flat(), choice);
    await chooseClasses(home, classIds, choice);

    const known = await readMarsState(home);
    const choices = await Choices.read(home);
    const manifest = await Manifest.open(home);
    try {
      const outputs = planOutputs([...manifest.all().keys()], settings.outputName).outputs;
      const removedAs = (known?.removedAs ?? settings.removedAs) as RemovedAs;
      let written = 0;
      let regions = [...chosen.values()].flat().length;
      for (const photo of classIds.length > 0 ? [...manifest.all().keys()] : chosen.keys()) {
        signal.throwIfAborted();
        const found = await readRegions(home, photo);
        const ofClasses = found.filter(({ classId }) => classIds.includes(classId)).length;
        if (ofClasses === 0 && !chosen.has(photo)) continue;
        regions += ofClasses;
        const outcome = await follow({ root, home, photo, mask: outputs.get(photo), manifest, regions: found, choices, removedAs });
        if (outcome === 'written') written++;
        else if (outcome !== 'skipped') notes.push(outcome);
      }
      if (known) await writeMarsState(home, { ...known, choices: choices.hash() });
      return { written, regions, notes };
    } finally {
      await manifest.close();
    }
  } finally {
    await lock.release();
  }
}

/** 'written', 'skipped', or why the mask stays as it is. */
async function follow(input: {
  root: string; home: string; photo: string; mask: string | undefined; manifest: Manifest; regions: readonly RegionRecord[]; choices: Choices; removedAs: RemovedAs;
}): Promise<string> {
  const { root, home, photo, mask, manifest, regions, choices, removedAs } = input;
  const entry = manifest.get(photo);
  const file = mask === undefined ? undefined : await readFile(join(root, mask)).catch(() => undefined);
  if (!entry || mask === undefined || !file) return `${photo}: its mask is not there`;
  if (entry.state !== 'auto' || sha256(file) !== entry.output) return `${photo}: its mask is a person's by now, and kept; the choice holds for later runs`;
  const before = entry.before === undefined ? undefined : await readBefore(home, photo, entry.before);
  if (!before) return `${photo}: its mask before debiasing is not there any more; the next run makes it anew`;
  try {
    const { source, tags, key, device } = entry;
    return await writeMask({ root, photo, mask }, debiasedBytes(before, regions, choices, removedAs), manifest, { source, tags, key }, { device, run: newRunId(), before: entry.before });
  } catch (error) {
    if (!(error instanceof SeedMaskError) || isFatal(error)) throw error;
    return describeError(error);
  }
}

/** Classes by name or id. @throws SeedMaskError 'bad-settings' */
async function idsOf(root: string, classes: readonly string[]): Promise<number[]> {
  if (classes.length === 0) return [];
  const table = await readClassTable(root);
  return classes.map(name => {
    const id = table.idOf(name) ?? (/^\d+$/.test(name) && table.nameOf(Number(name)) !== undefined ? Number(name) : undefined);
    if (id === undefined || id === 0) throw new SeedMaskError('bad-settings', `there is no class '${name}'`);
    return id;
  });
}
