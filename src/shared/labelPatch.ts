/**
 * One edit of a mask: a rectangle with the labels it had and the labels it has, so that it can be taken back without anything else being known. This is what the
 * review page sends for a stroke, what the editor's undo stack and its hot exit keep, and what the engine applies to the file when the mask is saved.
 */
import * as v from 'valibot';
import { SeedMaskError } from './errors';
import { bytesSchema, decodeRuns, encodeRuns } from './labelRuns';
import type { LabelMap } from './maps';

const coordinate = v.pipe(v.number(), v.integer(), v.minValue(0), v.maxValue(100_000));
const side = v.pipe(v.number(), v.integer(), v.minValue(1), v.maxValue(100_000));

export const labelPatchSchema = v.object({
  x: coordinate,
  y: coordinate,
  width: side,
  height: side,
  /** labelRuns of the rectangle, row-major. */
  before: bytesSchema,
  after: bytesSchema,
});
export type LabelPatch = v.InferOutput<typeof labelPatchSchema>;

/** A rectangle of whole pixels. */
export interface Rect {
  x: number;
  y: number;
  width: number;
  height: number;
}

/** The patch from `before` to the map's present labels inside `rect`; `before` holds the rectangle's old labels, row-major. */
export function patchOf(labels: LabelMap, rect: Rect, before: Uint8Array): LabelPatch {
  return { ...rect, before: encodeRuns(before), after: encodeRuns(cut(labels, rect)) };
}

/** The labels inside `rect`, row-major. */
export function cut({ data, width }: LabelMap, rect: Rect): Uint8Array {
  const out = new Uint8Array(rect.width * rect.height);
  for (let y = 0; y < rect.height; y++) {
    const from = (rect.y + y) * width + rect.x;
    out.set(data.subarray(from, from + rect.width), y * rect.width);
  }
  return out;
}

/**
 * Writes the patch's new ('redo') or old ('undo') labels into the map.
 * @throws SeedMaskError 'bad-message' when it does not fit; the map is then as it was.
 */
export function applyPatch(labels: LabelMap, patch: LabelPatch, direction: 'redo' | 'undo'): void {
  const { x, y, width, height } = patch;
  if (x + width > labels.width || y + height > labels.height) throw new SeedMaskError('bad-message', 'an edit lies outside its mask');
  const values = decodeRuns(direction === 'redo' ? patch.after : patch.before, width * height);
  for (let row = 0; row < height; row++) labels.data.set(values.subarray(row * width, (row + 1) * width), (y + row) * labels.width + x);
}
