/** PAMR: the SIMD version against the definition and against the authors' own numbers. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { pamr, pamrAffinity, pamrIterate, pamrReference } from '../../../src/pipeline/pamr';
import { resizeBilinear } from '../../../src/pipeline/resize';
import { plane, type Maps, type RgbImage } from '../../../src/shared/maps';
import { fixture, reference } from '../../shared';
import { assertClose, fixtureMaps, randomMaps, type FixtureTensor } from './maps';

interface PamrFixture {
  tolerance_abs: number;
  inputs: { image: FixtureTensor; mask: FixtureTensor };
  cases: { case: string; num_iter: number; dilations: number[]; output: FixtureTensor }[];
}

interface LowResolutionFixture {
  tolerance_abs: number;
  num_iter: number;
  dilations: number[];
  inputs: { mask_lowres: FixtureTensor };
  outputs: { upsampled_mask: FixtureTensor; refined: FixtureTensor };
}

for (const name of ['pamr_toy_5x5.json', 'pamr_64x64_4ch.json']) {
  test(`equals the authors' code on ${name}`, reference(`spec/fixtures/${name}`), () => {
    const { inputs, cases, tolerance_abs } = fixture<PamrFixture>(name);
    const image = fixtureMaps(inputs.image);
    const mask = fixtureMaps(inputs.mask);
    for (const { dilations, num_iter, output } of cases) {
      const options = { dilations, iterations: num_iter };
      assertClose(pamr(image, mask, options), fixtureMaps(output), tolerance_abs);
      if (image.width < 64 || num_iter === 1) assertClose(pamrReference(image, mask, options), fixtureMaps(output), tolerance_abs);
    }
  });
}

test("equals the authors' code on a mask that is stretched first", reference('spec/fixtures/pamr_64x64_lowres_mask.json'), () => {
  const { inputs, outputs, tolerance_abs, dilations, num_iter } = fixture<LowResolutionFixture>('pamr_64x64_lowres_mask.json');
  const image = fixtureMaps(fixture<PamrFixture>('pamr_64x64_4ch.json').inputs.image);
  const stretched = resizeBilinear(fixtureMaps(inputs.mask_lowres), 64, 64, { alignCorners: true });
  assertClose(stretched, fixtureMaps(outputs.upsampled_mask), tolerance_abs);
  assertClose(pamr(image, stretched, { dilations, iterations: num_iter }), fixtureMaps(outputs.refined), tolerance_abs);
});

test('fast and plain version agree on any size, number of maps and set of dilations', () => {
  const cases = fc.record({
    height: fc.integer({ min: 1, max: 11 }),
    width: fc.integer({ min: 1, max: 19 }),
    channels: fc.integer({ min: 1, max: 6 }),
    dilations: fc.uniqueArray(fc.integer({ min: 1, max: 13 }), { minLength: 1, maxLength: 3 }),
    iterations: fc.integer({ min: 0, max: 3 }),
    seed: fc.integer({ min: 1, max: 1e6 }),
  });
  fc.assert(
    fc.property(cases, ({ height, width, channels, dilations, iterations, seed }) => {
      const image = randomImage(height, width, seed);
      const maps = randomMaps(channels, height, width, seed + 1);
      assertClose(pamr(image, maps, { dilations, iterations }), pamrReference(image, maps, { dilations, iterations }), 2e-5);
    }),
    { numRuns: 60 },
  );
});

test('values stay inside the range of each map, and maps do not touch one another', () => {
  const image = randomImage(40, 33, 5);
  const maps = randomMaps(3, 40, 33, 6);
  plane(maps, 1).fill(0);
  const out = pamr(image, maps);
  assert.ok(out.data.every(value => value >= 0 && value <= 1 + 1e-5));
  assert.ok(plane(out, 1).every(value => value === 0));
  const alone: Maps = { ...maps, channels: 1, data: plane(maps, 2).slice() };
  assert.deepEqual(pamr(image, alone).data, plane(out, 2));
});

test('a sharp edge of colour keeps scores apart', () => {
  const size = 32;
  const left = (p: number) => p % size < size / 2;
  const data = Uint8Array.from({ length: size * size * 3 }, (_, i) => (left(Math.floor(i / 3)) ? 20 : 220));
  const maps = { data: Float32Array.from({ length: size * size }, (_, p) => (left(p) ? 1 : 0)), channels: 1, height: size, width: size };
  const out = pamr({ data, height: size, width: size }, maps, { dilations: [1, 2, 4] });
  assert.ok(out.data.every((value, p) => (left(p) ? value > 0.95 : value < 0.05)));
});

test('weights serve several masks, are the same as at once, and end with release', () => {
  const image = randomImage(24, 30, 9);
  const affinity = pamrAffinity(image);
  const masks = [randomMaps(2, 24, 30, 1), randomMaps(5, 24, 30, 2)];
  for (const mask of masks) assert.deepEqual(pamrIterate(affinity, mask), pamr(image, mask));
  affinity.release();
  assert.throws(() => pamrIterate(affinity, masks[0]), /released/);
});

test('the memory of a photo that is done with leaves no trace in the next', () => {
  const fresh = pamr(randomImage(10, 12, 3), randomMaps(2, 10, 12, 4));
  pamr(randomImage(50, 41, 7), randomMaps(4, 50, 41, 8));
  assert.deepEqual(pamr(randomImage(10, 12, 3), randomMaps(2, 10, 12, 4)), fresh);
});

test('scores too small to matter become zero instead of slow numbers', () => {
  const image = randomImage(8, 8, 2);
  const maps: Maps = { data: new Float32Array(64).fill(1e-30), channels: 1, height: 8, width: 8 };
  assert.ok(pamr(image, maps).data.every(value => value === 0));
});

test('weights that no memory can hold are refused before anything is allocated', () => {
  const dilations = new Array<number>(1000).fill(1);
  assert.throws(() => pamrAffinity(randomImage(400, 400, 1), { dilations }), { name: 'SeedMaskError', reason: 'too-large' });
});

test('sizes that do not fit are refused', () => {
  assert.throws(() => pamr(randomImage(8, 8, 1), randomMaps(1, 8, 9, 1)), /8 x 9/);
  assert.throws(() => pamr(randomMaps(4, 8, 8, 1), randomMaps(1, 8, 8, 1)), /3 colours/);
  assert.throws(() => pamrAffinity(randomImage(8, 8, 1), { dilations: [] }), /dilations/);
});

function randomImage(height: number, width: number, seed: number): RgbImage {
  return { data: Uint8Array.from(randomMaps(3, height, width, seed).data, value => value * 256), height, width };
}
