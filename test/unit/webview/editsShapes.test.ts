import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { LabelMap } from '../../../src/shared/maps';
import { componentAt } from '../../../src/webview/edits/component';
import { nearest, resized } from '../../../src/webview/edits/copyMask';
import { dilated, eroded, grow, shrink } from '../../../src/webview/edits/morphology';
import { polygon, type FillRule } from '../../../src/webview/edits/polygon';
import { paint, pixelsOf, tight, window, type Selection } from '../../../src/webview/edits/selection';
import { smooth } from '../../../src/webview/edits/smooth';
import { assertOnlyChangedInside, copyOf, emptyMap, isSelected, labelMaps, mapsWithPixel, picture, rowsOf, selectedRows } from './editSamples';

const SIZE = { width: 24, height: 20 };
const corners = fc.array(fc.tuple(fc.double({ min: -8, max: 32, noNaN: true }), fc.double({ min: -8, max: 32, noNaN: true })), { minLength: 3, maxLength: 9 });

/** How often the path goes around the point, by the turns of its sides that cross the ray to the left. */
function windingsAround(points: readonly (readonly [number, number])[], x: number, y: number): { turns: number; crossings: number } {
  let turns = 0;
  let crossings = 0;
  points.forEach(([ax, ay], i) => {
    const [bx, by] = points[(i + 1) % points.length];
    if (ay <= y === by <= y || ax + ((y - ay) / (by - ay)) * (bx - ax) > x) return;
    crossings++;
    turns += by > ay ? 1 : -1;
  });
  return { turns, crossings };
}

test('a closed path holds the pixels whose centres it goes around', () => {
  fc.assert(
    fc.property(corners, fc.constantFrom<FillRule>('even-odd', 'non-zero'), (points, rule) => {
      const found = polygon(SIZE, points, rule);
      for (let y = 0; y < SIZE.height; y++) {
        for (let x = 0; x < SIZE.width; x++) {
          const { turns, crossings } = windingsAround(points, x + 0.5, y + 0.5);
          const expected = rule === 'even-odd' ? crossings % 2 === 1 : turns !== 0;
          assert.equal(found !== undefined && isSelected(found, x, y), expected, `pixel ${x}, ${y}`);
        }
      }
    }),
  );
});

test('shapes that share sides share no pixel and leave no gap', () => {
  const [a, b, c, d, middle]: [number, number][] = [[2, 2], [20.5, 3.5], [18, 17.5], [4.5, 15], [10.5, 9.5]];
  const parts = [[a, b, middle], [b, c, middle], [c, d, middle], [d, a, middle]].map(points => polygon(SIZE, points, 'even-odd'));
  const all = polygon(SIZE, [a, b, c, d], 'even-odd');
  assert.ok(all);
  for (let y = 0; y < SIZE.height; y++) for (let x = 0; x < SIZE.width; x++) assert.equal(parts.filter(part => part && isSelected(part, x, y)).length, isSelected(all, x, y) ? 1 : 0);
});

test('a path that crosses itself is filled by the rule asked for; one without area is nothing', () => {
  const star: [number, number][] = [[12, 0], [19, 20], [0, 7], [24, 7], [5, 20]];
  const evenOdd = polygon(SIZE, star, 'even-odd');
  const nonZero = polygon(SIZE, star, 'non-zero');
  assert.ok(evenOdd && nonZero);
  assert.deepEqual([isSelected(evenOdd, 12, 11), isSelected(nonZero, 12, 11)], [false, true]);
  assert.equal(polygon(SIZE, [[1, 1], [9, 9]], 'even-odd'), undefined);
  assert.equal(polygon(SIZE, [[1, 1.2], [9, 1.2], [4, 1.3]], 'even-odd'), undefined);
  assert.equal(polygon(SIZE, [[-9, -9], [-1, -9], [-1, -1]], 'even-odd'), undefined);
});

/** Pixels that are within `radius` of one for which `of` is true. */
function near(of: (x: number, y: number) => boolean, { width, height }: { width: number; height: number }, radius: number): Set<number> {
  const found = new Set<number>();
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      for (let dy = -Math.floor(radius); dy <= radius; dy++) {
        for (let dx = -Math.floor(radius); dx <= radius; dx++) {
          if (dx * dx + dy * dy > radius * radius || x + dx < 0 || y + dy < 0 || x + dx >= width || y + dy >= height || !of(x + dx, y + dy)) continue;
          found.add(y * width + x);
        }
      }
    }
  }
  return found;
}

test('dilation and erosion are those by a disc', () => {
  fc.assert(
    fc.property(mapsWithPixel(), fc.constantFrom(0, 1, 1.5, 2, 3, 5.5, 8), ({ labels, x, y }, radius) => {
      const region = componentAt(labels, x, y, { connectivity: 8 });
      assert.ok(region);
      const grownTo = dilated(region, radius, labels);
      const shrunkTo = eroded(region, radius, labels);
      const reach = near((column, row) => isSelected(region, column, row), labels, radius);
      const outside = near((column, row) => !isSelected(region, column, row), labels, radius);
      labels.data.forEach((_, p) => {
        const [column, row] = [p % labels.width, Math.floor(p / labels.width)];
        assert.equal(isSelected(grownTo, column, row), reach.has(p));
        assert.equal(shrunkTo !== undefined && isSelected(shrunkTo, column, row), isSelected(region, column, row) && !outside.has(p));
      });
    }),
    { numRuns: 60 },
  );
});

test('a region grows over background only, and shrinks to background only', () => {
  fc.assert(
    fc.property(mapsWithPixel(), fc.integer({ min: 1, max: 6 }), ({ labels, x, y }, radius) => {
      const label = labels.data[y * labels.width + x];
      const region = componentAt(labels, x, y, { connectivity: 8 });
      if (!region || label === 0) return;
      const larger = copyOf(labels);
      assertOnlyChangedInside(labels, larger, grow(larger, region, label, radius), true);
      larger.data.forEach((after, p) => assert.ok(after === labels.data[p] || (labels.data[p] === 0 && after === label)));
      const smaller = copyOf(labels);
      assertOnlyChangedInside(labels, smaller, shrink(smaller, region, label, radius), true);
      smaller.data.forEach((after, p) => assert.ok(after === labels.data[p] || (isSelected(region, p % labels.width, Math.floor(p / labels.width)) && after === 0)));
    }),
  );
});

test('growing is round, and the edge of the photo does not shrink', () => {
  const labels = picture('.......', '.......', '.......', '...1...', '.......', '..2....', '.......');
  grow(labels, { rect: { x: 3, y: 3, width: 1, height: 1 }, inside: Uint8Array.of(1) }, 1, 2);
  assert.deepEqual(rowsOf(labels), ['.......', '...1...', '..111..', '.11111.', '..111..', '..21...', '.......']);

  const corner = picture('1111.', '1111.', '1111.', '.....');
  const region = pixelsOf(corner, 1);
  assert.ok(region);
  shrink(corner, region, 1, 1);
  assert.deepEqual(rowsOf(corner), ['111..', '111..', '.....', '.....']);
});

test('smoothing cuts spikes and fills notches, and leaves straight edges', () => {
  const labels = picture(...Array.from({ length: 16 }, (_, y) => (y < 8 ? '................' : y === 9 ? '1111111.11111111' : '1111111111111111')));
  labels.data[7 * 16 + 4] = 1;
  const region = pixelsOf(labels, 1);
  assert.ok(region);
  smooth(labels, region, 1, 1);
  assert.deepEqual(rowsOf(labels), Array.from({ length: 16 }, (_, y) => (y < 8 ? '.' : '1').repeat(16)));
});

test('smoothing is the majority by pyramid weights, for the class alone, close to the region alone', () => {
  fc.assert(
    fc.property(mapsWithPixel(), fc.integer({ min: 1, max: 4 }), ({ labels, x, y }, radius) => {
      const label = labels.data[y * labels.width + x];
      const region = componentAt(labels, x, y, { connectivity: 8 });
      if (!region || label === 0) return;
      const after = copyOf(labels);
      assertOnlyChangedInside(labels, after, smooth(after, region, label, radius));
      const close = near((column, row) => isSelected(region, column, row), labels, radius);
      after.data.forEach((now, p) => {
        const before = labels.data[p];
        const winner = close.has(p) ? majority(labels, p, radius) : before;
        assert.equal(now, winner === label || before === label ? winner : before, `pixel ${p}`);
      });
    }),
    { numRuns: 40 },
  );
});

function majority(labels: LabelMap, p: number, radius: number): number {
  const weights = new Map<number, number>();
  // The box of 2r + 1 convolved with itself: 2r + 1 - |d| along each axis.
  const share = (d: number): number => Math.max(0, 2 * radius + 1 - Math.abs(d));
  const inBox = (from: number, to: number, size: number): number => {
    // A first box that is cut by the edge of the picture lets less through.
    let ways = 0;
    for (let middle = Math.max(0, from - radius, to - radius); middle <= Math.min(size - 1, from + radius, to + radius); middle++) ways++;
    return Math.min(ways, share(from - to));
  };
  const [x, y] = [p % labels.width, Math.floor(p / labels.width)];
  labels.data.forEach((label, q) => {
    const weight = inBox(x, q % labels.width, labels.width) * inBox(y, Math.floor(q / labels.width), labels.height);
    if (weight > 0) weights.set(label, (weights.get(label) ?? 0) + weight);
  });
  const most = Math.max(...weights.values());
  const own = labels.data[p];
  return weights.get(own) === most ? own : Math.min(...[...weights].filter(([, weight]) => weight === most).map(([label]) => label));
}

test('painting a selection says exactly what changed, and keeps to the label it is held to', () => {
  fc.assert(
    fc.property(labelMaps(), mapsWithPixel(), fc.nat(3), fc.option(fc.nat(3), { nil: undefined }), (labels, other, label, only) => {
      const selection = componentAt(other.labels, other.x, other.y, { connectivity: 8 });
      assert.ok(selection);
      const before = copyOf(labels);
      assertOnlyChangedInside(before, labels, paint(labels, selection, label, only), true);
      labels.data.forEach((after, p) => {
        const painted = isSelected(selection, p % labels.width, Math.floor(p / labels.width)) && (only === undefined || before.data[p] === only);
        assert.equal(after, painted ? label : before.data[p]);
      });
    }),
  );
});

test('a selection in another rectangle has the same pixels', () => {
  fc.assert(
    fc.property(mapsWithPixel(), fc.nat(8), ({ labels, x, y }, margin) => {
      const selection = componentAt(labels, x, y, { connectivity: 4 });
      assert.ok(selection);
      const wide = window(selection, { x: selection.rect.x - margin, y: selection.rect.y - margin, width: selection.rect.width + 2 * margin, height: selection.rect.height + margin });
      assert.deepEqual(selectedRows(wide, labels), selectedRows(selection, labels));
      assert.deepEqual(tight(wide), selection);
    }),
  );
  const nothing: Selection = { rect: { x: 0, y: 0, width: 3, height: 2 }, inside: new Uint8Array(6) };
  assert.equal(tight(nothing), undefined);
});

test('a mask of another size is stretched by pixel centres', () => {
  assert.deepEqual(rowsOf(resized(picture('12', '34'), 4, 4)), ['1122', '1122', '3344', '3344']);
  assert.deepEqual(rowsOf(resized(picture('1122', '1122', '3344', '3344'), 2, 2)), ['12', '34']);
  assert.deepEqual([0, 1, 2].map(target => nearest(target, 5, 3)), [0, 2, 4]);
  const labels = emptyMap(3, 2);
  assert.equal(resized(labels, 3, 2), labels);
});
