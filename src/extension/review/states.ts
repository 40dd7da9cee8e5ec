/** How states of photos look in VS Code's own views, where a review begins, and what a mask holds in a few words. */
import type { PhotoState, QueueItem } from '../../shared/review';
import { className, classNames, percent } from '../../shared/texts/words';

interface StateLook {
  /** Colour id, where the state asks for attention or is done. */
  color?: string;
  /** One or two letters beside the file's name. */
  badge: string;
}

export const STATE_LOOKS: Readonly<Record<PhotoState, StateLook>> = {
  auto: { badge: 'M' },
  edited: { badge: 'E', color: 'gitDecoration.modifiedResourceForeground' },
  accepted: { badge: '✓', color: 'testing.iconPassed' },
  'empty-accepted': { badge: '∅', color: 'testing.iconPassed' },
  rejected: { badge: '✗', color: 'list.warningForeground' },
  failed: { badge: '!', color: 'list.errorForeground' },
  untagged: { badge: '–' },
  missing: { badge: '?' },
};

/** States in the order of work. */
export const IN_ORDER: readonly PhotoState[] = ['auto', 'edited', 'failed', 'missing', 'rejected', 'accepted', 'empty-accepted', 'untagged'];

/** Index of the first photo to look at: with a mask nobody has looked at, else one that lacks its mask, else any. */
export function nextUnreviewed(items: readonly QueueItem[], isWanted: (item: QueueItem) => boolean = () => true): number | undefined {
  const first = (states: readonly PhotoState[]): number => items.findIndex(item => states.includes(item.state) && isWanted(item));
  const found = [first(['auto', 'edited']), first(['failed', 'missing']), items.findIndex(isWanted)].find(index => index >= 0);
  return found;
}

/** 'cat 12 %, sofa 3 %', the largest first; empty where nobody knows. */
export function areasText({ areas }: QueueItem, classes: readonly { id: number; name: string }[]): string {
  if (!areas) return '';
  const names = classNames(classes);
  return [...areas].sort((a, b) => b.share - a.share).map(({ id, share }) => `${className(id, names)} ${percent(share)}`).join(', ') || 'nothing in it';
}
