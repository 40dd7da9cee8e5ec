/**
 * States of photos for people: their words and icons, which of them are a person's word, and how far a review has come. The page, the editor's views and the shell say the same.
 */
import type { PhotoState, QueueItem } from './review';

export const STATE_TEXTS: Readonly<Record<PhotoState, string>> = {
  auto: 'not reviewed',
  edited: 'edited',
  accepted: 'accepted',
  'empty-accepted': 'accepted, nothing in it',
  rejected: 'rejected',
  failed: 'failed',
  untagged: 'no tags',
  missing: 'no mask yet',
};

/** Codicons. */
export const STATE_ICONS: Readonly<Record<PhotoState, string>> = {
  auto: 'circle-large-outline',
  edited: 'edit',
  accepted: 'pass',
  'empty-accepted': 'pass',
  rejected: 'circle-slash',
  failed: 'error',
  untagged: 'tag',
  missing: 'question',
};

/** A person has given a word on its mask. An edited one still waits for that word. */
export function isReviewed(state: PhotoState): boolean {
  return state === 'accepted' || state === 'empty-accepted' || state === 'rejected';
}

/** How many of the photos that have masks, or should, a person has given a word on. */
export function reviewProgress(items: readonly QueueItem[]): { reviewed: number; of: number } {
  const masks = items.filter(({ state }) => state !== 'untagged');
  return { reviewed: masks.filter(({ state }) => isReviewed(state)).length, of: masks.length };
}
