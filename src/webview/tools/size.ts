/**
 * `[`, `]` and the wheel with a modifier: how much the tool in hand takes, which is the radius of brush, eraser and scribble, and the tolerance of the wand.
 */
import { SMALLEST_RADIUS, wholeRadius } from '../edits/stampLine';
import type { Page } from '../page';
import { MOST_TOLERANCE, wandTolerance } from './wand';

/** Of the present radius. */
const GROWTH = 0.2;

export function resizeTool(page: Page, direction: 1 | -1): void {
  if (page.hand.tool.peek() === 'wand') {
    wandTolerance.value = Math.min(MOST_TOLERANCE, Math.max(0, wandTolerance.peek() + direction));
    return page.say(`Tolerance ${wandTolerance.peek()}`);
  }
  const now = page.hand.radius.peek();
  page.hand.radius.value = wholeRadius(now + direction * Math.max(SMALLEST_RADIUS, now * GROWTH));
  page.say(`Brush of ${2 * page.hand.radius.peek()} pixels`);
}
