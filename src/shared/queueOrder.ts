/**
 * Which photos of the queue are shown, and in which order. The queue itself (`Session.items`) keeps its order: everything here speaks of
 * indices into it.
 */
import type { PhotoState, QueueItem } from './review';

/** 'name' is A to Z; all others put the largest first and what is not known last. */
export const QUEUE_SORTS = ['name', 'ignore', 'entropy', 'fragile', 'size', 'change'] as const;
export type QueueSort = (typeof QUEUE_SORTS)[number];

export interface QueueFilter {
  /** Every word must be in the photo's path; letter case does not matter. */
  text: string;
  /** Empty: all. */
  states: ReadonlySet<PhotoState>;
  /** Photos with this class among their tags or in their mask. */
  classId: number | null;
  /** Only photos with removed pixels whose evidence is fragile. */
  fragile: boolean;
}

export const NO_FILTER: QueueFilter = { text: '', states: new Set(), classId: null, fragile: false };

export function isFiltered({ text, states, classId, fragile }: QueueFilter): boolean {
  return text.trim() !== '' || states.size > 0 || classId !== null || fragile;
}

/** Whether an item passes the filter, as a function, so that what is the same for all is done once. */
export function matcher({ text, states, classId, fragile }: QueueFilter): (item: QueueItem) => boolean {
  const words = text.toLowerCase().split(/\s+/).filter(Boolean);
  return item => {
    if (states.size > 0 && !states.has(item.state)) return false;
    if (classId !== null && !item.tags.includes(classId) && !item.areas?.some(({ id }) => id === classId)) return false;
    if (fragile && !item.uncertainty.fragile) return false;
    if (words.length === 0) return true;
    const name = item.photo.toLowerCase();
    return words.every(word => name.includes(word));
  };
}

/** Places of the photos among each other, A to Z. */
export interface NameRanks {
  photos: readonly string[];
  /** By index. */
  ranks: Uint32Array;
}

/** `before` is returned where the photos are still the same: a queue of 100,000 is not sorted again at every word on a mask. */
export function nameRanks(items: readonly QueueItem[], before?: NameRanks): NameRanks {
  if (before?.photos.length === items.length && items.every(({ photo }, i) => photo === before.photos[i])) return before;
  const photos = items.map(({ photo }) => photo);
  const { compare } = new Intl.Collator('en', { numeric: true });
  const ranks = new Uint32Array(photos.length);
  photos
    .map((_, index) => index)
    .sort((a, b) => compare(photos[a], photos[b]) || a - b)
    .forEach((index, rank) => (ranks[index] = rank));
  return { photos, ranks };
}

/** Indices of the photos that pass, sorted; ties keep the order of names. */
export function shownPhotos(items: readonly QueueItem[], filter: QueueFilter, sort: QueueSort, { ranks }: NameRanks = nameRanks(items)): number[] {
  const passes = matcher(filter);
  const shown: number[] = [];
  for (let i = 0; i < items.length; i++) if (passes(items[i])) shown.push(i);
  if (sort === 'name') return shown.sort((a, b) => ranks[a] - ranks[b]);
  const keys = items.map(item => sortKey(item, sort) ?? -1);
  return shown.sort((a, b) => keys[b] - keys[a] || ranks[a] - ranks[b]);
}

/** What a photo is sorted by, 0..1; null where nothing is known. */
export function sortKey(item: QueueItem, sort: Exclude<QueueSort, 'name'>): number | null {
  return sort === 'change' ? item.change : item.uncertainty[sort];
}

/** From `anchor` to `index` in the order shown, both included; `index` alone where the anchor is not shown. */
export function rangeBetween(shown: readonly number[], anchor: number, index: number): number[] {
  const [a, b] = [shown.indexOf(anchor), shown.indexOf(index)];
  if (a < 0 || b < 0) return [index];
  return shown.slice(Math.min(a, b), Math.max(a, b) + 1);
}
