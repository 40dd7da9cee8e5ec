/**
 * Arithmetic of rectangles of whole pixels. A rectangle that has no pixels is `undefined`: whoever gets one from here has something to draw.
 */
import type { Rect } from '../../shared/labelPatch';

interface Size {
  width: number;
  height: number;
}

/** The smallest rectangle around both. */
export function union(a: Rect | undefined, b: Rect | undefined): Rect | undefined {
  if (a === undefined || b === undefined) return a ?? b;
  const x = Math.min(a.x, b.x);
  const y = Math.min(a.y, b.y);
  return { x, y, width: Math.max(a.x + a.width, b.x + b.width) - x, height: Math.max(a.y + a.height, b.y + b.height) - y };
}

/** What both have. */
export function intersection(a: Rect, b: Rect): Rect | undefined {
  const x = Math.max(a.x, b.x);
  const y = Math.max(a.y, b.y);
  const width = Math.min(a.x + a.width, b.x + b.width) - x;
  const height = Math.min(a.y + a.height, b.y + b.height) - y;
  return width > 0 && height > 0 ? { x, y, width, height } : undefined;
}

/** The rectangle with `margin` pixels more on each side, as far as the picture goes. */
export function grown({ x, y, width, height }: Rect, margin: number, within: Size): Rect | undefined {
  return intersection({ x: x - margin, y: y - margin, width: width + 2 * margin, height: height + 2 * margin }, whole(within));
}

/** All of a picture. */
export function whole({ width, height }: Size): Rect {
  return { x: 0, y: 0, width, height };
}

export function isInside({ width, height }: Size, x: number, y: number): boolean {
  return x >= 0 && y >= 0 && x < width && y < height;
}
