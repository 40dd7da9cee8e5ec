/** Blur and Canny against OpenCV's numbers. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { canny, gaussianBlur5 } from '../../../src/pipeline/canny';
import { fixture, reference } from '../../shared';

interface Array2 {
  shape: number[];
  data: number[];
}

test('blur and edges equal OpenCV', reference('spec/fixtures/canny_40x40.json'), () => {
  const expected = fixture<{
    inputs: { u8: Array2 };
    outputs: { blurred: Array2; canny_10_100_on_blurred: Array2; canny_50_150_on_raw: Array2 };
  }>('canny_40x40.json');
  const raw = { data: Uint8Array.from(expected.inputs.u8.data), height: 40, width: 40 };
  const blurred = gaussianBlur5(raw);
  assert.deepEqual([...blurred.data], expected.outputs.blurred.data);
  assert.deepEqual([...canny(blurred, 10, 100).data], expected.outputs.canny_10_100_on_blurred.data);
  assert.deepEqual([...canny(raw, 50, 150).data], expected.outputs.canny_50_150_on_raw.data);
});

test('a step gives one line of edges, a faint step none', () => {
  const step = (high: number) => ({ data: Uint8Array.from({ length: 48 }, (_, i) => (i % 8 < 4 ? 0 : high)), height: 6, width: 8 });
  const edges = canny(step(200), 10, 100);
  for (let y = 0; y < 6; y++) assert.equal([...edges.data.subarray(y * 8, y * 8 + 8)].filter(e => e === 255).length, 1);
  assert.ok(canny(step(2), 10, 100).data.every(e => e === 0));
});

test('a weak line is an edge only where it touches a strong one', () => {
  // A step along y whose height falls from 60 (strong) to 10 (weak) at x = 8; the right half alone is weak throughout.
  const picture = (heights: number[]) => ({
    data: Uint8Array.from({ length: 16 * 6 }, (_, i) => (Math.floor(i / 16) < 3 ? 0 : heights[i % 16])),
    height: 6,
    width: 16,
  });
  const connected = canny(picture(Array.from({ length: 16 }, (_, x) => (x < 8 ? 60 : 10))), 10, 100);
  const alone = canny(picture(new Array<number>(16).fill(10)), 10, 100);
  assert.ok(connected.data.some((e, i) => e === 255 && i % 16 > 10));
  assert.ok(alone.data.every(e => e === 0));
});

test('any size down to one pixel; a flat picture stays flat', () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 6 }), fc.integer({ min: 1, max: 6 }), fc.integer({ min: 0, max: 255 }), (height, width, value) => {
      const flat = { data: new Uint8Array(height * width).fill(value), height, width };
      assert.deepEqual(gaussianBlur5(flat).data, flat.data);
      assert.ok(canny(flat, 10, 100).data.every(e => e === 0));
    }),
  );
});
