/**
 * Hints as commands of the page: make the open photo's mask anew with the hints as they are, or take them all away.
 */
import { describeError } from '../../shared/errors';
import type { Hints } from '../../shared/review';
import type { Page } from '../page';
import { plural } from '../../shared/runTexts';

export const NO_HINTS: Hints = { boxes: [], points: [], scribbles: [] };

export function countOf({ boxes, points, scribbles }: Hints): number {
  return boxes.length + points.length + scribbles.length;
}

/** Asks for the photo's mask to be made anew with the hints on the page; without any when they were taken away. */
export function applyHints(page: Page): void {
  const photo = page.photo.peek();
  const hints = page.hand.hints.peek();
  if (!photo) return page.say('No photo is open');
  if (page.session.peek().readOnly) return page.say('This workspace is not trusted: nothing can be run');
  if (countOf(hints) === 0 && countOf(photo.view.hints) === 0) return page.say('Draw a box, a point or a scribble first');
  page.say(countOf(hints) === 0 ? 'Making the mask anew without hints' : `Making the mask anew with ${plural(countOf(hints), 'hint')}`);
  page.ask('rerun', { index: photo.index, hints }).catch((error: unknown) => page.say(describeError(error)));
}

/** Takes all hints from the page; the mask that was made with them stays until they are applied. */
export function clearHints(page: Page): void {
  const count = countOf(page.hand.hints.peek());
  if (count === 0) return page.say('There are no hints');
  page.hand.hints.value = NO_HINTS;
  const made = countOf(page.photo.peek()?.view.hints ?? NO_HINTS) > 0;
  page.say(made ? `${plural(count, 'hint')} cleared; apply hints to make the mask without them` : `${plural(count, 'hint')} cleared`);
}
