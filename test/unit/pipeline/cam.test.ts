/** Class activation maps: against the authors' numbers, and what must hold for any head. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { CAM_NORMALISATIONS, CAM_VARIANTS, flipHorizontally, keepTagged, pooled, rawCams, reluMinMax, sumViews, type CamVariant } from '../../../src/pipeline/cam';
import { plane, type Maps } from '../../../src/shared/maps';
import { fixture, reference } from '../../shared';
import { assertClose, fixtureMaps, randomMaps, type FixtureTensor } from './maps';

interface NormaliseFixture {
  tolerance_abs: number;
  inputs: { batch_scores: FixtureTensor; views: FixtureTensor[] };
  outputs: { batch_cam: FixtureTensor; merged_views_cam: FixtureTensor };
}

interface PuzzleFixture {
  tolerance_abs: number;
  losses: { full_cam_scores: FixtureTensor };
  make_cam: { output: FixtureTensor };
}

type VariantOutput = Record<'raw' | 'relu_minmax', FixtureTensor>;
interface VariantsFixture {
  tolerance_abs: number;
  inputs: { activations: FixtureTensor; weights: FixtureTensor };
  outputs_per_class: Record<string, { plain_CAM_raw: FixtureTensor } & Record<'GradCAM' | 'LayerCAM' | 'GradCAMElementWise' | 'EigenCAM', VariantOutput>>;
}

/** The images of a B x K x h x w tensor. */
function batch({ shape: [images, ...rest], data }: FixtureTensor): Maps[] {
  const size = data.length / images;
  return Array.from({ length: images }, (_, i) => fixtureMaps({ shape: rest, data: data.slice(i * size, (i + 1) * size) }));
}

test("the normalisation of RS+EPM equals the authors', for one view and for several", reference('spec/fixtures/cam_normalise.json'), () => {
  const { inputs, outputs, tolerance_abs } = fixture<NormaliseFixture>('cam_normalise.json');
  const expected = batch(outputs.batch_cam);
  batch(inputs.batch_scores).forEach((scores, i) => assertClose(CAM_NORMALISATIONS.cam([scores]), expected[i], tolerance_abs));
  assertClose(CAM_NORMALISATIONS.cam(inputs.views.map(fixtureMaps)), fixtureMaps(outputs.merged_views_cam), tolerance_abs);
});

test("make_cam equals Puzzle-CAM's", reference('spec/fixtures/puzzle_cam.json'), () => {
  const { losses, make_cam, tolerance_abs } = fixture<PuzzleFixture>('puzzle_cam.json');
  const expected = batch(make_cam.output);
  batch(losses.full_cam_scores).forEach((scores, i) => assertClose(CAM_NORMALISATIONS.makeCam([scores]), expected[i], tolerance_abs));
});

test('variants equal pytorch-grad-cam with autograd', reference('spec/fixtures/cam_variants.json'), () => {
  const { inputs, outputs_per_class, tolerance_abs } = fixture<VariantsFixture>('cam_variants.json');
  const features = fixtureMaps(inputs.activations);
  const weights = Float32Array.from(inputs.weights.data);
  const names = { GradCAM: 'cam', LayerCAM: 'layerCam', GradCAMElementWise: 'elementWise' } as const satisfies Record<string, CamVariant>;
  const raw = rawCams(features, weights);
  for (const [k, expected] of Object.entries(outputs_per_class)) {
    const row = weights.subarray(Number(k) * 6, Number(k) * 6 + 6);
    assertClose(single(plane(raw, Number(k))), single(expected.plain_CAM_raw.data), tolerance_abs);
    for (const name of ['GradCAM', 'LayerCAM', 'GradCAMElementWise'] as const) {
      const map = CAM_VARIANTS[names[name]](features, row);
      assertClose(single(map), single(expected[name].raw.data), tolerance_abs);
      assertClose(single(reluMinMax(map)), single(expected[name].relu_minmax.data), tolerance_abs);
    }
    const eigen = CAM_VARIANTS.eigenCam(features);
    const upstream = expected.EigenCAM.raw.data;
    const sign = Math.sign(eigen.reduce((sum, value, p) => sum + value * upstream[p], 0));
    assertClose(single(eigen.map(value => value * sign)), single(upstream), tolerance_abs);
  }
});

test('pooled maps are the logits: pooling first gives the same', () => {
  const features = randomMaps(16, 5, 4, 1);
  const weights = randomMaps(3, 4, 4, 2).data.map(value => value - 0.5);
  const means = pooled(features);
  pooled(rawCams(features, weights)).forEach((logit, k) => {
    const expected = means.reduce((sum, value, d) => sum + value * weights[k * 16 + d], 0);
    assert.ok(Math.abs(logit - expected) < 1e-5);
  });
});

test('ablation: each weight is the share of the logit that goes with its channel', () => {
  const features = randomMaps(5, 3, 3, 3);
  const weights = Float32Array.of(0.5, -1, 2, 0, 1);
  const logit = (f: Maps) => pooled(rawCams(f, weights))[0];
  const expected = new Float32Array(9);
  for (let d = 0; d < 5; d++) {
    const without = { ...features, data: features.data.slice() };
    plane(without, d).fill(0);
    const share = (logit(features) - logit(without)) / logit(features);
    plane(features, d).forEach((value, p) => (expected[p] += share * value));
  }
  assertClose(single(CAM_VARIANTS.ablationCam(features, weights)), single(expected), 1e-5);
});

test('EigenCAM of channels without variation is 0, and does not depend on their order', () => {
  assert.ok(CAM_VARIANTS.eigenCam({ data: new Float32Array(12).fill(2), channels: 3, height: 2, width: 2 }).every(value => value === 0));
  const features = randomMaps(3, 4, 4, 4);
  const turned = { ...features, data: Float32Array.from([2, 0, 1].flatMap(d => [...plane(features, d)])) };
  assertClose(single(CAM_VARIANTS.eigenCam(turned)), single(CAM_VARIANTS.eigenCam(features)), 1e-4);
});

test('normalised maps lie in [0, 1], keep their peak, and a class that is nowhere positive is 0', () => {
  fc.assert(
    fc.property(fc.array(fc.float({ min: -50, max: 50, noNaN: true }), { minLength: 6, maxLength: 6 }), values => {
      const scores: Maps = { data: Float32Array.from([...values, ...values.map(value => -Math.abs(value))]), channels: 2, height: 2, width: 3 };
      for (const rule of ['cam', 'makeCam'] as const) {
        const out = CAM_NORMALISATIONS[rule]([scores]);
        assert.ok(out.data.every(value => value >= 0 && value <= 1));
        assert.ok(plane(out, 1).every(value => value === 0));
        if (Math.max(...values) > 1) assert.equal(plane(out, 0)[values.indexOf(Math.max(...values))], Math.max(...plane(out, 0)));
      }
    }),
  );
});

test('probabilities are divided by their maximum, sums over views included', () => {
  const view: Maps = { data: Float32Array.of(0.1, 0.2, 0.4), channels: 1, height: 1, width: 3 };
  assertClose(CAM_NORMALISATIONS.normalize([view, view]), { ...view, data: Float32Array.of(0.25, 0.5, 1) }, 1e-4);
});

test('a mirrored photo and its turned back map agree', () => {
  const features = randomMaps(4, 3, 5, 5);
  const weights = Float32Array.of(1, -1, 0.5, 2);
  assert.deepEqual(flipHorizontally(rawCams(flipHorizontally(features), weights)), rawCams(features, weights));
  assert.deepEqual(Array.from(flipHorizontally(single([1, 2, 3])).data), [3, 2, 1]);
});

test('untagged classes are 0', () => {
  const maps = randomMaps(3, 2, 2, 6);
  const kept = keepTagged(maps, [true, false, true]);
  assert.ok(plane(kept, 1).every(value => value === 0));
  assert.deepEqual(plane(kept, 2), plane(maps, 2));
  assert.throws(() => keepTagged(maps, [true]), /1 tags for 3 maps/);
});

test('what does not fit is refused', () => {
  assert.throws(() => rawCams(randomMaps(4, 2, 2, 1), new Float32Array(6)), /6 weights/);
  assert.throws(() => sumViews([randomMaps(1, 2, 2, 1), randomMaps(1, 2, 3, 1)]), /size/);
  assert.throws(() => sumViews([]), /no views/);
});

function single(values: ArrayLike<number>): Maps {
  return { data: Float32Array.from(values), channels: 1, height: 1, width: values.length };
}
