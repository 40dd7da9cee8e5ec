/**
 * What the queue says: states of photos, what they are sorted by, counts, and the alternative text of a photo with its mask.
 */
import { reviewProgress, STATE_TEXTS } from '../../shared/photoStates';
import { sortKey, type QueueSort } from '../../shared/queueOrder';
import type { PhotoState, QueueItem } from '../../shared/review';
import { group, plural } from '../../shared/runTexts';
import { className, classText, list, percent, type ClassNames } from '../../shared/texts/words';

/** A sentence for tooltips. */
export const STATE_SENTENCES: Record<PhotoState, string> = {
  auto: 'As SeedMask made it; nobody has judged it yet.',
  edited: 'A person changed it and has not judged it yet.',
  accepted: 'A person accepted it.',
  'empty-accepted': 'A person accepted that nothing is in it.',
  rejected: 'A person rejected it.',
  failed: 'The last run could not make it.',
  untagged: 'The photo has no tags, so it has no mask.',
  missing: 'The photo has tags but no mask yet.',
};

export const SORT_WORDS: Record<QueueSort, string> = {
  name: 'Name',
  ignore: 'Undecided seed',
  entropy: 'Unclear maps',
  fragile: 'Fragile removals',
  size: 'Unusual size',
  change: 'Size of change',
};

export const SORT_SENTENCES: Record<QueueSort, string> = {
  name: 'A to Z',
  ignore: 'share of the seed that is undecided, largest first',
  entropy: 'how little the refined maps decide between classes and background, least sure first',
  fragile: 'share of removed pixels whose evidence is fragile, largest first',
  size: 'how unusual the classes\' areas are in this data set, most unusual first',
  change: 'share of the mask that changed when it was made anew or edited, largest first',
};

/** What the photo is sorted by, in words: 'undecided seed 12 %'; empty for names. */
export function sortKeyText(item: QueueItem, sort: QueueSort): string {
  if (sort === 'name') return '';
  const key = sortKey(item, sort);
  return `${SORT_WORDS[sort].toLowerCase()} ${key === null ? 'unknown' : percent(key)}`;
}

/** 'reviewed 120 / 812' */
export function reviewedText(items: readonly QueueItem[]): string {
  const { reviewed, of } = reviewProgress(items);
  return `reviewed ${group(reviewed)} / ${group(of)}`;
}

/** '14 of 812 photos shown' */
export function shownText(shown: number, all: number): string {
  return shown === all ? plural(all, 'photo') : `${group(shown)} of ${plural(all, 'photo')} shown`;
}

/** 'sea/1.jpg, unreviewed, tags boat and person, 2 removed regions': what a screen reader says of an entry. */
export function itemText(item: QueueItem, names: ClassNames, dirty: boolean): string {
  const parts = [item.photo, STATE_TEXTS[item.state]];
  if (dirty) parts.push('unsaved edits');
  if (item.tags.length) parts.push(`tags ${list(item.tags.map(id => className(id, names)))}`);
  if (item.removedRegions) parts.push(plural(item.removedRegions, 'removed region'));
  if (item.problem) parts.push(item.problem);
  return parts.join(', ');
}

/** 'boat (1) 24 %, person (15) 3 %', largest first; 'nothing' where there is no class. */
export function areasText(areas: readonly { id: number; share: number }[], names: ClassNames): string {
  if (areas.length === 0) return 'nothing';
  return [...areas]
    .sort((a, b) => b.share - a.share || a.id - b.id)
    .map(({ id, share }) => `${classText(id, names)} ${percent(share)}`)
    .join(', ');
}

/** Alternative text of the picture in the middle. `size`: of the photo, once it is known. */
export function photoAlt(item: QueueItem, size: { width: number; height: number } | undefined, names: ClassNames): string {
  const mask = item.areas ? `Mask: ${areasText(item.areas, names)}.` : 'The areas of its mask are not known.';
  return `Photo ${item.photo}, ${size ? `${size.width} × ${size.height} pixels, ` : ''}${STATE_TEXTS[item.state]}. ${mask}`;
}

/** What the live region says when another photo is on the screen: 'Photo 3 of 14: sea/1.jpg, unreviewed, …'. `at`: place in the order shown, 0-based; -1 if it is not shown. */
export function arrivedText(item: QueueItem, at: number, shown: number, names: ClassNames, dirty: boolean): string {
  const place = at < 0 ? 'Photo outside the filter' : `Photo ${group(at + 1)} of ${group(shown)}`;
  const areas = item.areas ? `; mask: ${areasText(item.areas, names)}` : '';
  return `${place}: ${itemText(item, names, dirty)}${areas}`;
}

/** Shares of a mask by class id, without background, largest first. `labels`: any label map. */
export function areasOf(labels: Uint8Array): { id: number; share: number; pixels: number }[] {
  const counts = new Uint32Array(256);
  for (let i = 0; i < labels.length; i++) counts[labels[i]]++;
  return Array.from(counts, (pixels, id) => ({ id, pixels, share: pixels / Math.max(1, labels.length) }))
    .filter(({ id, pixels }) => id > 0 && pixels > 0)
    .sort((a, b) => b.pixels - a.pixels);
}
