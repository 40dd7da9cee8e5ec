/** STEGO-type heads on the real runtime: the loss is the authors', its gradients are right, and what is learnt tells kinds of stuff apart. */
import assert from 'node:assert/strict';
import test from 'node:test';
import { gradients } from '../../models/autodiff/gradients';
import { GraphBuilder } from '../../models/graph/builder';
import { correspondenceLoss, cosines } from '../../models/stego/correspondence';
import { decodeUss, featureInput } from '../../models/adapter';
import { inspectModel } from '../../models/inspect';
import { checkUss } from '../../models/loadModel';
import { parameterShapes, startParameters, stegoModel, stegoTrainingGraph, type StepShape } from '../../models/stego/head';
import { nearestPhotos, STEGO_OPTIONS, trainStegoHead, type StegoHead, type StegoOptions } from '../../models/stego/training';
import { stegoCorrelation } from '../../src/pipeline/mars/stegoCorrelation';
import { SeedMaskError } from '../../src/shared/errors';
import { floats, type Tensor } from '../../src/shared/graph';
import type { Maps } from '../../src/shared/maps';
import { cpuHost, runOnce } from '../cpuHost';
import { fixture, reference } from '../shared';

interface CorrespondenceFixture {
  f1: number[][][][];
  f2: number[][][][];
  c1: number[][][][];
  c2: number[][][][];
  shift: number;
  loss_mean: number;
  code_corr_0_0_0: number[][];
  tolerance: number;
}

interface Points {
  dims: number[];
  data: Float32Array;
}

/** N x C x h x w as N x (h w) x C. */
function pointsOf(values: number[][][][]): Tensor {
  const [channels, points] = [values[0].length, values[0][0].flat().length];
  const data = values.flatMap(photo => Array.from({ length: points }, (_, p) => photo.map(one => one.flat()[p]))).flat();
  return { dims: [values.length, points, channels], data: Float32Array.from(data) };
}

function random(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 32;
  };
}

/** The loss of given points and codes, with the gradients of both codes. */
async function lossOf(feeds: Readonly<Record<'f1' | 'f2' | 'c1' | 'c2', Tensor>>, shift: number): Promise<Record<string, Tensor>> {
  const g = new GraphBuilder('loss');
  const [f1, f2, c1, c2] = (['f1', 'f2', 'c1', 'c2'] as const).map(name => g.input(name, feeds[name].dims));
  const loss = correspondenceLoss(g, [f1, f2], [c1, c2], shift);
  g.output('loss', loss);
  g.output('likeness', cosines(g, [c1, c2]));
  gradients(g, loss, [c1, c2]).forEach((gradient, i) => g.output(`gradient.${i}`, gradient));
  return runOnce(g.toOnnx(), { ...feeds });
}

test('the loss of the graph is that of the authors\' code', reference('spec/fixtures/mars-ext-stego-corr.json'), async () => {
  const expected = fixture<CorrespondenceFixture>('mars-ext-stego-corr.json');
  const { f1, f2, c1, c2 } = expected;
  const results = await lossOf({ f1: pointsOf(f1), f2: pointsOf(f2), c1: pointsOf(c1), c2: pointsOf(c2) }, expected.shift);
  assert.ok(Math.abs(floats(results, 'loss').data[0] - expected.loss_mean) <= expected.tolerance);
  // The fixture has the likeness of the first point of the first photo to all points of the second.
  expected.code_corr_0_0_0.flat().forEach((value, q) => assert.ok(Math.abs(floats(results, 'likeness').data[q] - value) <= 1e-5, `point ${q}`));
});

test('graph and plain loops agree where photos differ in their number of points; so do gradients and finite differences', async () => {
  const next = random(5);
  const points = (photos: number, count: number, channels: number): Points => ({ dims: [photos, count, channels], data: Float32Array.from({ length: photos * count * channels }, () => 2 * next() - 1) });
  const feeds = { f1: points(3, 4, 5), f2: points(3, 7, 5), c1: points(3, 4, 3), c2: points(3, 7, 3) };
  const maps = ({ dims: [, count, channels], data }: Points, photo: number): Maps => ({
    channels, height: 1, width: count,
    data: Float32Array.from({ length: channels * count }, (_, i) => data[(photo * count + (i % count)) * channels + Math.floor(i / count)]),
  });
  const plain = (codes: Points): number =>
    stegoCorrelation([0, 1, 2].map(n => ({ features: [maps(feeds.f1, n), maps(feeds.f2, n)] as const, codes: [maps(codes, n), maps(feeds.c2, n)] as const })), 0.1).mean;
  const results = await lossOf(feeds, 0.1);
  assert.ok(Math.abs(floats(results, 'loss').data[0] - plain(feeds.c1)) < 1e-6);
  const gradient = floats(results, 'gradient.0').data;
  const step = 1e-3;
  gradient.forEach((value, i) => {
    const moved = (by: number): number => plain({ ...feeds.c1, data: Float32Array.from(feeds.c1.data, (x, j) => x + (i === j ? by : 0)) });
    assert.ok(Math.abs((moved(step) - moved(-step)) / (2 * step) - value) < 2e-4, `${value} at ${i}`);
  });
});

test('one step of the training graph moves every parameter against its slope', async () => {
  const shape: StepShape = { photos: 2, points: 4, channels: 6, codes: 3, chances: 2 };
  const next = random(9);
  const graph = stegoTrainingGraph(shape, STEGO_OPTIONS.pulls);
  const parameters = startParameters(shape, next);
  const points = (): Tensor => ({ dims: [2, 4, 6], data: Float32Array.from({ length: 48 }, () => 2 * next() - 1) });
  const batch = { photo: points(), near: points(), 'far.0': points(), 'far.1': points(), kept: { dims: [1, 1, 6], data: new Float32Array(6).fill(1) } };
  const runner = await cpuHost().open(graph.model);
  const run = (values: Readonly<Record<string, Float32Array>>): Promise<Record<string, Tensor>> => {
    const state = graph.state.map(({ name, shape: dims, start }): [string, Tensor] => [name, { dims, data: start === 'zero' ? new Float32Array(dims.reduce((a, b) => a * b, 1)) : values[name] }]);
    // With no averages yet and no correction, the first moment is a tenth of the gradient.
    return runner.run({ ...batch, ...Object.fromEntries(state), rate: { dims: [], data: Float32Array.of(1e-3) }, correction: { dims: [2], data: Float32Array.of(1, 1) } });
  };
  const results = await run(parameters);
  for (const [name] of parameterShapes(shape)) {
    const gradient = floats(results, `${name}.m.next`).data.map(value => value * 10);
    const length = Math.hypot(...gradient);
    assert.ok(length > 1e-5, `${name} has a slope`);
    const step = 3e-3;
    const along = async (sign: number): Promise<number> =>
      floats(await run({ ...parameters, [name]: parameters[name].map((value, i) => value + (sign * step * gradient[i]) / length) }), 'loss').data[0];
    const slope = ((await along(1)) - (await along(-1))) / (2 * step);
    assert.ok(Math.abs(slope - length) < 0.05 * length + 1e-4, `${name}: ${slope} instead of ${length}`);
  }
  await runner.release();
});

/** Photos of three kinds of stuff in halves: each kind has two directions of its own, under a common part and noise. */
function folder(): { photos: Maps[]; kinds: number[][] } {
  const next = random(3);
  const kinds = [[0, 1], [1, 2], [2, 0], [0, 1], [1, 2], [2, 0], [0, 2], [1, 0]];
  const photos = kinds.map((pair): Maps => {
    const cells = 36;
    const data = new Float32Array(12 * cells);
    for (let i = 0; i < cells; i++) {
      const kind = pair[i % 6 < 3 ? 0 : 1];
      for (let c = 0; c < 12; c++) data[c * cells + i] = (c >> 2 === kind ? 1 : -0.5) + 0.8 * (2 * next() - 1);
    }
    return { data, channels: 12, height: 6, width: 6 };
  });
  return { photos, kinds };
}

/** Codes of a photo, by the model that the head becomes. */
async function codesOf(head: StegoHead, photo: Maps): Promise<Maps> {
  const { bytes, description } = stegoModel(head, { id: 'stego', name: 'STEGO', role: 'middle' });
  assert.ok(description.from === 'features');
  assert.deepEqual(checkUss(description, inspectModel(bytes)), []);
  const [codes] = decodeUss(description, await runOnce(bytes, featureInput(description, photo)), photo);
  return codes;
}

const QUICK: StegoOptions = { ...STEGO_OPTIONS, codes: 4, steps: 120, batch: 4, side: 4, chances: 1, nearest: 3, rate: 5e-3 };

test('training lowers the loss, and codes of one kind are alike while those of others are not', async () => {
  const { photos, kinds } = folder();
  const head = await trainStegoHead(cpuHost(), photos, QUICK);
  const mean = (values: readonly number[]): number => values.reduce((a, b) => a + b, 0) / values.length;
  assert.ok(mean(head.losses.slice(-20)) < mean(head.losses.slice(0, 20)) - 0.01);
  const cells: { kind: number; code: number[] }[] = [];
  for (const [n, photo] of photos.entries()) {
    const map = await codesOf(head, photo);
    assert.deepEqual([map.channels, map.height, map.width], [4, 6, 6]);
    for (const i of [0, 1, 4, 5, 18, 23]) cells.push({ kind: kinds[n][i % 6 < 3 ? 0 : 1], code: Array.from({ length: 4 }, (_, c) => map.data[c * 36 + i]) });
  }
  const cosine = (a: readonly number[], b: readonly number[]): number => a.reduce((sum, x, i) => sum + x * b[i], 0) / Math.hypot(...a) / Math.hypot(...b);
  const pairs = cells.flatMap((a, i) => cells.slice(i + 1).map(b => ({ same: a.kind === b.kind, likeness: cosine(a.code, b.code) })));
  const [same, other] = [true, false].map(wanted => mean(pairs.flatMap(pair => (pair.same === wanted ? pair.likeness : []))));
  assert.ok(same > 0.8 && other < 0.3, `alike ${same}, others ${other}`);
});

test('the same features give the same head; another seed another one', async () => {
  const { photos } = folder();
  const short = { ...QUICK, steps: 5 };
  const [first, again, other] = [await trainStegoHead(cpuHost(), photos, short), await trainStegoHead(cpuHost(), photos, short), await trainStegoHead(cpuHost(), photos, { ...short, seed: 2 })];
  assert.deepEqual(again, first);
  assert.notDeepEqual(other.parameters, first.parameters);
});

test('how loud features are changes nothing', async () => {
  const { photos } = folder();
  const loud = photos.map(map => ({ ...map, data: map.data.map(value => value * 1024) }));
  const [plain, other] = [await trainStegoHead(cpuHost(), photos, { ...QUICK, steps: 5 }), await trainStegoHead(cpuHost(), loud, { ...QUICK, steps: 5 })];
  other.losses.forEach((loss, i) => assert.ok(Math.abs(loss - plain.losses[i]) < 1e-5));
  const codes = [await codesOf(plain, photos[0]), await codesOf(other, loud[0])];
  codes[0].data.forEach((value, i) => assert.ok(Math.abs(value - codes[1].data[i]) < 1e-3));
});

test('the most alike photos, ties by order', () => {
  const photo = (x: number, y: number): Maps => ({ data: Float32Array.of(x, y), channels: 2, height: 1, width: 1 });
  assert.deepEqual(nearestPhotos([photo(1, 0), photo(1, 0.1), photo(0, 1), photo(0, 2)], 2), [[1, 2], [0, 2], [3, 1], [2, 1]]);
});

test('too few photos, NaN, a cancelled run and features of another width end with their reasons', async () => {
  const { photos } = folder();
  const reason = (expected: string) => (error: unknown): boolean => error instanceof SeedMaskError && error.reason === expected;
  await assert.rejects(trainStegoHead(cpuHost(), photos.slice(0, 2), QUICK), reason('nothing-to-learn'));
  await assert.rejects(trainStegoHead(cpuHost(), photos.map(map => ({ ...map, data: map.data.map(() => NaN) })), QUICK), reason('numeric'));
  await assert.rejects(trainStegoHead(cpuHost(), photos, QUICK, AbortSignal.abort()), reason('cancelled'));
  const head = await trainStegoHead(cpuHost(), photos, { ...QUICK, steps: 1 });
  await assert.rejects(codesOf(head, { data: new Float32Array(4), channels: 4, height: 1, width: 1 }), /wants 12 channels/);
});
