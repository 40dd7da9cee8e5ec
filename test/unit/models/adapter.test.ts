/** Photos into tensors and outputs into maps, without a runtime. */
import assert from 'node:assert/strict';
import test from 'node:test';
import fc from 'fast-check';
import { backboneInput, decodeOutput, imageTensor } from '../../../models/adapter';
import { BACKBONES } from '../../../models/catalog';
import { SeedMaskError } from '../../../src/shared/errors';
import { tinyVitSpec } from '../../tinyModels';

const RULE = { layout: 'NCHW' as const, scale: 1, mean: [0, 0, 0] as [number, number, number], std: [1, 1, 1] as [number, number, number] };
const row = (...red: number[]): { data: Uint8Array; width: number; height: number } => ({ data: Uint8Array.from(red.flatMap(r => [r, 0, 0])), width: red.length, height: 1 });

test('the border mirrors without repeating the edge, as often as needed', () => {
  const pad = { left: 3, top: 0, right: 4, bottom: 1 };
  const { data, dims } = imageTensor([row(1, 2, 3)], RULE, pad);
  assert.deepEqual([...dims], [1, 3, 2, 10]);
  const expected = [2, 3, 2, 1, 2, 3, 2, 1, 2, 3];
  assert.deepEqual([...data.subarray(0, 20)], [...expected, ...expected]);
});

test('flipping twice gives the photo, and the border is that of the flipped photo', () => {
  fc.assert(fc.property(fc.uint8Array({ minLength: 2, maxLength: 9 }), red => {
    const pad = { left: 2, top: 0, right: 3, bottom: 0 };
    assert.deepEqual(imageTensor([row(...red)], RULE, pad, true), imageTensor([row(...[...red].reverse())], RULE, pad));
  }));
});

test('normalisation is (p / scale - mean) / std', () => {
  const { data } = imageTensor([row(51)], { ...RULE, scale: 255, mean: [0.1, 0, 0.5], std: [0.5, 1, 0.25] });
  [0.2, 0, -2].forEach((expected, i) => assert.ok(Math.abs(Number(data[i]) - expected) < 1e-6));
});

test('photos that are no multiple of the stride, or differ in size, are a caller\'s bug', () => {
  assert.throws(() => backboneInput(tinyVitSpec, [row(1, 2, 3)]), /no multiple of 4/);
  assert.throws(() => imageTensor([row(1), row(1, 2)], RULE), /one size/);
});

test('a map of 2n+1 cells is averaged onto the half-pixel grid', () => {
  const [spec] = BACKBONES;
  const fine = spec.outputs.find(output => output.smooth2x2);
  assert.ok(fine);
  const data = new Float32Array(288 * 9);
  data.set([0, 4, 8, 0, 4, 8, 8, 4, 0]);
  const [map] = decodeOutput(spec, fine, { [fine.name]: { dims: [1, 288, 3, 3], data } }, { width: 16, height: 16 });
  assert.deepEqual([map.height, map.width, ...map.data.subarray(0, 4)], [2, 2, 2, 6, 4, 4]);
});

test('an output of another shape is refused with the reason', () => {
  const [output] = tinyVitSpec.outputs;
  const run = (dims: number[]): unknown => decodeOutput(tinyVitSpec, output, { last_hidden_state: { dims, data: new Float32Array(dims.reduce((a, b) => a * b)) } }, { width: 8, height: 8 });
  assert.throws(() => run([1, 8, 8]), (error: unknown) => error instanceof SeedMaskError && error.reason === 'bad-model' && /expected \[1, 7, 8\]/.test(error.message));
  assert.doesNotThrow(() => run([1, 7, 8]));
});
