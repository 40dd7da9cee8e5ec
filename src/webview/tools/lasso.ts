/**
 * Lasso and polygon in one: dragging draws freely and closes when the button is let go; clicks set corners, and a click on the first corner or twice on the last one
 * closes. What is inside gets the class in hand, or becomes background (inverted); with shift, only background is painted over, or only the class in hand erased.
 */
import { BACKGROUND } from '../edits/labels';
import { polygon } from '../edits/polygon';
import { paint } from '../edits/selection';
import type { Page, Pointer, Tool } from '../page';
import { strokeTwice } from './drawnLines';
import { labelName } from './names';
import { editableLabels, editOnce } from './stroke';

type Point = [number, number];

/** CSS pixels within which a click hits a corner, and beyond which a press is a drag. */
const NEAR = 8;
/** CSS pixels between points of a line that is drawn freely. */
const STEP = 1.5;

export function lassoTool(page: Page): Tool {
  let points: Point[] = [];
  let pressed: Point | undefined;
  let dragged = false;
  let pointer: Point | undefined;

  const distance = (a: Point, b: Point): number => Math.hypot(a[0] - b[0], a[1] - b[1]) * page.viewport.scale.peek();
  const stop = (): void => {
    points = [];
    pressed = undefined;
    dragged = false;
  };
  const close = (at: Pointer): void => {
    const path = points;
    stop();
    const labels = editableLabels(page);
    const selection = labels && polygon(labels, path, 'even-odd');
    if (labels === undefined || selection === undefined) return;
    const classId = page.hand.classId.peek();
    const label = at.invert ? BACKGROUND : classId;
    const only = at.shift && classId !== BACKGROUND ? (at.invert ? classId : BACKGROUND) : undefined;
    const text = label === BACKGROUND ? 'Erase with the lasso' : `Paint ${labelName(page, label)} with the lasso`;
    if (!editOnce(page, text, selection.rect, () => paint(labels, selection, label, only))) page.say('Nothing changed inside the line');
  };

  return {
    cursor: 'crosshair',
    down(at) {
      if (points.length === 0 && editableLabels(page) === undefined) return;
      pressed = [at.x, at.y];
      dragged = false;
    },
    move(at) {
      pointer = [at.x, at.y];
      if (pressed === undefined) return;
      if (!dragged && distance(pressed, pointer) < NEAR) return;
      if (!dragged) points.push(pressed);
      dragged = true;
      if (distance(points[points.length - 1], pointer) >= STEP) points.push(pointer);
    },
    up(at) {
      if (pressed === undefined) return;
      const here: Point = [at.x, at.y];
      const first = points.at(0);
      const last = points.at(-1);
      if (dragged) {
        points.push(here);
        return close(at);
      }
      pressed = undefined;
      if (first && last && points.length > 2 && (distance(first, here) < NEAR || distance(last, here) < NEAR / 2)) return close(at);
      if (last === undefined || distance(last, here) >= NEAR / 2) points.push(here);
    },
    cancel: stop,
    draw(context, viewport) {
      if (points.length === 0) return;
      context.beginPath();
      const line = pointer && !dragged ? [...points, pointer] : points;
      line.forEach(([px, py], i) => {
        const { x, y } = viewport.toCanvas(px, py);
        if (i === 0) context.moveTo(x, y);
        else context.lineTo(x, y);
      });
      strokeTwice(context);
      const start = viewport.toCanvas(...points[0]);
      context.beginPath();
      context.arc(start.x, start.y, 4, 0, 2 * Math.PI);
      strokeTwice(context);
    },
  };
}
