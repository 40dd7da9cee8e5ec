/** The closer look: only for tags the cue is blind to, at the right part of the photo, and put back where it was taken. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { QUICK } from '../../../models/presets';
import { saliencyByTag, type PhotoBox } from '../../../src/pipeline/closerLook';
import { plane, zeroMaps, type Maps } from '../../../src/shared/maps';

const cue = QUICK.saliency;
const SIZE = 20;

/** A map of 20 x 20 with `value` in a rectangle of cells. */
function spot(value: number, x0: number, y0: number, x1: number, y1: number): Maps {
  const map = zeroMaps(1, SIZE, SIZE);
  for (let y = y0; y < y1; y++) for (let x = x0; x < x1; x++) map.data[y * SIZE + x] = value;
  return map;
}

function stacked(...maps: Maps[]): Maps {
  const out = zeroMaps(maps.length, SIZE, SIZE);
  maps.forEach((map, k) => plane(out, k).set(map.data));
  return out;
}

const full = (value: number): Maps => ({ data: Float32Array.of(value), channels: 1, height: 1, width: 1 });

test('a tag that the cue sees keeps the whole photo\'s salience; a blind one gets what its own neighbourhood shows', async () => {
  const boxes: PhotoBox[] = [];
  const salient = spot(1, 0, 0, 10, 20);
  const maps = stacked(spot(0.9, 2, 2, 6, 6), spot(0.8, 12, 8, 18, 14));
  const byTag = await saliencyByTag(maps, salient, cue, async box => {
    boxes.push(box);
    return full(0.7);
  });
  assert.deepEqual(plane(byTag, 0), salient.data);
  assert.equal(boxes.length, 1);
  const [{ left, top, right, bottom }] = boxes;
  // 6 cells of 20, grown to 1.6 times as much about the middle (15, 11).
  const near = (a: number, b: number): void => assert.ok(Math.abs(a - b) < 1e-9, `${a} is not ${b}`);
  near(left, (15 - 4.8) / SIZE);
  near(right, (15 + 4.8) / SIZE);
  near(top, (11 - 4.8) / SIZE);
  near(bottom, (11 + 4.8) / SIZE);
  const closer = plane(byTag, 1);
  for (let y = 0; y < SIZE; y++) {
    for (let x = 0; x < SIZE; x++) {
      const inside = x >= Math.round(left * SIZE) && x < Math.round(right * SIZE) && y >= Math.round(top * SIZE) && y < Math.round(bottom * SIZE);
      assert.ok(Math.abs(closer[y * SIZE + x] - (inside ? 0.7 : 0)) < 1e-6, `at ${x}, ${y}`);
    }
  }
});

test('a look stays inside the photo and is never at less than a quarter of a side', async () => {
  for (const map of [spot(1, 0, 0, 1, 1), spot(1, 19, 19, 20, 20), spot(1, 0, 0, 20, 20), spot(1, 10, 0, 11, 20)]) {
    const seen = await saliencyByTag(map, zeroMaps(1, SIZE, SIZE), cue, async ({ left, top, right, bottom }) => {
      assert.ok(left >= 0 && top >= 0 && right <= 1 && bottom <= 1);
      assert.ok(right - left >= 0.125 && bottom - top >= 0.125, 'cut off by the border, half of a quarter is left');
      return full(1);
    });
    assert.ok(seen.data.some(value => value === 1));
  }
});

test('an empty map asks for no look', async () => {
  const seen = await saliencyByTag(zeroMaps(1, SIZE, SIZE), zeroMaps(1, SIZE, SIZE), cue, () => assert.fail('nothing to look at'));
  assert.ok(seen.data.every(value => value === 0));
});
