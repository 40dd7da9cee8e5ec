/**
 * Hints: boxes that keep the class in hand inside, points and scribbles that pin it. They are collected on the page (`hand.hints`) and change the mask only when they
 * are applied. Inverted, each of these tools takes away the hint under the pointer, of whatever kind.
 */
import { BACKGROUND } from '../edits/labels';
import { wholeRadius } from '../edits/stampLine';
import { IGNORE } from '../../shared/maps';
import type { Hints } from '../../shared/review';
import type { Page, Pointer, Tool } from '../page';
import { boxPath, drawHintsOf } from './hintMarks';
import { strokeTwice } from './drawnLines';
import { labelName } from './names';

/** CSS pixels within which a hint is under the pointer. */
const NEAR = 8;

export function boxTool(page: Page): Tool {
  let start: { x: number; y: number } | undefined;
  let end: { x: number; y: number } | undefined;
  const stop = (): void => void (start = end = undefined);
  return {
    cursor: 'crosshair',
    down(at) {
      if (at.invert) return takeAway(page, at);
      if (canHint(page, 'class')) start = end = { x: at.x, y: at.y };
    },
    move: at => void (end = start && { x: at.x, y: at.y }),
    up(at) {
      const box = start && boxBetween(page, start, at);
      stop();
      if (!box) return;
      const id = page.hand.classId.peek();
      change(page, hints => ({ ...hints, boxes: [...hints.boxes, { id, box }] }));
      page.say(`Box for ${labelName(page, id)}, ${box[2]} by ${box[3]} pixels`);
    },
    cancel: stop,
    draw(context, viewport) {
      const box = start && end && boxBetween(page, start, end);
      if (!box) return;
      context.save();
      context.setLineDash([6, 4]);
      strokeTwice(context, boxPath(box, viewport));
      context.restore();
    },
  };
}

export function pointTool(page: Page): Tool {
  let pressed = false;
  return {
    cursor: 'crosshair',
    down(at) {
      if (at.invert) return takeAway(page, at);
      pressed = canHint(page, 'label');
    },
    move: () => undefined,
    up(at) {
      const here = pressed ? pixelAt(page, at) : undefined;
      pressed = false;
      if (!here) return;
      const id = page.hand.classId.peek();
      const [x, y] = here;
      change(page, hints => ({ ...hints, points: [...hints.points.filter(point => point.x !== x || point.y !== y), { id, x, y }] }));
      page.say(`Point for ${labelName(page, id)} at ${x}, ${y}`);
    },
    cancel: () => void (pressed = false),
  };
}

export function scribbleTool(page: Page): Tool {
  let points: [number, number][] = [];
  const add = (at: Pointer): void => {
    const here = clamped(page, at);
    const last = points.at(-1);
    // Closer points than a fraction of the width add nothing.
    if (here && (!last || Math.hypot(here[0] - last[0], here[1] - last[1]) >= Math.max(1, page.hand.radius.peek() / 4))) points.push(here);
  };
  const scribble = (): Hints['scribbles'][number] => ({ id: page.hand.classId.peek(), radius: wholeRadius(page.hand.radius.peek()), points });
  return {
    cursor: 'crosshair',
    down(at) {
      if (at.invert) return takeAway(page, at);
      if (canHint(page, 'label')) add(at);
    },
    move(at) {
      if (points.length > 0) add(at);
    },
    up(at) {
      if (points.length === 0) return;
      add(at);
      const made = scribble();
      points = [];
      change(page, hints => ({ ...hints, scribbles: [...hints.scribbles, made] }));
      page.say(`Scribble for ${labelName(page, made.id)}`);
    },
    cancel: () => void (points = []),
    draw(context, viewport) {
      if (points.length > 0) drawHintsOf(context, { boxes: [], points: [], scribbles: [scribble()] }, viewport);
    },
  };
}

/** The index of the hint that is nearest to a photo position, at most `reach` photo pixels away. */
export function hintNear({ boxes, points, scribbles }: Hints, at: { x: number; y: number }, reach: number): { kind: keyof Hints; index: number } | undefined {
  const found = [
    ...points.map(({ x, y }, index) => ({ kind: 'points' as const, index, distance: Math.hypot(x + 0.5 - at.x, y + 0.5 - at.y) })),
    ...scribbles.map(({ points: line, radius }, index) => ({ kind: 'scribbles' as const, index, distance: Math.max(0, distanceToLine(line, at) - radius) })),
    ...boxes.map(({ box: [x, y, width, height] }, index) => ({
      kind: 'boxes' as const,
      index,
      distance: distanceToLine([[x, y], [x + width, y], [x + width, y + height], [x, y + height], [x, y]], { x: at.x - 0.5, y: at.y - 0.5 }),
    })),
  ];
  const [nearest] = found.filter(({ distance }) => distance <= reach).sort((a, b) => a.distance - b.distance);
  return nearest && { kind: nearest.kind, index: nearest.index };
}

function takeAway(page: Page, at: Pointer): void {
  const hints = page.hand.hints.peek();
  const found = hintNear(hints, at, NEAR / page.viewport.scale.peek());
  if (!found) return page.say('There is no hint here');
  change(page, now => ({ ...now, [found.kind]: now[found.kind].filter((_, index) => index !== found.index) }));
  page.say('Hint taken away');
}

function change(page: Page, to: (hints: Hints) => Hints): void {
  page.hand.hints.value = to(page.hand.hints.peek());
}

/** Whether a hint can be given for what is in the hand (a box only for a class; points and scribbles also for background and ignore); if not, the page says why. */
function canHint(page: Page, needs: 'class' | 'label'): boolean {
  const id = page.hand.classId.peek();
  if (page.session.peek().readOnly) page.say('This workspace is not trusted: nothing can be run');
  else if (!page.photo.peek()) page.say('No photo is open');
  else if (needs === 'class' && (id === IGNORE || id === BACKGROUND)) page.say(`A box needs a class: ${labelName(page, id)} is in hand`);
  else return true;
  return false;
}

/** The pixel there, if it is one of the photo's. */
function pixelAt(page: Page, at: Pointer): [number, number] | undefined {
  const here = clamped(page, at);
  return here && here[0] === Math.floor(at.x) && here[1] === Math.floor(at.y) ? here : undefined;
}

/** The nearest pixel of the photo. */
function clamped(page: Page, { x, y }: { x: number; y: number }): [number, number] | undefined {
  const photo = page.photo.peek();
  if (!photo) return undefined;
  const { width, height } = photo.view;
  return [Math.min(width - 1, Math.max(0, Math.floor(x))), Math.min(height - 1, Math.max(0, Math.floor(y)))];
}

/** Both corners' pixels are in the box; undefined for a box of less than two pixels a side. */
function boxBetween(page: Page, a: { x: number; y: number }, b: { x: number; y: number }): [number, number, number, number] | undefined {
  const from = clamped(page, a);
  const to = clamped(page, b);
  if (!from || !to) return undefined;
  const width = Math.abs(to[0] - from[0]) + 1;
  const height = Math.abs(to[1] - from[1]) + 1;
  return width < 2 || height < 2 ? undefined : [Math.min(from[0], to[0]), Math.min(from[1], to[1]), width, height];
}

/** Distance from a position to a line through pixel centres. */
function distanceToLine(line: readonly (readonly [number, number])[], { x, y }: { x: number; y: number }): number {
  return line.reduce((least, [bx, by], i) => {
    const [ax, ay] = line[Math.max(0, i - 1)];
    const square = (bx - ax) ** 2 + (by - ay) ** 2;
    const t = square === 0 ? 0 : Math.min(1, Math.max(0, ((x - ax - 0.5) * (bx - ax) + (y - ay - 0.5) * (by - ay)) / square));
    return Math.min(least, Math.hypot(x - ax - 0.5 - t * (bx - ax), y - ay - 0.5 - t * (by - ay)));
  }, Infinity);
}
