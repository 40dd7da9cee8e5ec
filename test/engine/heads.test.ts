/** Learning the tag heads: the minimum of a plain reference, determinism, chunks, the anchor, and what goes wrong. */
import assert from 'node:assert/strict';
import test from 'node:test';
import { trainHeads, type HeadData } from '../../models/headTraining';
import { SeedMaskError } from '../../src/shared/errors';
import { cpuHost } from '../cpuHost';

function random(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 32;
  };
}

/** Photos whose tags depend on their features, with some noise; features are positive, as pooled ReLUs are. */
function makeData(photos: number, channels: number, classes: number): HeadData {
  const next = random(42);
  const features = Float32Array.from({ length: photos * channels }, () => next() ** 2 * 2);
  const targets = new Float32Array(photos * classes);
  for (let i = 0; i < photos; i++) {
    for (let k = 0; k < classes; k++) {
      targets[i * classes + k] = features[i * channels + k] + 0.5 * features[i * channels + k + 1] + 0.5 * next() > 1.6 ? 1 : 0;
    }
  }
  return { features, targets, photos, channels, classes };
}

/** The loss by its definition in double precision. */
function plainLoss({ features, targets, photos, channels, classes }: HeadData, decay: number, weights: ArrayLike<number>, bias: ArrayLike<number>, anchor?: Float32Array): number {
  let loss = 0;
  for (let k = 0; k < classes; k++) {
    for (let i = 0; i < photos; i++) {
      let z = bias[k];
      for (let c = 0; c < channels; c++) z += features[i * channels + c] * weights[k * channels + c];
      loss += (Math.max(z, 0) + Math.log1p(Math.exp(-Math.abs(z))) - targets[i * classes + k] * z) / photos;
    }
    for (let c = 0; c < channels; c++) loss += decay * (weights[k * channels + c] - (anchor?.[k * channels + c] ?? 0)) ** 2;
  }
  return loss;
}

/** Newton's method per class (the problem is convex and small), with Gaussian elimination. */
function newton({ features, targets, photos, channels, classes }: HeadData, decay: number): { weights: Float64Array; bias: Float64Array } {
  const weights = new Float64Array(classes * channels);
  const bias = new Float64Array(classes).fill(-3);
  const n = channels + 1;
  for (let k = 0; k < classes; k++) {
    for (let round = 0; round < 25; round++) {
      const rows = Array.from({ length: n }, () => new Float64Array(n + 1));
      for (let i = 0; i < photos; i++) {
        const x = (c: number): number => (c < channels ? features[i * channels + c] : 1);
        let z = bias[k];
        for (let c = 0; c < channels; c++) z += x(c) * weights[k * channels + c];
        const p = 1 / (1 + Math.exp(-z));
        for (let a = 0; a < n; a++) {
          rows[a][n] += ((p - targets[i * classes + k]) * x(a)) / photos;
          for (let b = 0; b < n; b++) rows[a][b] += (p * (1 - p) * x(a) * x(b)) / photos;
        }
      }
      for (let c = 0; c < channels; c++) {
        rows[c][n] += 2 * decay * weights[k * channels + c];
        rows[c][c] += 2 * decay;
      }
      rows[channels][channels] += 1e-12;
      const step = solve(rows);
      for (let c = 0; c < channels; c++) weights[k * channels + c] -= step[c];
      bias[k] -= step[channels];
    }
  }
  return { weights, bias };
}

function solve(rows: Float64Array[]): number[] {
  const n = rows.length;
  for (let i = 0; i < n; i++) {
    for (let j = i + 1; j < n; j++) {
      const factor = rows[j][i] / rows[i][i];
      for (let k = i; k <= n; k++) rows[j][k] -= factor * rows[i][k];
    }
  }
  const x = new Array<number>(n).fill(0);
  for (let i = n - 1; i >= 0; i--) x[i] = (rows[i][n] - rows[i].slice(i + 1, n).reduce((sum, a, j) => sum + a * x[i + 1 + j], 0)) / rows[i][i];
  return x;
}

const data = makeData(120, 12, 4);

for (const decay of [1e-2, 1e-3]) {
  test(`the heads reach the minimum of a plain Newton method (decay ${decay})`, async () => {
    const heads = await trainHeads(cpuHost(), data, { decay });
    const reference = newton(data, decay);
    const minimum = plainLoss(data, decay, reference.weights, reference.bias);
    const reached = plainLoss(data, decay, heads.weights, heads.bias);
    assert.ok(reached < minimum * 1.002, `${reached} against ${minimum}`);
    assert.ok(Math.abs(heads.loss - reached) < 1e-4 * reached);
    assert.ok(heads.iterations <= 60);
  });
}

test('chunks do not change what is learnt, and twice the same data gives the same bytes', async () => {
  const whole = await trainHeads(cpuHost(), data, { decay: 1e-2 });
  const chunked = await trainHeads(cpuHost(), data, { decay: 1e-2, chunk: 32 });
  assert.ok(Math.abs(whole.loss - chunked.loss) < 1e-3 * whole.loss);
  const again = await trainHeads(cpuHost(), data, { decay: 1e-2 });
  assert.deepEqual(again, whole);
});

test('a photo that counts twice is the same as the photo given twice', async () => {
  const photoWeights = new Float32Array(data.photos).fill(1);
  photoWeights[0] = 2;
  const weighted = await trainHeads(cpuHost(), { ...data, photoWeights }, { decay: 1e-2 });
  const twice = {
    ...data,
    photos: data.photos + 1,
    features: Float32Array.of(...data.features, ...data.features.subarray(0, data.channels)),
    targets: Float32Array.of(...data.targets, ...data.targets.subarray(0, data.classes)),
  };
  const repeated = await trainHeads(cpuHost(), twice, { decay: 1e-2 });
  assert.ok(Math.abs(weighted.loss - repeated.loss) < 1e-4 * weighted.loss);
});

test('the anchor rules where the photos teach nothing', async () => {
  const anchor = Float32Array.from({ length: data.classes * data.channels }, (_, i) => Math.cos(i));
  const one = { ...data, photos: 1, features: data.features.slice(0, data.channels), targets: data.targets.slice(0, data.classes) };
  const firm = await trainHeads(cpuHost(), one, { decay: 1e3, anchor });
  assert.ok(firm.weights.every((w, i) => Math.abs(w - anchor[i]) < 1e-2));
  const free = await trainHeads(cpuHost(), data, { decay: 1e-2, anchor });
  const start = plainLoss(data, 1e-2, anchor, [-3, -3, -3, -3], anchor);
  assert.ok(plainLoss(data, 1e-2, free.weights, free.bias, anchor) < start);
});

test('NaN features, no photos and a cancelled run end with their reasons', async () => {
  const reason = (expected: string) => (error: unknown): boolean => error instanceof SeedMaskError && error.reason === expected;
  await assert.rejects(trainHeads(cpuHost(), { ...data, features: data.features.map((x, i) => (i === 5 ? NaN : x)) }, { decay: 1e-2 }), reason('numeric'));
  await assert.rejects(trainHeads(cpuHost(), { ...data, photos: 0 }, { decay: 1e-2 }), reason('nothing-to-learn'));
  await assert.rejects(trainHeads(cpuHost(), data, { decay: 1e-2, signal: AbortSignal.abort() }), reason('cancelled'));
});
