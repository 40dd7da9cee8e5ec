/**
 * Which photos of the queue are shown, in which order, and where 'next' leads. The queue itself (`Session.items`) keeps its order: everything here speaks of
 * indices into it.
 */
import type { PhotoState, QueueItem } from '../../shared/review';

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

const REVIEWED: ReadonlySet<PhotoState> = new Set<PhotoState>(['accepted', 'empty-accepted', 'rejected']);

/** A person has said a word on its mask. */
export function isReviewed(state: PhotoState): boolean {
  return REVIEWED.has(state);
}

export function isFiltered({ text, states, classId, fragile }: QueueFilter): boolean {
  return text.trim() !== '' || states.size > 0 || classId !== null || fragile;
}

export function passes(item: QueueItem, { text, states, classId, fragile }: QueueFilter): boolean {
  if (states.size > 0 && !states.has(item.state)) return false;
  if (classId !== null && !item.tags.includes(classId) && !item.areas?.some(({ id }) => id === classId)) return false;
  if (fragile && !item.uncertainty.fragile) return false;
  const name = item.photo.toLowerCase();
  return text.toLowerCase().split(/\s+/).every(word => name.includes(word));
}

/** Indices of the photos that pass, sorted; ties keep the queue's order. */
export function shownPhotos(items: readonly QueueItem[], filter: QueueFilter, sort: QueueSort): number[] {
  const shown: number[] = [];
  for (let i = 0; i < items.length; i++) if (passes(items[i], filter)) shown.push(i);
  if (sort === 'name') {
    const { compare } = new Intl.Collator('en', { numeric: true });
    return shown.sort((a, b) => compare(items[a].photo, items[b].photo) || a - b);
  }
  const keys = items.map(item => sortKey(item, sort) ?? -1);
  return shown.sort((a, b) => keys[b] - keys[a] || a - b);
}

/** What a photo is sorted by, 0..1; null where nothing is known. */
export function sortKey(item: QueueItem, sort: Exclude<QueueSort, 'name'>): number | null {
  return sort === 'change' ? item.change : item.uncertainty[sort];
}

/**
 * The photo `step` places after `current` in the order shown. Where `current` is not shown itself (it was filtered out, perhaps by being accepted just now), its
 * neighbours in the queue's own order are counted from. Undefined at the ends.
 */
export function stepFrom(shown: readonly number[], current: number, step: 1 | -1): number | undefined {
  const at = shown.indexOf(current);
  if (at >= 0) return shown[at + step];
  return step > 0 ? shown.find(index => index > current) : shown.findLast(index => index < current);
}

/** The next photo in the order shown that nobody has judged and that has something to judge, going round once; undefined if there is none. */
export function nextUnreviewed(items: readonly QueueItem[], shown: readonly number[], current: number): number | undefined {
  const waits = (index: number): boolean => index !== current && (items[index].state === 'auto' || items[index].state === 'edited' || items[index].state === 'failed');
  const from = shown.indexOf(current) + 1;
  return shown.slice(from).find(waits) ?? shown.slice(0, from).find(waits);
}

/** From `anchor` to `index` in the order shown, both included; `index` alone where the anchor is not shown. */
export function rangeBetween(shown: readonly number[], anchor: number, index: number): number[] {
  const [a, b] = [shown.indexOf(anchor), shown.indexOf(index)];
  if (a < 0 || b < 0) return [index];
  return shown.slice(Math.min(a, b), Math.max(a, b) + 1);
}
