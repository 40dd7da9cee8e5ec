/** Random walks against AffinityNet's, IRNet's and Puzzle-CAM's own numbers, and the sparse step against the dense matrix. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import {
  affinityMatrix,
  denseRandomWalk,
  divideByMaximum,
  edgeAffinity,
  featureAffinity,
  irnWalk,
  pairOffsets,
  pairSources,
  pathOf,
  psaWalk,
  randomWalk,
  transitionMatrix,
} from '../../../src/pipeline/randomWalk';
import type { Maps } from '../../../src/shared/maps';
import { fixture, reference } from '../../shared';

const stack = (planes: number[][][]): Maps => ({
  data: Float32Array.from(planes.flat(2)),
  channels: planes.length,
  height: planes[0].length,
  width: planes[0][0].length,
});

function close(actual: ArrayLike<number>, expected: readonly number[], tolerance: number): void {
  assert.equal(actual.length, expected.length);
  expected.forEach((value, i) => assert.ok(Math.abs(actual[i] - value) <= tolerance, `value ${i}: ${actual[i]} is not ${value}`));
}

/** Positions of the largest of each pixel's scores. */
function winners({ data, channels, height, width }: Maps): number[] {
  return Array.from({ length: height * width }, (_, p) => {
    let best = 0;
    for (let k = 1; k < channels; k++) if (data[k * height * width + p] > data[best * height * width + p]) best = k;
    return best;
  });
}

interface PsaCase {
  offsets_dy_dx: [number, number][];
  ind_from: number[];
  affinity_nonzero: number;
  affinity_row_27: number[];
  trans_1step_col_27: number[];
  rw_scores_f64: number[][];
  argmax: number[][];
}

test('AffinityNet on 8 x 8: pairs, affinities, one step and 256 steps', reference('spec/fixtures/psa-rw-8x8.json'), () => {
  const expected = fixture<{ feat_CHW: number[][][]; cam_2HW: number[][][]; radii: Record<string, PsaCase> }>('psa-rw-8x8.json');
  const features = stack(expected.feat_CHW);
  for (const radius of [2, 3, 4]) {
    const at = expected.radii[radius];
    assert.deepEqual(pairOffsets(radius).map(({ dy, dx }) => [dy, dx]), at.offsets_dy_dx);
    assert.deepEqual(pairSources(8, 8, radius), at.ind_from);
    const affinity = featureAffinity(features, radius);
    const matrix = affinityMatrix(affinity);
    assert.equal(matrix.filter(v => v !== 0).length, at.affinity_nonzero);
    close(matrix.subarray(27 * 64, 28 * 64), at.affinity_row_27, 1e-5);
    const step = transitionMatrix(affinity, 8);
    close(Array.from({ length: 64 }, (_, p) => step[p * 64 + 27]), at.trans_1step_col_27, 1e-5);
    const scores = psaWalk(features, stack(expected.cam_2HW), { radius });
    close(scores.data, at.rw_scores_f64.flat(), 1e-4);
    assert.deepEqual(winners(scores), at.argmax.flat());
  }
  assert.throws(() => featureAffinity(features, 5), /no pairs/);
});

test('AffinityNet on 12 x 12 at radius 5', reference('spec/fixtures/psa-rw-12x12-r5.json'), () => {
  const expected = fixture<{ feat_CHW: number[][][]; cam_2HW: number[][][] } & Pick<PsaCase, 'rw_scores_f64' | 'argmax'>>('psa-rw-12x12-r5.json');
  const scores = psaWalk(stack(expected.feat_CHW), stack(expected.cam_2HW));
  close(scores.data, expected.rw_scores_f64.flat(), 1e-4);
  assert.deepEqual(winners(scores), expected.argmax.flat());
});

test('IRNet on 8 x 8: paths, affinities, walk and labels', reference('spec/fixtures/psa-irn-rw-8x8.json'), () => {
  interface Case {
    dst_order_dy_dx: [number, number][];
    paths_by_length: [number, number][][][];
    affinity_row_27: number[];
    rw_f64: number[][][];
    'pred_bg_0.25': number[][];
  }
  const expected = fixture<{ cam_2HW: number[][][]; edge_HW: number[][]; radii: Record<string, Case> }>('psa-irn-rw-8x8.json');
  const edge = stack([expected.edge_HW]);
  const text = (points: [number, number][]) => points.map(String).sort().join(' ');
  for (const radius of [2, 3, 4, 5]) {
    const at = expected.radii[radius];
    const offsets = pairOffsets(radius);
    assert.equal(text(offsets.map(({ dy, dx }) => [dy, dx])), text(at.dst_order_dy_dx));
    const paths = at.paths_by_length.flat().map(text).sort();
    assert.deepEqual(offsets.map(offset => text(pathOf(offset).map(({ dy, dx }) => [dy, dx]))).sort(), paths);
    close(affinityMatrix(edgeAffinity(edge, radius)).subarray(27 * 64, 28 * 64), at.affinity_row_27, 1e-5);
    const maps = irnWalk(edge, stack(expected.cam_2HW), { radius });
    close(maps.data, at.rw_f64.flat(2), 1e-4);
    const relative = divideByMaximum(maps);
    const labels = winners({ ...relative, channels: 3, data: Float32Array.of(...new Array<number>(64).fill(0.25), ...relative.data) });
    assert.deepEqual(labels, at['pred_bg_0.25'].flat());
  }
});

test("Puzzle-CAM's walk on 10 x 12", reference('spec/fixtures/random_walk_10x12.json'), () => {
  const { inputs, outputs } = fixture<{ inputs: Record<'edge' | 'cam', { data: number[] }>; outputs: { rw: { data: number[] } } }>(
    'random_walk_10x12.json',
  );
  const maps = (data: number[], channels: number): Maps => ({ data: Float32Array.from(data), channels, height: 10, width: 12 });
  close(irnWalk(maps(inputs.edge.data, 1), maps(inputs.cam.data, 2)).data, outputs.rw.data, 1e-4);
});

const grids = fc
  .record({ height: fc.integer({ min: 1, max: 7 }), width: fc.integer({ min: 1, max: 7 }), channels: fc.integer({ min: 1, max: 6 }) })
  .chain(({ height, width, channels }) => {
    const values = (length: number) =>
      fc.array(fc.integer({ min: 0, max: 16 }), { minLength: length, maxLength: length }).map(list => Float32Array.from(list, v => v / 16));
    return fc.record({
      edge: values(height * width).map((data): Maps => ({ data, channels: 1, height, width })),
      scores: values(channels * height * width).map((data): Maps => ({ data, channels, height, width })),
      radius: fc.integer({ min: 2, max: 5 }),
      beta: fc.constantFrom(1, 8, 10),
      steps: fc.constantFrom(1, 2, 32),
    });
  });

test('sparse steps equal powers of the dense matrix, whatever the grid and number of maps', () => {
  fc.assert(
    fc.property(grids, ({ edge, scores, radius, beta, steps }) => {
      const affinity = edgeAffinity(edge, radius);
      close(randomWalk(affinity, scores, beta, steps).data, [...denseRandomWalk(affinity, scores, beta, steps).data], 1e-4);
    }),
    { numRuns: 60 },
  );
});

test('a walk averages: scores stay within their range and a constant map stays constant', () => {
  fc.assert(
    fc.property(grids, ({ edge, scores, radius, beta, steps }) => {
      const affinity = edgeAffinity(edge, radius);
      const walked = randomWalk(affinity, scores, beta, steps);
      const [low, high] = [Math.min(...scores.data), Math.max(...scores.data)];
      assert.ok(walked.data.every(v => v >= low - 1e-4 && v <= high + 1e-4));
      const constant = randomWalk(affinity, { ...scores, data: scores.data.map(() => 0.7) }, beta, steps);
      assert.ok(constant.data.every(v => Math.abs(v - 0.7) < 1e-4));
    }),
    { numRuns: 60 },
  );
});

test('a closed edge stops the walk', () => {
  // A wall in column 3 of a 1 x 7 corridor: what starts on the left stays there.
  const edge: Maps = { data: Float32Array.of(0, 0, 0, 1, 0, 0, 0), channels: 1, height: 1, width: 7 };
  const cams: Maps = { data: Float32Array.of(1, 0, 0, 0, 0, 0, 0), channels: 1, height: 1, width: 7 };
  const { data } = irnWalk(edge, cams);
  close(data.subarray(3), [0, 0, 0, 0], 0);
  close(data.subarray(0, 3), [1 / 3, 1 / 3, 1 / 3], 1e-3);
});

test('wrong shapes are refused', () => {
  const edge: Maps = { data: new Float32Array(4), channels: 1, height: 2, width: 2 };
  assert.throws(() => edgeAffinity({ ...edge, channels: 2, height: 1 }, 2), /one channel/);
  assert.throws(() => randomWalk(edgeAffinity(edge, 2), { ...edge, height: 1, width: 4 }, 8, 1), /1 x 4/);
  assert.throws(() => denseRandomWalk(edgeAffinity(edge, 2), edge, 8, 3), /power of two/);
});
