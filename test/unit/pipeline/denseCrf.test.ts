/** The dense CRF against pydensecrf and against exact sums. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { CRF_PARAMETERS, denseCrf, probabilitiesFromLabels, type CrfParameters } from '../../../src/pipeline/denseCrf';
import { withBackground } from '../../../src/pipeline/withBackground';
import type { Maps, RgbImage } from '../../../src/shared/maps';
import { fixture, reference } from '../../shared';

interface Picture {
  data: number[];
}

function labelsOf({ data, channels, height, width }: Maps): number[] {
  return Array.from({ length: height * width }, (_, p) => {
    let best = 0;
    for (let k = 1; k < channels; k++) if (data[k * height * width + p] > data[best * height * width + p]) best = k;
    return best;
  });
}

const agreement = (a: number[], b: number[]) => a.filter((label, p) => label === b[p]).length / a.length;

test('labels equal pydensecrf in 99 % of pixels, exact sums in all', reference('spec/fixtures/densecrf_32x32.json'), () => {
  const { inputs, cases } = fixture<{
    inputs: { image_HxWx3_u8: Picture; fg_prob: Picture };
    cases: {
      case: string;
      params: { iter_max: number; bi_w: number; bi_xy_std: number; bi_rgb_std: number; pos_w: number; pos_xy_std: number };
      call: { gamma: number };
      label_upstream: Picture;
      label_exact_gaussian: Picture;
    }[];
  }>('densecrf_32x32.json');
  const image = { data: Uint8Array.from(inputs.image_HxWx3_u8.data), height: 32, width: 32 };
  const seeds = { data: Float32Array.from(inputs.fg_prob.data), channels: 2, height: 32, width: 32 };
  const named = [CRF_PARAMETERS.rsepm, CRF_PARAMETERS.puzzle];
  assert.equal(cases.length, named.length);
  cases.forEach(({ params, call, label_upstream, label_exact_gaussian }, i) => {
    const parameters: CrfParameters = {
      iterations: params.iter_max,
      gaussian: { xy: params.pos_xy_std, weight: params.pos_w },
      bilateral: { xy: params.bi_xy_std, rgb: params.bi_rgb_std, weight: params.bi_w },
    };
    assert.deepEqual(named[i], parameters);
    const probabilities = withBackground(seeds, call.gamma);
    assert.ok(agreement(labelsOf(denseCrf(image, probabilities, parameters)), label_upstream.data) >= 0.99);
    assert.deepEqual(labelsOf(denseCrf(image, probabilities, parameters, 'exact')), label_exact_gaussian.data);
  });
});

test('exact probabilities of three constant sets', reference('spec/fixtures/mars-crf-bruteforce-8x8.json'), () => {
  const expected = fixture<{
    image_HWC: number[][][];
    foreground_similarity: number[][];
    configs: Record<string, { sxy_g: number; w_g: number; sxy_b: number; srgb: number; w_b: number; it: number }>;
    Q_fg: Record<string, number[][]>;
    binary: Record<string, number[][]>;
  }>('mars-crf-bruteforce-8x8.json');
  const image = { data: Uint8Array.from(expected.image_HWC.flat(2)), height: 8, width: 8 };
  const probabilities = withBackground({ data: Float32Array.from(expected.foreground_similarity.flat()), channels: 1, height: 8, width: 8 }, 1);
  const sets = { deeplab_authors: CRF_PARAMETERS.rsepm, psa: CRF_PARAMETERS.psa, irn: CRF_PARAMETERS.irn };
  for (const [name, parameters] of Object.entries(sets)) {
    const { it, sxy_g, w_g, sxy_b, srgb, w_b } = expected.configs[name];
    assert.deepEqual(parameters, { iterations: it, gaussian: { xy: sxy_g, weight: w_g }, bilateral: { xy: sxy_b, rgb: srgb, weight: w_b } });
    const exact = denseCrf(image, probabilities, parameters, 'exact');
    expected.Q_fg[name].flat().forEach((q, p) => assert.ok(Math.abs(exact.data[64 + p] - q) < 1e-4, `${name} ${p}: ${exact.data[64 + p]} is not ${q}`));
    assert.deepEqual(labelsOf(exact), expected.binary[name].flat());
    assert.ok(agreement(labelsOf(denseCrf(image, probabilities, parameters)), expected.binary[name].flat()) >= 0.95);
  }
});

/** A scene of two colour regions with noise, and noisy scores of the right one. */
const seeds = fc.record({ seed: fc.integer({ min: 1, max: 1e9 }), labels: fc.integer({ min: 2, max: 4 }), noise: fc.integer({ min: 0, max: 12 }) });
const scenes = seeds.map(({ seed, labels, noise }) => {
  let state = seed;
  const random = () => (state = (Math.imul(state, 1664525) + 1013904223) >>> 0) / 2 ** 32;
  const [height, width] = [14, 18];
  const colours = Array.from({ length: labels }, () => [random() * 240, random() * 240, random() * 240]);
  const cut = 4 + Math.floor(random() * 8);
  const image: RgbImage = { data: new Uint8Array(height * width * 3), height, width };
  const probabilities: Maps = { data: new Float32Array(labels * height * width), channels: labels, height, width };
  for (let p = 0; p < height * width; p++) {
    const own = p % width < cut ? 0 : 1 + (Math.floor(p / width) % (labels - 1) === 0 ? 0 : labels - 2);
    for (let c = 0; c < 3; c++) image.data[p * 3 + c] = colours[own][c] + random() * noise;
    let sum = 0;
    for (let l = 0; l < labels; l++) sum += probabilities.data[l * height * width + p] = (l === own ? 0.6 : 0.2) + random() * 0.3;
    for (let l = 0; l < labels; l++) probabilities.data[l * height * width + p] /= sum;
  }
  return { image, probabilities };
});

test('fast and exact agree on the labels of small scenes', () => {
  fc.assert(
    fc.property(scenes, fc.constantFrom(...Object.values(CRF_PARAMETERS)), ({ image, probabilities }, parameters) => {
      const fast = labelsOf(denseCrf(image, probabilities, parameters));
      const exact = labelsOf(denseCrf(image, probabilities, parameters, 'exact'));
      assert.ok(agreement(fast, exact) >= 0.97, `${agreement(fast, exact)}`);
    }),
    { numRuns: 25 },
  );
});

test('probabilities stay probabilities, and no weight changes nothing', () => {
  fc.assert(
    fc.property(scenes, ({ image, probabilities }) => {
      const size = image.height * image.width;
      const { data } = denseCrf(image, probabilities, CRF_PARAMETERS.rsepm);
      for (let p = 0; p < size; p++) {
        let sum = 0;
        for (let l = 0; l < probabilities.channels; l++) {
          assert.ok(data[l * size + p] >= 0 && data[l * size + p] <= 1);
          sum += data[l * size + p];
        }
        assert.ok(Math.abs(sum - 1) < 1e-5);
      }
      const idle = { iterations: 2, gaussian: { xy: 1, weight: 0 }, bilateral: { xy: 67, rgb: 3, weight: 0 } };
      denseCrf(image, probabilities, idle).data.forEach((value, i) => assert.ok(Math.abs(value - probabilities.data[i]) < 1e-5));
    }),
    { numRuns: 20 },
  );
});

test('the order of the labels does not matter', () => {
  fc.assert(
    fc.property(scenes, ({ image, probabilities }) => {
      const size = image.height * image.width;
      const turned = new Float32Array(probabilities.data.length);
      const last = probabilities.channels - 1;
      for (let l = 0; l <= last; l++) turned.set(probabilities.data.subarray(l * size, (l + 1) * size), (last - l) * size);
      const one = denseCrf(image, probabilities, CRF_PARAMETERS.irn);
      const other = denseCrf(image, { ...probabilities, data: turned }, CRF_PARAMETERS.irn);
      for (let i = 0; i < one.data.length; i++) {
        const l = Math.floor(i / size);
        assert.ok(Math.abs(one.data[i] - other.data[(last - l) * size + (i % size)]) < 2e-3);
      }
    }),
    { numRuns: 15 },
  );
});

test('a wrong pixel inside a plain region is put right', () => {
  const image = { data: Uint8Array.from({ length: 12 * 12 * 3 }, (_, i) => (Math.floor(i / 3) % 12 < 6 ? 200 : 30)), height: 12, width: 12 };
  const object = Float32Array.from({ length: 144 }, (_, p) => (p % 12 < 6 ? 0.8 : 0.1));
  object[3 * 12 + 2] = 0.2;
  const labels = labelsOf(denseCrf(image, withBackground({ data: object, channels: 1, height: 12, width: 12 }, 1), CRF_PARAMETERS.rsepm));
  assert.deepEqual(labels, Array.from({ length: 144 }, (_, p) => (p % 12 < 6 ? 1 : 0)));
});

test('one pixel, one label, and no label', () => {
  const image = { data: Uint8Array.of(1, 2, 3), height: 1, width: 1 };
  const maps = (...values: number[]): Maps => ({ data: Float32Array.from(values), channels: values.length, height: 1, width: 1 });
  assert.deepEqual([...denseCrf(image, maps(0.3), CRF_PARAMETERS.psa).data], [1]);
  assert.throws(() => denseCrf(image, maps(), CRF_PARAMETERS.psa), /no label/);
  assert.throws(() => denseCrf(image, { ...maps(0.3, 0.7), channels: 1, width: 2 }, CRF_PARAMETERS.psa), /1 x 2/);
});

test('probabilities from labels: certain, shared, undecided', () => {
  const { data } = probabilitiesFromLabels({ data: Uint8Array.of(0, 7, 255), height: 1, width: 3 }, [0, 7, 9]);
  const expected = [0.7, 0.15, 1 / 3, 0.15, 0.7, 1 / 3, 0.15, 0.15, 1 / 3];
  expected.forEach((value, i) => assert.ok(Math.abs(data[i] - value) < 1e-6));
  assert.throws(() => probabilitiesFromLabels({ data: Uint8Array.of(3), height: 1, width: 1 }, [0, 7]), /label 3/);
});
