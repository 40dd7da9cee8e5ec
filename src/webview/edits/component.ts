/**
 * The connected pixels of one label around a pixel: what *fill* fills and what a region is. Filled run by run: each run of a row that is found puts the rows above and
 * below it on a stack (Smith, "Tint fill", SIGGRAPH 1979), so that a photo's whole background takes a fraction of a second.
 */
import type { Rect } from '../../shared/labelPatch';
import type { LabelMap } from '../../shared/maps';
import { intersection, isInside, whole } from './rects';
import { window, type Selection } from './selection';

export interface ComponentOptions {
  /** Neighbours share a side (4), or a side or a corner (8). */
  connectivity: 4 | 8;
  /** Pixels outside are not looked at; the whole map by default. */
  within?: Rect;
}

/** The pixels that have the label of pixel (x, y) and are connected with it; undefined when that lies outside. */
export function componentAt(labels: LabelMap, x: number, y: number, { connectivity, within = whole(labels) }: ComponentOptions): Selection | undefined {
  const limits = intersection(within, whole(labels));
  if (limits === undefined || !isInside(limits, x - limits.x, y - limits.y)) return undefined;
  const { data, width } = labels;
  const label = data[y * width + x];
  const inside = new Uint8Array(limits.width * limits.height);
  const reach = connectivity === 8 ? 1 : 0;
  const firstColumn = limits.x;
  const endColumn = limits.x + limits.width;
  let left = x;
  let right = x;
  let top = y;
  let bottom = y;
  const stack: number[] = [];

  /** Takes the whole run around `column` of `row`, and remembers it. @returns its end (exclusive). */
  const take = (row: number, column: number): number => {
    const line = row * width;
    let from = column;
    while (from > firstColumn && data[line + from - 1] === label) from--;
    let to = column + 1;
    while (to < endColumn && data[line + to] === label) to++;
    const at = (row - limits.y) * limits.width - limits.x;
    inside.fill(1, at + from, at + to);
    stack.push(row, from, to);
    if (from < left) left = from;
    if (to - 1 > right) right = to - 1;
    if (row < top) top = row;
    if (row > bottom) bottom = row;
    return to;
  };

  take(y, x);
  while (stack.length > 0) {
    const to = Math.min(endColumn, (stack.pop() ?? 0) + reach);
    const from = Math.max(firstColumn, (stack.pop() ?? 0) - reach);
    const row = stack.pop() ?? 0;
    for (const next of [row - 1, row + 1]) {
      if (next < limits.y || next >= limits.y + limits.height) continue;
      const line = next * width;
      const at = (next - limits.y) * limits.width - limits.x;
      for (let column = from; column < to; column++) {
        if (data[line + column] === label && inside[at + column] === 0) column = take(next, column);
      }
    }
  }
  return window({ rect: limits, inside }, { x: left, y: top, width: right - left + 1, height: bottom - top + 1 });
}
