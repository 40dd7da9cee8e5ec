/**
 * A data set as a job sees it: its photos, their tags, the ids of their classes and the mask each photo is to have. Reads, and changes nothing.
 */
import { planOutputs } from '../../dataset/outputs';
import { readClassTable, type ClassTable } from '../../dataset/classTable';
import { readHints } from '../../dataset/hints';
import { scanPhotos } from '../../dataset/scan';
import { readTags } from '../../dataset/tags/readTags';
import { SeedMaskError } from '../../shared/errors';
import type { Failure } from '../../shared/protocol';
import type { Hints } from '../../shared/review';
import type { RunSettings } from '../../shared/settings';

export interface DataSet {
  root: string;
  /** All tagged photos, sorted; the ones to learn from. An empty list of tags says: nothing in it. */
  tags: ReadonlyMap<string, readonly string[]>;
  tagSource: string;
  /** A person's boxes, points and scribbles, of photos that have any. */
  hints: ReadonlyMap<string, Hints>;
  /** The tagged photos the job is about. */
  wanted: readonly string[];
  /** Wanted photos without tags. */
  untagged: readonly string[];
  /** Photos with a mask name of their own -> that name. */
  outputs: ReadonlyMap<string, string>;
  /** Wanted photos that cannot have a mask. */
  refused: readonly Failure[];
  table: ClassTable;
  notes: readonly string[];
}

/**
 * @param only ids of the wanted photos, if not all
 * @throws SeedMaskError 'no-photos', 'too-many-classes', 'bad-tags', 'bad-settings', 'removed', 'io', 'cancelled'
 */
export async function openDataSet(root: string, settings: RunSettings, only: readonly string[] | undefined, signal: AbortSignal): Promise<DataSet> {
  const scan = await scanPhotos(root, { outputName: settings.outputName, signal });
  if (scan.photos.length === 0) throw new SeedMaskError('no-photos', 'there are no photos in this folder', root);
  const reading = await readTags(root, scan.photos, { tagsFile: settings.tagsFile, backgroundNames: settings.backgroundNames });
  const plan = planOutputs(scan.photos, settings.outputName);

  const known = new Set(scan.photos);
  const asked = only ? [...new Set(only)] : scan.photos;
  const chosen = asked.filter(photo => known.has(photo));
  const missing = asked.filter(photo => !known.has(photo));
  const tags = new Map(scan.photos.flatMap(photo => {
    const names = reading.tags.get(photo);
    return names ? [[photo, names] as const] : [];
  }));
  const table = (await readClassTable(root)).with([...new Set([...tags.values()].flat())].sort());
  const wanted = new Set(chosen);
  return {
    root,
    tags,
    tagSource: reading.source,
    hints: await readHints(root),
    wanted: chosen.filter(photo => tags.has(photo)),
    untagged: chosen.filter(photo => !tags.has(photo)),
    outputs: plan.outputs,
    refused: [
      ...plan.refused.filter(({ photo }) => wanted.has(photo) && tags.has(photo)),
      ...missing.map(photo => ({ photo, reason: 'no-photos', message: 'is not a photo of this folder' })),
    ],
    table,
    notes: [...scan.notes, ...reading.notes],
  };
}

