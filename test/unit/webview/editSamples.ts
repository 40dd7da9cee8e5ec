/**
 * Label maps for tests of the page's edits: random ones with regions of several sizes, and ones that are written down as pictures.
 */
import assert from 'node:assert/strict';
import fc from 'fast-check';
import type { Rect } from '../../../src/shared/labelPatch';
import type { LabelMap } from '../../../src/shared/maps';
import type { Selection } from '../../../src/webview/edits/selection';

export function emptyMap(width: number, height: number): LabelMap {
  return { data: new Uint8Array(width * height), width, height };
}

export function copyOf(labels: LabelMap): LabelMap {
  return { ...labels, data: labels.data.slice() };
}

/** A map from rows of characters: '.' is background, '1'..'9' are classes, '#' is ignore. */
export function picture(...rows: string[]): LabelMap {
  const data = Uint8Array.from(rows.join(''), character => (character === '.' ? 0 : character === '#' ? 255 : Number(character)));
  return { data, width: rows[0].length, height: rows.length };
}

export function rowsOf({ data, width, height }: LabelMap): string[] {
  const characters = Array.from(data, label => (label === 0 ? '.' : label === 255 ? '#' : String(label)));
  return Array.from({ length: height }, (_, y) => characters.slice(y * width, (y + 1) * width).join(''));
}

/** A selection as a picture of the whole map: 'x' is selected. */
export function selectedRows(selection: Selection | undefined, { width, height }: { width: number; height: number }): string[] {
  return Array.from({ length: height }, (_, y) => Array.from({ length: width }, (_value, x) => (selection && isSelected(selection, x, y) ? 'x' : '.')).join(''));
}

export function isSelected({ rect, inside }: Selection, x: number, y: number): boolean {
  return x >= rect.x && y >= rect.y && x < rect.x + rect.width && y < rect.y + rect.height && inside[(y - rect.y) * rect.width + x - rect.x] === 1;
}

/** Maps of 1..40 pixels a side with labels 0..3: rectangles on each other, and single pixels. */
export function labelMaps(): fc.Arbitrary<LabelMap> {
  const box = fc.record({ x: fc.nat(39), y: fc.nat(39), width: fc.integer({ min: 1, max: 20 }), height: fc.integer({ min: 1, max: 20 }), label: fc.nat(3) });
  return fc
    .record({ width: fc.integer({ min: 1, max: 40 }), height: fc.integer({ min: 1, max: 40 }), boxes: fc.array(box, { maxLength: 12 }) })
    .map(({ width, height, boxes }) => {
      const labels = emptyMap(width, height);
      for (const { x, y, width: w, height: h, label } of boxes) {
        for (let row = y; row < Math.min(height, y + h); row++) for (let column = x; column < Math.min(width, x + w); column++) labels.data[row * width + column] = label;
      }
      return labels;
    });
}

/** A map and one of its pixels. */
export function mapsWithPixel(): fc.Arbitrary<{ labels: LabelMap; x: number; y: number }> {
  return fc.record({ labels: labelMaps(), at: fc.nat(1600) }).map(({ labels, at }) => {
    const p = at % labels.data.length;
    return { labels, x: p % labels.width, y: Math.floor(p / labels.width) };
  });
}

/** All pixels that differ lie in `rect`; with `exactly`, it is the smallest rectangle around them. */
export function assertOnlyChangedInside(before: LabelMap, after: LabelMap, rect: Rect | undefined, exactly = false): void {
  const changed = Array.from(after.data.keys()).filter(p => before.data[p] !== after.data[p]);
  if (changed.length === 0) return exactly ? assert.equal(rect, undefined) : undefined;
  assert.ok(rect, 'something changed and nothing was said');
  const xs = changed.map(p => p % after.width);
  const ys = changed.map(p => Math.floor(p / after.width));
  const tight = { x: Math.min(...xs), y: Math.min(...ys), width: Math.max(...xs) - Math.min(...xs) + 1, height: Math.max(...ys) - Math.min(...ys) + 1 };
  if (exactly) assert.deepEqual(rect, tight);
  assert.ok(rect.x >= 0 && rect.y >= 0 && rect.x + rect.width <= after.width && rect.y + rect.height <= after.height, 'the rectangle leaves the map');
  assert.ok(tight.x >= rect.x && tight.y >= rect.y && tight.x + tight.width <= rect.x + rect.width && tight.y + tight.height <= rect.y + rect.height, 'a change lies outside the rectangle');
}
