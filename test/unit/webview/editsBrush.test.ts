import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { boundOfLine, onGrid, stampLine, wholeRadius } from '../../../src/webview/edits/stampLine';
import { assertOnlyChangedInside, emptyMap, labelMaps, rowsOf } from './editSamples';

const points = fc.record({ x: fc.double({ min: -30, max: 70, noNaN: true }), y: fc.double({ min: -30, max: 70, noNaN: true }) });

/** Distance of (x, y) from the segment. */
function distanceTo(a: { x: number; y: number }, b: { x: number; y: number }, x: number, y: number): number {
  const square = (b.x - a.x) ** 2 + (b.y - a.y) ** 2;
  const t = square === 0 ? 0 : Math.min(1, Math.max(0, ((x - a.x) * (b.x - a.x) + (y - a.y) * (b.y - a.y)) / square));
  return Math.hypot(x - a.x - t * (b.x - a.x), y - a.y - t * (b.y - a.y));
}

test('a stroke paints the pixels whose centres are within the radius of the line, and no others', () => {
  fc.assert(
    fc.property(points, points, fc.integer({ min: 2, max: 40 }), (a, b, half) => {
      const radius = half / 2;
      const labels = emptyMap(40, 36);
      const rect = stampLine(labels, a, b, { radius, label: 7 });
      const from = onGrid(a, radius);
      const to = onGrid(b, radius);
      labels.data.forEach((label, p) => {
        const distance = distanceTo(from, to, (p % 40) + 0.5, Math.floor(p / 40) + 0.5);
        // On the rim itself, rounding decides.
        if (Math.abs(distance - radius) > 1e-9) assert.equal(label, distance < radius ? 7 : 0, `pixel ${p} at ${distance}`);
      });
      assertOnlyChangedInside(emptyMap(40, 36), labels, rect);
    }),
  );
});

test('the smallest brush paints one pixel at a click, and a line of touching single pixels', () => {
  const labels = emptyMap(5, 3);
  stampLine(labels, { x: 1.99, y: 1.01 }, { x: 1.99, y: 1.01 }, { radius: 0.5, label: 1 });
  assert.deepEqual(rowsOf(labels), ['.....', '.1...', '.....']);

  const line = emptyMap(7, 4);
  stampLine(line, { x: 0.5, y: 0.5 }, { x: 6.5, y: 3.5 }, { radius: 0.5, label: 2 });
  assert.equal(line.data.filter(label => label === 2).length, 7);
  for (let x = 0; x < 7; x++) assert.equal([0, 1, 2, 3].filter(y => line.data[y * 7 + x] === 2).length, 1);
});

test('a brush has the same shape wherever it is put down', () => {
  for (const radius of [1, 1.5, 2, 2.5, 7, 7.5]) {
    const shapes = [0, 0.2, 0.49, 0.51, 0.8, 1].map(fraction => {
      const labels = emptyMap(40, 40);
      const at = { x: 18 + fraction, y: 18 + fraction / 2 };
      stampLine(labels, at, at, { radius, label: 1 });
      const { x, y, width, height } = boundOfLine(at, at, radius);
      return rowsOf(labels).slice(y, y + height).map(row => row.slice(x, x + width)).join('\n');
    });
    assert.equal(new Set(shapes).size, 1, `radius ${radius}: ${shapes.join('\n\n')}`);
  }
  const labels = emptyMap(6, 6);
  stampLine(labels, { x: 3, y: 3 }, { x: 3, y: 3 }, { radius: 2, label: 1 });
  assert.deepEqual(rowsOf(labels), ['......', '..11..', '.1111.', '.1111.', '..11..', '......']);
});

test('a brush that is held to a label leaves all others alone', () => {
  fc.assert(
    fc.property(labelMaps(), points, points, fc.integer({ min: 1, max: 30 }), fc.integer({ min: 0, max: 3 }), (labels, a, b, half, only) => {
      const free = { ...labels, data: labels.data.slice() };
      const held = { ...labels, data: labels.data.slice() };
      stampLine(free, a, b, { radius: half / 2, label: 9 });
      stampLine(held, a, b, { radius: half / 2, label: 9, only });
      labels.data.forEach((before, p) => assert.equal(held.data[p], before === only ? free.data[p] : before));
    }),
  );
});

test('a stroke off the mask changes nothing and says so', () => {
  const labels = emptyMap(10, 10);
  assert.equal(stampLine(labels, { x: -20, y: 5 }, { x: -20, y: 9 }, { radius: 3, label: 1 }), undefined);
  assert.ok(labels.data.every(label => label === 0));
});

test('radii are multiples of a half between a pixel and a thousand', () => {
  assert.deepEqual([-3, 0.1, 0.7, 0.8, 3, 9999].map(wholeRadius), [0.5, 0.5, 0.5, 1, 3, 500]);
});

test('a stroke is the same drawn forth and back', () => {
  fc.assert(
    fc.property(points, points, fc.integer({ min: 2, max: 30 }), (a, b, half) => {
      const [forth, back] = [emptyMap(40, 40), emptyMap(40, 40)];
      stampLine(forth, a, b, { radius: half / 2, label: 1 });
      stampLine(back, b, a, { radius: half / 2, label: 1 });
      const differing = forth.data.filter((label, p) => label !== back.data[p]).length;
      assert.ok(differing <= 2, `${differing} pixels differ`);
    }),
  );
});

