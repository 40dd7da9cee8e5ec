import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { TILE } from '../../../src/webview/canvas/painter';
import { boxOf, coarser, finer, levelFor, partOf, tilesOver } from '../../../src/webview/canvas/tileMaths';

test('tile pixels are about pixels of the screen, and never larger when zoomed in', () => {
  for (const scale of [0.01, 0.1, 0.3, 0.5, 0.9, 1, 1.5, 2, 7, 32, 64]) {
    const perPixel = scale * 2 ** levelFor(scale);
    assert.ok(perPixel <= Math.SQRT2 + 1e-9 && perPixel > 0.49, `${scale}: ${perPixel}`);
    if (scale >= 1) assert.ok(perPixel <= 1 + 1e-9, `${scale}: ${perPixel}`);
  }
});

const partial = fc.record({ x: fc.integer({ min: -500, max: 6000 }), y: fc.integer({ min: -500, max: 4000 }), width: fc.integer({ min: 1, max: 3000 }), height: fc.integer({ min: 1, max: 3000 }) });

test('the tiles of a view cover all of the photo that is in sight, each once', () => {
  const photo = { width: 6000, height: 4000 };
  fc.assert(
    fc.property(partial, fc.integer({ min: -6, max: 5 }), fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }), fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }), (view, level, u, v) => {
      // At fine levels a wide view has very many tiles; the screen limits it in truth.
      const part = { ...view, width: Math.min(view.width, 2000 * 2 ** level), height: Math.min(view.height, 2000 * 2 ** level) };
      const tiles = tilesOver(part, level, photo);
      const inside = { x: part.x + u * part.width, y: part.y + v * part.height };
      const covering = tiles.map(boxOf).filter(box => inside.x >= box.x && inside.x < box.x + box.width && inside.y >= box.y && inside.y < box.y + box.height);
      const onPhoto = inside.x >= 0 && inside.y >= 0 && inside.x < photo.width && inside.y < photo.height;
      if (onPhoto) assert.equal(covering.length, 1);
      else assert.ok(covering.length <= 1);
    }),
  );
});

test('the part of a tile under a box holds every pixel of the box, and stays inside the tile', () => {
  fc.assert(
    fc.property(partial, fc.integer({ min: -3, max: 3 }), (box, level) => {
      for (const place of tilesOver(box, level, { width: 6000, height: 4000 }).slice(0, 4)) {
        const part = partOf(place, box, 2);
        assert.ok(part);
        assert.ok(part.x >= 0 && part.y >= 0 && part.x + part.width <= TILE && part.y + part.height <= TILE);
        const tile = boxOf(place);
        const unit = 2 ** level;
        const left = Math.max(box.x, tile.x);
        const right = Math.min(box.x + box.width, tile.x + tile.width);
        assert.ok(tile.x + part.x * unit <= left && tile.x + (part.x + part.width) * unit >= right);
      }
    }),
  );
  assert.equal(partOf({ level: 0, column: 0, row: 0 }, { x: 900, y: 0, width: 10, height: 10 }, 2), undefined);
});

test('coarser and finer tiles are inverse', () => {
  fc.assert(
    fc.property(fc.nat({ max: 100 }), fc.nat({ max: 100 }), fc.integer({ min: -5, max: 5 }), (column, row, level) => {
      const place = { level, column, row };
      assert.equal(finer(place).length, 4);
      for (const child of finer(place)) assert.deepEqual(coarser(child, 1), place);
    }),
  );
});
