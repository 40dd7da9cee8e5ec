import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { LabelMap } from '../../../src/shared/maps';
import { componentAt } from '../../../src/webview/edits/component';
import { holesOf } from '../../../src/webview/edits/holes';
import { regionsOf, removeSmall } from '../../../src/webview/edits/regions';
import { areaOf, has } from '../../../src/webview/edits/selection';
import { assertOnlyChangedInside, copyOf, isSelected, labelMaps, mapsWithPixel, picture, rowsOf, selectedRows } from './editSamples';

/** Connected pixels by asking each neighbour. */
function reference(labels: LabelMap, x: number, y: number, connectivity: 4 | 8): Set<number> {
  const { data, width, height } = labels;
  const found = new Set([y * width + x]);
  for (const p of found) {
    for (let dy = -1; dy <= 1; dy++) {
      for (let dx = -1; dx <= 1; dx++) {
        if (connectivity === 4 && dx !== 0 && dy !== 0) continue;
        const column = (p % width) + dx;
        const row = Math.floor(p / width) + dy;
        if (column >= 0 && row >= 0 && column < width && row < height && data[row * width + column] === data[y * width + x]) found.add(row * width + column);
      }
    }
  }
  return found;
}

test('a component is what asking each neighbour finds, in the smallest rectangle', () => {
  fc.assert(
    fc.property(mapsWithPixel(), fc.constantFrom<4 | 8>(4, 8), ({ labels, x, y }, connectivity) => {
      const expected = reference(labels, x, y, connectivity);
      const found = componentAt(labels, x, y, { connectivity });
      assert.ok(found);
      labels.data.forEach((_, p) => assert.equal(isSelected(found, p % labels.width, Math.floor(p / labels.width)), expected.has(p)));
      const columns = [...expected].map(p => p % labels.width);
      assert.equal(found.rect.x, Math.min(...columns));
      assert.equal(found.rect.x + found.rect.width - 1, Math.max(...columns));
      assert.equal(areaOf(found), expected.size);
    }),
  );
});

test('a component stays inside the rectangle it is looked for in', () => {
  const labels = picture('11111', '1...1', '11111');
  assert.deepEqual(selectedRows(componentAt(labels, 0, 0, { connectivity: 4, within: { x: 0, y: 0, width: 3, height: 3 } }), labels), ['xxx..', 'x....', 'xxx..']);
  assert.equal(componentAt(labels, 4, 0, { connectivity: 4, within: { x: 0, y: 0, width: 3, height: 3 } }), undefined);
  assert.equal(componentAt(labels, -1, 0, { connectivity: 4 }), undefined);
});

test('regions are the components of all labels but background, in reading order', () => {
  fc.assert(
    fc.property(labelMaps(), labels => {
      const regions = regionsOf(labels);
      const seen = new Set<number>();
      for (const region of regions) {
        const pixels = reference(labels, region.x, region.y, 8);
        assert.equal(region.area, pixels.size);
        assert.equal(region.label, labels.data[region.y * labels.width + region.x]);
        assert.equal(Math.min(...pixels), region.y * labels.width + region.x);
        assert.deepEqual(componentAt(labels, region.x, region.y, { connectivity: 8 })?.rect, region.rect);
        for (const p of pixels) {
          assert.ok(!seen.has(p));
          seen.add(p);
        }
      }
      assert.equal(seen.size, labels.data.filter(label => label !== 0).length);
      const places = regions.map(({ x, y }) => y * labels.width + x);
      assert.deepEqual(places, [...places].sort((a, b) => a - b));
    }),
  );
});

test('holes are what cannot be reached from outside', () => {
  const labels = picture('1111111', '1.11..1', '1111.11', '.1.1111', '111.111');
  const region = componentAt(labels, 0, 0, { connectivity: 8 });
  assert.ok(region);
  assert.deepEqual(selectedRows(holesOf(region), labels), ['.......', '.x..xx.', '....x..', '..x....', '.......']);
  assert.deepEqual(selectedRows(holesOf(region, 2), labels), ['.......', '.x.....', '.......', '..x....', '.......']);
  assert.equal(holesOf({ rect: { x: 3, y: 3, width: 2, height: 1 }, inside: Uint8Array.of(1, 1) }), undefined);
});

test('with its holes filled a selection has none; no hole is a part of it or lies at its rectangle\'s edge', () => {
  fc.assert(
    fc.property(mapsWithPixel(), ({ labels, x, y }) => {
      const region = componentAt(labels, x, y, { connectivity: 8 });
      assert.ok(region);
      const holes = holesOf(region);
      if (!holes) return;
      const filled = { rect: region.rect, inside: region.inside.slice() };
      for (let row = 0; row < filled.rect.height; row++) {
        for (let column = 0; column < filled.rect.width; column++) {
          if (!has(holes, filled.rect.x + column, filled.rect.y + row)) continue;
          assert.equal(filled.inside[row * filled.rect.width + column], 0);
          assert.ok(row > 0 && column > 0 && row < filled.rect.height - 1 && column < filled.rect.width - 1);
          filled.inside[row * filled.rect.width + column] = 1;
        }
      }
      assert.equal(holesOf(filled), undefined);
    }),
  );
});

test('crumbs become what surrounds them, and large regions stay', () => {
  const labels = picture('1......', '....222', '.1..232', '11..222', '.......');
  const rect = removeSmall(labels, 3);
  assert.deepEqual(rowsOf(labels), ['.......', '....222', '.1..222', '11..222', '.......']);
  assert.ok(rect);
});

test('taking crumbs away invents no label, says what it changed, and leaves regions of the size asked for', () => {
  fc.assert(
    fc.property(labelMaps(), fc.integer({ min: 1, max: 60 }), (labels, area) => {
      const before = copyOf(labels);
      const large = regionsOf(labels).filter(region => region.area >= area);
      assertOnlyChangedInside(before, labels, removeSmall(labels, area));
      const known = new Set(before.data).add(0);
      assert.ok(labels.data.every(label => known.has(label)));
      for (const { x, y, label, rect } of large) {
        const kept = componentAt(before, x, y, { connectivity: 8 });
        assert.ok(kept);
        for (let row = rect.y; row < rect.y + rect.height; row++) {
          for (let column = rect.x; column < rect.x + rect.width; column++) if (has(kept, column, row)) assert.equal(labels.data[row * labels.width + column], label);
        }
      }
    }),
  );
});
