/**
 * The queue of a data set: every photo with its state, as fast as the folder can be searched. No mask is decoded; those that changed since their facts were written
 * down are hashed for a while, and after that taken for what the manifest says.
 */
import { join } from 'node:path';
import { sha256OfFile } from '../../dataset/hash';
import type { ManifestEntry } from '../../dataset/manifest';
import { listRuns } from '../../dataset/runs';
import type { Params } from '../../shared/protocol';
import type { Queue, QueueItem } from '../../shared/review';
import { areaStatistics, failuresOf, maskOnDisk, queueItem, type AreaStatistics, type MaskOnDisk } from './queueItems';
import { reviewSet, type ReviewSet } from './reviewSet';

const AT_ONCE = 64;
/** Time for hashing masks that are not known by size and time, in milliseconds. */
const HASHING_MS = 2500;
const MOST_NOTES = 200;

export async function reviewQueue({ root, settings }: Params<'reviewQueue'>): Promise<Queue> {
  const set = await reviewSet(root, settings, true);
  const entries = (await set.manifest()).all();
  const failures = failuresOf(await listRuns(root), entries);
  const masks = await findMasks(set, entries);
  const statistics = statisticsOf(set);
  const items = set.photos.map(photo => queueItem(set, photo, entries.get(photo), masks.get(photo), failures.get(photo), statistics));
  const notes = set.notes.length > MOST_NOTES ? [...set.notes.slice(0, MOST_NOTES), `… and ${set.notes.length - MOST_NOTES} more`] : [...set.notes];
  return { root, classes: set.table.classes.map(({ id, name }) => ({ id, name })), items, notes };
}

/** The line of one photo as it is now. `entries`: the manifest's. */
export async function itemOf(set: ReviewSet, photo: string, entries: ReadonlyMap<string, ManifestEntry>): Promise<QueueItem> {
  const mask = await maskOnDisk(set.root, set.maskOf(photo), set.facts.get(photo));
  if (mask && entries.has(photo)) mask.hash ??= await sha256OfFile(join(set.root, set.maskOf(photo)), photo).catch(() => undefined);
  const failures = mask ? undefined : failuresOf(await listRuns(set.root), entries);
  return queueItem(set, photo, entries.get(photo), mask, failures?.get(photo), statisticsOf(set));
}

async function findMasks(set: ReviewSet, entries: ReadonlyMap<string, ManifestEntry>): Promise<Map<string, MaskOnDisk>> {
  const masks = new Map<string, MaskOnDisk>();
  const unknown: string[] = [];
  const photos = set.photos.values();
  await Promise.all(Array.from({ length: AT_ONCE }, async () => {
    for (const photo of photos) {
      const mask = await maskOnDisk(set.root, set.maskOf(photo), set.facts.get(photo));
      if (!mask) continue;
      masks.set(photo, mask);
      if (mask.hash === undefined && entries.has(photo)) unknown.push(photo);
    }
  }));
  const end = Date.now() + HASHING_MS;
  const left = unknown.values();
  await Promise.all(Array.from({ length: AT_ONCE }, async () => {
    for (const photo of left) {
      if (Date.now() > end) return;
      const mask = masks.get(photo);
      if (mask) mask.hash = await sha256OfFile(join(set.root, set.maskOf(photo)), photo).catch(() => undefined);
    }
  }));
  return masks;
}

const computed = new WeakMap<ReviewSet, { facts: number; statistics: AreaStatistics }>();

/** Usual sizes change little from one save to the next: they are counted anew when there are many more of them. */
function statisticsOf(set: ReviewSet): AreaStatistics {
  const known = computed.get(set);
  if (known && set.facts.size < known.facts * 1.1 + 1) return known.statistics;
  const statistics = areaStatistics(set.facts.values());
  computed.set(set, { facts: set.facts.size, statistics });
  return statistics;
}
