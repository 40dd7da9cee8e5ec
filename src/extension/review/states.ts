/** What the states of photos mean for a review, and how they look: one table for tree, decorations and counts. */
import type { PhotoState, QueueItem } from '../../shared/review';

interface StateLook {
  /** For people, in a row. */
  text: string;
  /** Codicon. */
  icon: string;
  /** Colour id, where the state asks for attention or is done. */
  color?: string;
  /** One or two letters beside the file's name. */
  badge: string;
  /** A person has given a word. */
  reviewed: boolean;
}

export const STATES: Readonly<Record<PhotoState, StateLook>> = {
  auto: { text: 'not reviewed', icon: 'circle-outline', badge: 'M', reviewed: false },
  edited: { text: 'edited', icon: 'edit', color: 'gitDecoration.modifiedResourceForeground', badge: 'E', reviewed: false },
  accepted: { text: 'accepted', icon: 'pass', color: 'testing.iconPassed', badge: '✓', reviewed: true },
  'empty-accepted': { text: 'accepted, nothing in it', icon: 'pass', color: 'testing.iconPassed', badge: '∅', reviewed: true },
  rejected: { text: 'rejected', icon: 'circle-slash', color: 'list.warningForeground', badge: '✗', reviewed: true },
  failed: { text: 'failed', icon: 'error', color: 'list.errorForeground', badge: '!', reviewed: false },
  untagged: { text: 'no tags', icon: 'circle-large-outline', badge: '–', reviewed: false },
  missing: { text: 'no mask yet', icon: 'question', badge: '?', reviewed: false },
};

/** States in the order of work. */
export const IN_ORDER: readonly PhotoState[] = ['auto', 'edited', 'failed', 'missing', 'rejected', 'accepted', 'empty-accepted', 'untagged'];

/** How many of the photos that have masks, or should, a person has given a word on. */
export function progressOf(items: readonly QueueItem[]): { reviewed: number; of: number } {
  const masks = items.filter(({ state }) => state !== 'untagged');
  return { reviewed: masks.filter(({ state }) => STATES[state].reviewed).length, of: masks.length };
}

/** Index of the first photo to look at: with a mask nobody has looked at, else one that lacks its mask, else any. */
export function nextUnreviewed(items: readonly QueueItem[], isWanted: (item: QueueItem) => boolean = () => true): number | undefined {
  const first = (states: readonly PhotoState[]): number => items.findIndex(item => states.includes(item.state) && isWanted(item));
  const found = [first(['auto', 'edited']), first(['failed', 'missing']), items.findIndex(isWanted)].find(index => index >= 0);
  return found;
}

/** 'cat 12 %, sofa 3.1 %', the largest first. */
export function areasText(item: QueueItem, classes: readonly { id: number; name: string }[]): string {
  if (!item.areas) return '';
  const names = new Map(classes.map(({ id, name }) => [id, name]));
  const areas = [...item.areas].sort((a, b) => b.share - a.share).map(({ id, share }) => `${nameOf(names, id)} ${percent(share)}`);
  return areas.length ? areas.join(', ') : 'nothing in it';
}

function nameOf(names: ReadonlyMap<number, string>, id: number): string {
  return names.get(id) ?? (id === 255 ? 'ignore' : `class ${id}`);
}

function percent(share: number): string {
  const value = share * 100;
  return `${value >= 10 || value === 0 ? value.toFixed(0) : value >= 0.1 ? value.toFixed(1) : '<0.1'} %`;
}
