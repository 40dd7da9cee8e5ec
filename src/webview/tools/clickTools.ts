/**
 * Tools that do one thing at a click: fill a region, pick the class under the pointer; and the hand that moves the photo.
 */
import { componentAt } from '../edits/component';
import { holesOf } from '../edits/holes';
import { BACKGROUND } from '../edits/labels';
import { isInside } from '../edits/rects';
import { paint } from '../edits/selection';
import type { Page, Pointer, Tool } from '../page';
import { labelName } from './names';
import { shownLabels } from './selected';
import { editableLabels, editOnce } from './stroke';

/** A tool that acts when the button is let go, and not at all when Escape comes first. `act` gets whole pixels, perhaps outside the photo. */
export function clickTool(cursor: string, act: (x: number, y: number, at: Pointer) => void): Tool {
  let pressed = false;
  return {
    cursor,
    down: () => void (pressed = true),
    move: () => undefined,
    up(at) {
      if (pressed) act(Math.floor(at.x), Math.floor(at.y), at);
      pressed = false;
    },
    cancel: () => void (pressed = false),
  };
}

/** Gives the region under the pointer the class in hand (inverted: makes it background); with shift, fills its holes instead. */
export function fillTool(page: Page): Tool {
  return clickTool('cell', (x, y, { invert, shift }) => {
    const labels = editableLabels(page);
    const region = labels && componentAt(labels, x, y, { connectivity: shift ? 8 : 4 });
    if (labels === undefined || region === undefined) return;
    if (shift) {
      const label = labels.data[y * labels.width + x];
      const holes = holesOf(region);
      if (!holes || !editOnce(page, `Fill holes of ${labelName(page, label)}`, holes.rect, () => paint(labels, holes, label, BACKGROUND))) page.say('This region has no holes');
      return;
    }
    const label = invert ? BACKGROUND : page.hand.classId.peek();
    const name = labelName(page, label);
    if (!editOnce(page, `Fill with ${name}`, region.rect, () => paint(labels, region, label))) page.say(`This is ${name} already`);
  });
}

/** Takes the class under the pointer into the hand. */
export function pickTool(page: Page): Tool {
  return clickTool('copy', (x, y) => {
    const photo = page.photo.peek();
    const labels = photo && shownLabels(photo);
    if (labels === undefined || !isInside(labels, x, y)) return;
    const id = labels.data[y * labels.width + x];
    page.hand.classId.value = id;
    page.say(`In hand: ${labelName(page, id)}`);
  });
}

export function panTool(page: Page): Tool {
  let last: { x: number; y: number } | undefined;
  return {
    cursor: 'grab',
    down: at => void (last = page.viewport.toCanvas(at.x, at.y)),
    move(at) {
      if (last === undefined) return;
      const now = page.viewport.toCanvas(at.x, at.y);
      // `at` was reckoned with the view before it moves: the photo pixel that was gripped stays under the pointer.
      page.viewport.panBy(now.x - last.x, now.y - last.y);
      last = now;
    },
    up: () => void (last = undefined),
    cancel: () => void (last = undefined),
  };
}
