/** Losses of weakly supervised training on the real runtime: against plain loops and the references' numbers, and their slopes against differences. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { gradients } from '../../models/autodiff/gradients';
import { GraphBuilder } from '../../models/graph/builder';
import type { Value } from '../../models/graph/value';
import { labelCrossEntropy, makeCams, OUTSIDE, recursionLoss, restrictionTo, shareCrossEntropy, smoothMaximum, softMargin } from '../../models/losses';
import { CAM_NORMALISATIONS } from '../../src/pipeline/cam';
import { floats, type Tensor } from '../../src/shared/graph';
import { runOnce } from '../cpuHost';
import { fixture, reference } from '../shared';

const wave = (size: number, phase: number): Float32Array => Float32Array.from({ length: size }, (_, i) => 2 * Math.sin(phase + 1.3 * i));
const near = (actual: number, expected: number, tolerance = 1e-5): void => assert.ok(Math.abs(actual - expected) <= tolerance * (1 + Math.abs(expected)), `${actual} instead of ${expected}`);
const exp = Math.exp;

/** The loss, and its gradient with respect to input `x`. */
async function lossOf(feeds: Record<string, Tensor>, build: (g: GraphBuilder, input: (name: string) => Value) => Value): Promise<{ loss: number; gradient: Float32Array }> {
  const g = new GraphBuilder('loss');
  const inputs = new Map(Object.entries(feeds).map(([name, { dims, data }]) => [name, g.input(name, dims, data instanceof Float32Array ? 'float32' : data instanceof Uint8Array ? 'uint8' : 'int32')]));
  const input = (name: string): Value => inputs.get(name) ?? assert.fail(`no input ${name}`);
  const loss = build(g, input);
  g.output('loss', loss);
  g.output('gradient', gradients(g, loss, [input('x')])[0]);
  const out = await runOnce(g.toOnnx(), feeds);
  return { loss: floats(out, 'loss').data[0], gradient: floats(out, 'gradient').data };
}

/** The gradient along some direction is what differences of the loss say. */
async function checkSlope(feeds: Record<string, Tensor>, build: (g: GraphBuilder, input: (name: string) => Value) => Value): Promise<void> {
  const { gradient } = await lossOf(feeds, build);
  const { dims, data } = feeds.x;
  const direction = wave(gradient.length, 4.2);
  const at = async (step: number): Promise<number> => (await lossOf({ ...feeds, x: { dims, data: Float32Array.from(data as Float32Array, (value, i) => value + step * direction[i]) } }, build)).loss;
  const numeric = ((await at(2e-3)) - (await at(-2e-3))) / 4e-3;
  const exact = gradient.reduce((sum, value, i) => sum + value * direction[i], 0);
  assert.ok(Math.abs(exact) > 1e-3, 'there is a slope');
  assert.ok(Math.abs(numeric - exact) < 1e-3 + 0.02 * Math.abs(exact), `${numeric} instead of ${exact}`);
}

const tags = { dims: [2, 3], data: Float32Array.of(1, 0, 1, 0, 0, 1) };

test('soft margin is the mean of log(1 + exp(-z)) of tags and log(1 + exp(z)) of the others', async () => {
  const x = { dims: [2, 3], data: wave(6, 0.4) };
  const { loss } = await lossOf({ x, tags }, (g, input) => softMargin(g, input('x'), input('tags')));
  near(loss, x.data.reduce((sum, z, i) => sum + Math.log(1 + exp(tags.data[i] ? -z : z)), 0) / 6);
  await checkSlope({ x, tags }, (g, input) => softMargin(g, input('x'), input('tags')));
});

/** -log softmax, in doubles. */
function crossEntropy(logits: ArrayLike<number>, channel: number): number {
  const values = Array.from(logits);
  const most = Math.max(...values);
  return Math.log(values.reduce((sum, z) => sum + exp(z - most), 0)) + most - values[channel];
}

const pixels = { dims: [2, 3, 2, 2], data: wave(24, 0.7) };
const labels = { dims: [2, 2, 2], data: Uint8Array.of(0, 1, 255, 2, 2, 255, 1, 1) };
const logitsAt = (p: number): number[] => [0, 1, 2].map(c => pixels.data[(Math.floor(p / 4) * 3 + c) * 4 + (p % 4)]);
const own = Array.from(labels.data, (label, p) => (label === 255 ? 0 : crossEntropy(logitsAt(p), label)));

test('cross entropy of pixels: undecided ones do not count, weights do', async () => {
  const plain = await lossOf({ x: pixels, labels }, (g, input) => labelCrossEntropy(g, input('x'), input('labels')));
  near(plain.loss, own.reduce((a, b) => a + b) / 6);
  const weights = { dims: [2, 2, 2], data: Float32Array.of(1, 0.5, 9, 1, 0, 9, 1, 0.25) };
  const classWeights = [0.5, 2, 1];
  const weighed = own.map((loss, p) => loss * weights.data[p] * (classWeights[labels.data[p]] ?? 0));
  const total = own.reduce((sum, _, p) => sum + weights.data[p] * (classWeights[labels.data[p]] ?? 0), 0);
  const build = (over: 'weights' | 'pixels') => (g: GraphBuilder, input: (name: string) => Value) => labelCrossEntropy(g, input('x'), input('labels'), { weights: input('weights'), classWeights, over });
  near((await lossOf({ x: pixels, labels, weights }, build('weights'))).loss, weighed.reduce((a, b) => a + b) / total);
  near((await lossOf({ x: pixels, labels, weights }, build('pixels'))).loss, weighed.reduce((a, b) => a + b) / 6);
  await checkSlope({ x: pixels, labels, weights }, build('weights'));
});

test('where no pixel is decided the loss is 0, and so is its slope', async () => {
  const none = { dims: [2, 2, 2], data: new Uint8Array(8).fill(255) };
  const { loss, gradient } = await lossOf({ x: pixels, labels: none }, (g, input) => labelCrossEntropy(g, input('x'), input('labels')));
  assert.equal(loss, 0);
  assert.ok(gradient.every(value => value === 0));
});

test('rows of logits have the same loss as maps of them', async () => {
  const rows = { dims: [8, 3], data: Float32Array.from(Array.from({ length: 8 }, (_, p) => logitsAt(p)).flat()) };
  const flat = { dims: [8], data: Int32Array.from(labels.data) };
  const { loss } = await lossOf({ x: rows, labels: flat }, (g, input) => labelCrossEntropy(g, input('x'), input('labels')));
  near(loss, own.reduce((a, b) => a + b) / 6);
});

test('shares of several classes: the cross entropy of each, by its share; the mean is over all cells', async () => {
  const x = { dims: [2, 2, 3], data: wave(12, 1.1) };
  const shares = { dims: [2, 2, 3], data: Float32Array.of(0.5, 0.5, 0, 0, 0, 0, 0.2, 0, 0.1, 1, 0, 0) };
  let expected = 0;
  for (let row = 0; row < 4; row++) for (let c = 0; c < 3; c++) expected += (shares.data[row * 3 + c] * crossEntropy(x.data.subarray(row * 3, row * 3 + 3), c)) / 4;
  const build = (g: GraphBuilder, input: (name: string) => Value): Value => shareCrossEntropy(g, input('x'), input('shares'));
  near((await lossOf({ x, shares }, build)).loss, expected);
  await checkSlope({ x, shares }, build);
});

test('restricted to a photo\'s classes, the others have no chance and no slope', async () => {
  const x = { dims: [4, 3], data: wave(12, 1.1) };
  const shares = { dims: [4, 3], data: Float32Array.of(1, 0, 0, 0, 0, 1, 0.5, 0, 0.5, 1, 0, 0) };
  const restriction = { dims: [1, 3], data: restrictionTo([0, 2], 3) };
  assert.deepEqual([...restriction.data], [0, OUTSIDE, 0]);
  const build = (g: GraphBuilder, input: (name: string) => Value): Value => shareCrossEntropy(g, input('x'), input('shares'), input('restriction'));
  const { loss, gradient } = await lossOf({ x, shares, restriction }, build);
  const two = (row: number): number[] => [x.data[row * 3], x.data[row * 3 + 2]];
  near(loss, (crossEntropy(two(0), 0) + crossEntropy(two(1), 1) + (crossEntropy(two(2), 0) + crossEntropy(two(2), 1)) / 2 + crossEntropy(two(3), 0)) / 4);
  [0, 1, 2, 3].forEach(row => assert.equal(gradient[row * 3 + 1], 0));
  const ofLabels = await lossOf({ x, labels: { dims: [4], data: Uint8Array.of(0, 2, 0, 0) }, restriction }, (g, input) => labelCrossEntropy(g, input('x'), input('labels'), { restriction: input('restriction') }));
  near(ofLabels.loss, [0, 1, 0, 0].reduce((sum, channel, row) => sum + crossEntropy(two(row), channel), 0) / 4);
});

const maps = { dims: [2, 3, 6], data: wave(36, 0.9) };
const targets = { dims: [2, 3, 6], data: Float32Array.from({ length: 36 }, (_, i) => (i * 7 % 10) / 10) };

test('the recursion loss compares normalised maps of tagged classes with their targets', async () => {
  const normal = [0, 1].map(photo => CAM_NORMALISATIONS.makeCam([{ data: maps.data.subarray(photo * 18, (photo + 1) * 18), channels: 3, height: 1, width: 6 }]).data);
  let sum = 0;
  let entropy = 0;
  for (let i = 0; i < 36; i++) {
    const counts = tags.data[Math.floor(i / 6)];
    sum += counts * Math.abs(normal[Math.floor(i / 18)][i % 18] - targets.data[i]);
    const p = 1 / (1 + exp(-maps.data[i]));
    entropy -= counts * (targets.data[i] * Math.log(p) + (1 - targets.data[i]) * Math.log(1 - p));
  }
  const feeds = { x: maps, targets, tags };
  for (const [kind, expected] of [['l1', sum / 18], ['bce', entropy / 18]] as const) {
    const build = (g: GraphBuilder, input: (name: string) => Value): Value => recursionLoss(g, input('x'), input('targets'), input('tags'), kind);
    near((await lossOf(feeds, build)).loss, expected, 1e-4);
    await checkSlope(feeds, build);
  }
});

test('padding changes nothing in the recursion loss, whatever it holds', async () => {
  const padded = (data: Float32Array, filling: number): Tensor => ({ dims: [2, 3, 8], data: Float32Array.from({ length: 48 }, (_, i) => (i % 8 < 6 ? data[Math.floor(i / 8) * 6 + (i % 8)] : filling)) });
  const inside = { dims: [2, 1, 8], data: Float32Array.from({ length: 16 }, (_, i) => Number(i % 8 < 6)) };
  for (const kind of ['l1', 'bce'] as const) {
    const whole = await lossOf({ x: maps, targets, tags }, (g, input) => recursionLoss(g, input('x'), input('targets'), input('tags'), kind));
    const filled = await lossOf({ x: padded(maps.data, 99), targets: padded(targets.data, 0.5), tags, inside }, (g, input) => recursionLoss(g, input('x'), input('targets'), input('tags'), kind, input('inside')));
    near(filled.loss, whole.loss);
  }
});

test('the smooth maximum is ln mean e^x of the places that count, however large they are', async () => {
  const inside = { dims: [2, 1, 6], data: Float32Array.of(1, 1, 1, 1, 0, 0, 1, 1, 1, 1, 1, 1) };
  const large = { ...maps, data: maps.data.map(value => value + 100) };
  for (const [x, shift] of [[maps, 0], [large, 100]] as const) {
    const g = new GraphBuilder('smooth maximum');
    g.output('out', smoothMaximum(g, g.input('x', [2, 3, 6]), g.input('inside', [2, 1, 6])));
    const { data } = floats(await runOnce(g.toOnnx(), { x, inside }), 'out');
    data.forEach((value, row) => {
      const places = Array.from(maps.data.subarray(row * 6, row * 6 + (row < 3 ? 4 : 6)), exp);
      near(value, Math.log(places.reduce((a, b) => a + b) / places.length) + shift, 1e-4);
    });
  }
  await checkSlope({ x: maps, inside, tags }, (g, input) => softMargin(g, smoothMaximum(g, input('x'), input('inside')), input('tags')));
});

test('make_cam is the reference\'s', reference('spec/fixtures/puzzle_cam.json'), async () => {
  const { losses, make_cam } = fixture<{ losses: Record<string, { shape: number[]; data: number[] }>; make_cam: { output: { data: number[] } } }>('puzzle_cam.json');
  const g = new GraphBuilder('cams');
  g.output('cams', makeCams(g, g.input('x', losses.full_cam_scores.shape), [2, 3]));
  const { data } = floats(await runOnce(g.toOnnx(), { x: { dims: losses.full_cam_scores.shape, data: Float32Array.from(losses.full_cam_scores.data) } }), 'cams');
  data.forEach((value, i) => near(value, make_cam.output.data[i], 1e-6));
});

test('complemented labels and weights give the reference\'s loss', reference('spec/fixtures/mars-complement.json'), async () => {
  const expected = fixture<{ student_logits: number[][][]; complemented_label: number[][]; certain_mask: number[][]; wce_mean_over_pixels: number }>('mars-complement.json');
  const [height, width] = [expected.complemented_label.length, expected.complemented_label[0].length];
  const feeds = {
    x: { dims: [1, expected.student_logits.length, height, width], data: Float32Array.from(expected.student_logits.flat(2)) },
    labels: { dims: [1, height, width], data: Uint8Array.from(expected.complemented_label.flat()) },
    weights: { dims: [1, height, width], data: Float32Array.from(expected.certain_mask.flat()) },
  };
  const { loss } = await lossOf(feeds, (g, input) => labelCrossEntropy(g, input('x'), input('labels'), { weights: input('weights'), over: 'pixels' }));
  near(loss, expected.wce_mean_over_pixels, 1e-5);
});
