/**
 * A photo's line in the queue, from what is known without opening its mask: the manifest's last word, the mask's size and time on disk, and the facts that were
 * written down with it.
 */
import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { ManifestEntry } from '../../dataset/manifest';
import type { Facts } from '../../dataset/photoFacts';
import type { RunRecord } from '../../dataset/runs';
import type { PhotoState, QueueItem } from '../../shared/review';
import type { ReviewSet } from './reviewSet';

/** A mask file as it lies there. `hash` is known if it was read, or if size and time are those that were written down with it. */
export interface MaskOnDisk {
  size: number;
  time: number;
  hash: string | undefined;
}

/** Mean and spread of log(share) of a class over the masks that have it. */
export type AreaStatistics = ReadonlyMap<number, { mean: number; spread: number }>;

/** Of fewer masks than this nothing is unusual. */
const FEWEST_AREAS = 5;

/** Nothing where no mask is; an empty file is none. */
export async function maskOnDisk(root: string, mask: string, facts: Facts | undefined): Promise<MaskOnDisk | undefined> {
  if (mask === '') return undefined;
  const found = await stat(join(root, mask)).catch(() => undefined);
  if (!found?.isFile() || found.size === 0) return undefined;
  const known = facts?.mask;
  return { size: found.size, time: found.mtimeMs, hash: known && known.size === found.size && known.time === found.mtimeMs ? known.hash : undefined };
}

/** The last failure of each photo, as long as nothing was made of it since. `runs`: newest first. */
export function failuresOf(runs: readonly RunRecord[], entries: ReadonlyMap<string, ManifestEntry>): Map<string, string> {
  const failures = new Map<string, string>();
  for (const { summary } of runs) {
    for (const { photo, message } of summary.failed) {
      const made = entries.get(photo)?.time;
      if (!failures.has(photo) && (made === undefined || made < summary.started)) failures.set(photo, message);
    }
  }
  return failures;
}

/** What a photo is, by what is there and what was said of it. */
export function stateOf(entry: ManifestEntry | undefined, mask: MaskOnDisk | undefined, areas: Facts['areas'], tagged: boolean, failure: string | undefined): PhotoState {
  if (!mask) return failure !== undefined ? 'failed' : tagged ? 'missing' : 'untagged';
  if (!entry) return 'auto';
  if (mask.hash !== undefined && mask.hash !== entry.output && mask.hash !== entry.replaces) return 'edited';
  return entry.state === 'accepted' && areas?.length === 0 ? 'empty-accepted' : entry.state;
}

/** A line of the queue. `statistics` without the class says nothing about its size. */
export function queueItem(set: ReviewSet, photo: string, entry: ManifestEntry | undefined, mask: MaskOnDisk | undefined, failure: string | undefined, statistics: AreaStatistics): QueueItem {
  const facts = set.facts.get(photo);
  const areas = mask && areasKnown(facts, mask, entry);
  const problem = set.refusalOf(photo) ?? failure;
  return {
    photo,
    mask: set.maskOf(photo),
    state: stateOf(entry, mask, areas, set.tags.has(photo), problem),
    tags: set.idsOf(photo),
    areas: areas ?? null,
    ...(problem !== undefined && { problem }),
    uncertainty: {
      ignore: facts?.ignore ?? null,
      entropy: facts?.entropy ?? null,
      fragile: facts?.fragile ?? null,
      size: areas ? oddity(areas, statistics) : null,
    },
    change: mask ? (facts?.change ?? null) : null,
    removedRegions: facts?.removedRegions ?? 0,
  };
}

/** Areas that were written down, if they are those of the mask that is there. */
function areasKnown(facts: Facts | undefined, mask: MaskOnDisk, entry: ManifestEntry | undefined): Facts['areas'] {
  const hash = mask.hash ?? entry?.output;
  return facts?.mask && facts.mask.hash === hash ? facts.areas : undefined;
}

/** Over all masks whose areas are known. */
export function areaStatistics(all: Iterable<Facts>): AreaStatistics {
  const sums = new Map<number, { count: number; sum: number; squares: number }>();
  for (const { areas } of all) {
    for (const { id, share } of areas ?? []) {
      const log = Math.log(share);
      const found = sums.get(id) ?? { count: 0, sum: 0, squares: 0 };
      sums.set(id, { count: found.count + 1, sum: found.sum + log, squares: found.squares + log * log });
    }
  }
  const statistics = new Map<number, { mean: number; spread: number }>();
  for (const [id, { count, sum, squares }] of sums) {
    const mean = sum / count;
    const spread = Math.sqrt(Math.max(0, squares / count - mean * mean));
    if (count >= FEWEST_AREAS && spread > 1e-6) statistics.set(id, { mean, spread });
  }
  return statistics;
}

/** |z| / (|z| + 2) of the class whose size is the most unusual; null where nothing is usual yet. */
function oddity(areas: NonNullable<Facts['areas']>, statistics: AreaStatistics): number | null {
  let largest: number | null = null;
  for (const { id, share } of areas) {
    const usual = statistics.get(id);
    if (!usual) continue;
    const z = Math.abs(Math.log(share) - usual.mean) / usual.spread;
    largest = Math.max(largest ?? 0, z / (z + 2));
  }
  return largest;
}
