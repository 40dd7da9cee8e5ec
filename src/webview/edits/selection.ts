/**
 * A set of pixels, as a rectangle and one byte a pixel: what lasso, wand, fill and the region commands have in common. Making a selection never writes; the one
 * function that writes it into a mask is `paint`, and it tells which rectangle really changed.
 */
import type { Rect } from '../../shared/labelPatch';
import type { LabelMap } from '../../shared/maps';
import { intersection, whole } from './rects';

export interface Selection {
  rect: Rect;
  /** rect.width x rect.height, row-major: 1 selected, 0 not. */
  inside: Uint8Array;
}

/** Whether photo pixel (x, y) is selected. */
export function has({ rect, inside }: Selection, x: number, y: number): boolean {
  const column = x - rect.x;
  const row = y - rect.y;
  return column >= 0 && row >= 0 && column < rect.width && row < rect.height && inside[row * rect.width + column] === 1;
}

/** Number of selected pixels. */
export function areaOf({ inside }: Selection): number {
  let area = 0;
  for (let p = 0; p < inside.length; p++) area += inside[p];
  return area;
}

/** The pixels of the rectangle that are not selected. */
export function complement({ rect, inside }: Selection): Selection {
  const out = new Uint8Array(inside.length);
  for (let p = 0; p < inside.length; p++) out[p] = 1 - inside[p];
  return { rect, inside: out };
}

/** All pixels of one label inside `rect`; undefined when there are none. */
export function pixelsOf(labels: LabelMap, label: number, rect: Rect = whole(labels)): Selection | undefined {
  const within = intersection(rect, whole(labels));
  if (within === undefined) return undefined;
  const inside = new Uint8Array(within.width * within.height);
  for (let y = 0; y < within.height; y++) {
    const from = (within.y + y) * labels.width + within.x;
    const to = y * within.width;
    for (let x = 0; x < within.width; x++) if (labels.data[from + x] === label) inside[to + x] = 1;
  }
  return tight({ rect: within, inside });
}

/** The same pixels in the smallest rectangle that holds them; undefined when there are none. */
export function tight(selection: Selection): Selection | undefined {
  const { rect, inside } = selection;
  let left = rect.width;
  let right = -1;
  let top = -1;
  let bottom = -1;
  for (let y = 0; y < rect.height; y++) {
    const row = inside.subarray(y * rect.width, (y + 1) * rect.width);
    const first = row.indexOf(1);
    if (first < 0) continue;
    if (top < 0) top = y;
    bottom = y;
    left = Math.min(left, first);
    right = Math.max(right, row.lastIndexOf(1));
  }
  if (top < 0) return undefined;
  if (left === 0 && top === 0 && right === rect.width - 1 && bottom === rect.height - 1) return selection;
  return window(selection, { x: rect.x + left, y: rect.y + top, width: right - left + 1, height: bottom - top + 1 });
}

/** The part of a selection that `rect` frames; pixels of `rect` that the selection does not reach are not selected. */
export function window({ rect: from, inside }: Selection, rect: Rect): Selection {
  const out = new Uint8Array(rect.width * rect.height);
  const shared = intersection(from, rect);
  if (shared !== undefined) {
    for (let y = shared.y; y < shared.y + shared.height; y++) {
      const start = (y - from.y) * from.width + shared.x - from.x;
      out.set(inside.subarray(start, start + shared.width), (y - rect.y) * rect.width + shared.x - rect.x);
    }
  }
  return { rect, inside: out };
}

/**
 * Gives the selected pixels `label`, those that have label `only` now if that is said.
 * @returns the rectangle around the pixels whose label changed; undefined when none did.
 */
export function paint(labels: LabelMap, selection: Selection, label: number, only?: number): Rect | undefined {
  const { rect, inside } = selection;
  const { data, width } = labels;
  const within = intersection(rect, whole(labels));
  if (within === undefined) return undefined;
  let left = width;
  let right = -1;
  let top = -1;
  let bottom = -1;
  for (let y = within.y; y < within.y + within.height; y++) {
    const row = y * width;
    const at = (y - rect.y) * rect.width - rect.x;
    const first = inside.indexOf(1, at + within.x);
    let changed = false;
    // Rows and beginnings of rows without a selected pixel are passed over at once.
    for (let x = first < 0 ? width : first - at; x < within.x + within.width; x++) {
      if (inside[at + x] === 0) continue;
      const now = data[row + x];
      if (now === label || (only !== undefined && now !== only)) continue;
      data[row + x] = label;
      changed = true;
      if (x < left) left = x;
      if (x > right) right = x;
    }
    if (changed) {
      if (top < 0) top = y;
      bottom = y;
    }
  }
  return top < 0 ? undefined : { x: left, y: top, width: right - left + 1, height: bottom - top + 1 };
}
