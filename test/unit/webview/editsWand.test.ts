import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { Rect } from '../../../src/shared/labelPatch';
import { areaOf } from '../../../src/webview/edits/selection';
import { ColourDistances, Wand, type ReadPixels } from '../../../src/webview/edits/wand';
import { emptyMap, isSelected } from './editSamples';

type Colour = readonly [number, number, number];

/** CIELAB from the definition. */
function lab(colour: Colour): Colour {
  const [r, g, b] = colour.map(value => (value / 255 <= 0.04045 ? value / 255 / 12.92 : ((value / 255 + 0.055) / 1.055) ** 2.4));
  const f = (t: number): number => (t > 216 / 24389 ? Math.cbrt(t) : ((24389 / 27) * t + 16) / 116);
  const x = f((0.4124564 * r + 0.3575761 * g + 0.1804375 * b) / 0.95047);
  const y = f(0.2126729 * r + 0.7151522 * g + 0.072175 * b);
  const z = f((0.0193339 * r + 0.119192 * g + 0.9503041 * b) / 1.08883);
  return [116 * y - 16, 500 * (x - y), 200 * (y - z)];
}

/** Reads a photo whose colour at (x, y) is given. */
function photo(colourAt: (x: number, y: number) => Colour, seen: Rect[] = []): ReadPixels {
  return rect => {
    seen.push(rect);
    const rgba = new Uint8ClampedArray(rect.width * rect.height * 4);
    for (let p = 0; p < rect.width * rect.height; p++) rgba.set([...colourAt(rect.x + (p % rect.width), rect.y + Math.floor(p / rect.width)), 255], p * 4);
    return rgba;
  };
}

test('distances are those of CIELAB in halves', () => {
  const colour = fc.tuple(fc.nat(255), fc.nat(255), fc.nat(255));
  fc.assert(
    fc.property(fc.array(colour, { minLength: 20, maxLength: 40 }), colour, (colours, reference) => {
      const distances = new ColourDistances(reference).of(Uint8ClampedArray.from(colours.flatMap(c => [...c, 255])));
      const [l, a, b] = lab(reference);
      colours.map(lab).forEach(([l2, a2, b2], i) => {
        const expected = Math.min(254, 2 * Math.hypot(l - l2, a - a2, b - b2));
        assert.ok(Math.abs(distances[i] - expected) <= 0.51, `${distances[i]} for ${expected}`);
      });
    }),
    { numRuns: 25 },
  );
  // From black to white it is 100.
  assert.deepEqual([...new ColourDistances([0, 0, 0]).of(Uint8ClampedArray.of(255, 255, 255, 255))], [200]);
});

test('the wand takes what looks alike and is connected, in the region it was put on', () => {
  const labels = emptyMap(60, 40);
  // A region of class 1 over the left two thirds; a red stripe across all, a second one apart.
  labels.data.forEach((_, p) => (labels.data[p] = p % 60 < 40 ? 1 : 0));
  const read = photo((_x, y) => ((y >= 10 && y < 20) || y >= 30 ? [200, 30, 30] : [30, 30, 200]));
  const held = new Wand(labels, 5, 15, read, true).select(10);
  assert.deepEqual(held.rect, { x: 0, y: 10, width: 40, height: 10 });
  assert.equal(areaOf(held), 400);
  const free = new Wand(labels, 5, 15, read, false).select(10);
  assert.deepEqual(free.rect, { x: 0, y: 10, width: 60, height: 10 });
});

test('more tolerance never takes less', () => {
  const labels = emptyMap(50, 50);
  const read = photo((x, y) => [(x * 5) % 256, (y * 5) % 256, ((x * y) >> 2) % 256]);
  const wand = new Wand(labels, 25, 25, read, true);
  let last = wand.select(0);
  for (const tolerance of [2, 5, 10, 20, 40, 80, 100]) {
    const next = wand.select(tolerance);
    for (let p = 0; p < 2500; p++) if (isSelected(last, p % 50, Math.floor(p / 50))) assert.ok(isSelected(next, p % 50, Math.floor(p / 50)));
    last = next;
  }
});

test('specks of noise are filled, real holes and other classes are not', () => {
  const labels = emptyMap(60, 60);
  labels.data[20 * 60 + 20] = 2;
  const read = photo((x, y) => ((x === 10 && y === 10) || (x === 20 && y === 20) || (x >= 30 && x < 40 && y >= 30 && y < 40) ? [255, 255, 255] : [90, 90, 90]));
  const found = new Wand(labels, 5, 5, read, true).select(8);
  assert.deepEqual([isSelected(found, 10, 10), isSelected(found, 20, 20), isSelected(found, 35, 35)], [true, false, false]);
});

test('only as much of a large photo is read as looks alike', () => {
  const labels = emptyMap(3000, 2000);
  const seen: Rect[] = [];
  const small = new Wand(labels, 1500, 1000, photo((x, y) => (Math.hypot(x - 1500, y - 1000) < 100 ? [200, 0, 0] : [0, 0, 200]), seen), true).select(10);
  assert.equal(small.rect.width, 199);
  assert.ok(seen.every(({ width, height }) => width * height < 300_000));
  const large = new Wand(labels, 1500, 1000, photo((x, y) => (Math.abs(x - 1500) < 900 && Math.abs(y - 1000) < 5 ? [200, 0, 0] : [0, 0, 200])), true).select(10);
  assert.deepEqual(large.rect, { x: 601, y: 996, width: 1799, height: 9 });
});
