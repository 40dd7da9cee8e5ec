/**
 * The brush: a round pencil without soft edges, moved along a line. A pixel is painted when its centre is within the radius of the line; the ends are put on the grid
 * first (on a pixel's centre where the diameter is odd, on a corner where it is even), so that a small brush has the same shape wherever it is. A brush of one pixel
 * draws the thin line of Bresenham, "Algorithm for computer control of a digital plotter", IBM Systems Journal 4(1), 1965.
 */
import type { Rect } from '../../shared/labelPatch';
import type { LabelMap } from '../../shared/maps';
import { intersection, whole } from './rects';

export const SMALLEST_RADIUS = 0.5;
export const LARGEST_RADIUS = 500;

export interface Brush {
  /** Photo pixels, 0.5 (one pixel) .. 500 in steps of a half; others are rounded and cut to that. */
  radius: number;
  /** Label that is painted. */
  label: number;
  /** Only pixels that have this label are painted. */
  only?: number;
}

interface Point {
  x: number;
  y: number;
}

/** A radius that there is: a multiple of a half from 0.5 to 500. */
export function wholeRadius(radius: number): number {
  return Math.min(LARGEST_RADIUS, Math.max(SMALLEST_RADIUS, Math.round(radius * 2) / 2));
}

/** Where the middle of a brush really is when the pointer is at (x, y). */
export function onGrid({ x, y }: Point, radius: number): Point {
  const odd = (wholeRadius(radius) * 2) % 2 === 1;
  return odd ? { x: Math.floor(x) + 0.5, y: Math.floor(y) + 0.5 } : { x: Math.round(x), y: Math.round(y) };
}

/** The rectangle that a brush moved from `a` to `b` stays inside, before it is cut to the mask. */
export function boundOfLine(a: Point, b: Point, radius: number): Rect {
  const r = wholeRadius(radius);
  const from = onGrid(a, r);
  const to = onGrid(b, r);
  const x = Math.floor(Math.min(from.x, to.x) - r);
  const y = Math.floor(Math.min(from.y, to.y) - r);
  return { x, y, width: Math.ceil(Math.max(from.x, to.x) + r) - x, height: Math.ceil(Math.max(from.y, to.y) + r) - y };
}

/**
 * Paints with a brush moved from `a` to `b` (photo pixels, fractions; may lie outside).
 * @returns the rectangle that may have changed; undefined when all of the brush lies outside the mask.
 */
export function stampLine(labels: LabelMap, a: Point, b: Point, brush: Brush): Rect | undefined {
  const radius = wholeRadius(brush.radius);
  const bound = intersection(boundOfLine(a, b, radius), whole(labels));
  if (bound === undefined) return undefined;
  const from = onGrid(a, radius);
  const to = onGrid(b, radius);
  if (radius === SMALLEST_RADIUS) thinLine(labels, from, to, brush);
  else {
    for (let y = bound.y; y < bound.y + bound.height; y++) {
      const [left, right] = spanOf(from, to, radius, y + 0.5);
      // Pixels whose centres lie in [left, right].
      const first = Math.max(0, Math.ceil(left - 0.5));
      const end = Math.min(labels.width, Math.floor(right - 0.5) + 1);
      if (first < end) paintRow(labels.data, y * labels.width + first, y * labels.width + end, brush);
    }
  }
  return bound;
}

function paintRow(data: Uint8Array, from: number, to: number, { label, only }: Brush): void {
  if (only === undefined) data.fill(label, from, to);
  else for (let p = from; p < to; p++) if (data[p] === only) data[p] = label;
}

/**
 * Where the horizontal line at height `y` meets the points within `radius` of the segment from `a` to `b`: one interval, since these are convex. It is the hull of what
 * it meets of the two end discs and of the rectangle between them; empty is [Infinity, -Infinity].
 */
function spanOf(a: Point, b: Point, radius: number, y: number): [number, number] {
  let left = Infinity;
  let right = -Infinity;
  for (const { x, y: middle } of [a, b]) {
    const square = radius * radius - (y - middle) * (y - middle);
    if (square < 0) continue;
    const half = Math.sqrt(square);
    left = Math.min(left, x - half);
    right = Math.max(right, x + half);
  }
  const length = Math.hypot(b.x - a.x, b.y - a.y);
  if (length === 0) return [left, right];
  // The sides of the rectangle that are parallel to the segment; its other two sides lie inside the discs.
  const across = { x: (-(b.y - a.y) / length) * radius, y: ((b.x - a.x) / length) * radius };
  for (const side of [1, -1]) {
    const top = a.y + side * across.y;
    const rise = b.y - a.y;
    const t = rise === 0 ? NaN : (y - top) / rise;
    if (!(t >= 0 && t <= 1)) continue;
    const x = a.x + side * across.x + t * (b.x - a.x);
    left = Math.min(left, x);
    right = Math.max(right, x);
  }
  return [left, right];
}

/** One pixel wide, from the pixel of `a` to that of `b`, each step to one of eight neighbours. */
function thinLine(labels: LabelMap, a: Point, b: Point, brush: Brush): void {
  const end = { x: Math.floor(b.x), y: Math.floor(b.y) };
  let x = Math.floor(a.x);
  let y = Math.floor(a.y);
  const dx = Math.abs(end.x - x);
  const dy = -Math.abs(end.y - y);
  const stepX = x < end.x ? 1 : -1;
  const stepY = y < end.y ? 1 : -1;
  for (let error = dx + dy; ; ) {
    if (x >= 0 && y >= 0 && x < labels.width && y < labels.height) paintRow(labels.data, y * labels.width + x, y * labels.width + x + 1, brush);
    if (x === end.x && y === end.y) return;
    const twice = 2 * error;
    if (twice >= dy) {
      error += dy;
      x += stepX;
    }
    if (twice <= dx) {
      error += dx;
      y += stepY;
    }
  }
}
