/** Networks on imported backbones: the same features as the file's, weights that learn by stage, DeepLabv3+ of the published size, losses against plain loops, and losses of parts. */
import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'node:test';
import { decodeOutput, backboneInput } from '../../../models/adapter';
import { parseBackbone, type BackboneSpec } from '../../../models/catalog';
import { GraphBuilder } from '../../../models/graph/builder';
import { serialise } from '../../../models/graph/serialise';
import type { Value } from '../../../models/graph/value';
import { backboneWeights, learning } from '../../../models/networks/backboneStages';
import { classifier, deeplab } from '../../../models/networks/deeplab';
import { importedBackbone } from '../../../models/networks/importedBackbone';
import { Layers, startOf } from '../../../models/networks/layers';
import { itemRecursionLoss, meanInside, pixelLoss } from '../../../models/networks/networkLosses';
import { BackboneFile } from '../../../src/engine/training/network/backboneFile';
import { photoTensor } from '../../../src/engine/training/network/networkModel';
import { SeedMaskError } from '../../../src/shared/errors';
import { floats, type Tensor } from '../../../src/shared/graph';
import type { RgbImage } from '../../../src/shared/maps';
import { runOnce } from '../../cpuHost';
import { tinyCnn, tinyCnnSpec, tinyVit, tinyVitSpec } from '../../tinyModels';
import { loaded, smallBackbone, smallSpec } from './networkFolder';

const photo = (width: number, height: number): RgbImage => ({ width, height, data: Uint8Array.from({ length: width * height * 3 }, (_, i) => (i * i * 7 + 13 * (i % 97)) & 255) });
const wave = (size: number, phase = 0): Float32Array => Float32Array.from({ length: size }, (_, i) => Math.sin(phase + 1.3 * i));
const close = (a: ArrayLike<number>, b: ArrayLike<number>, most: number): void => {
  assert.equal(a.length, b.length);
  for (let i = 0; i < a.length; i++) assert.ok(Math.abs(a[i] - b[i]) <= most, `${i}: ${a[i]} ${b[i]}`);
};

/** The deep map of a photo as the file gives it and as the imported graph does, and the shallow map's shape. */
async function compare(bytes: Uint8Array, spec: BackboneSpec, image: RgbImage, most: number): Promise<{ low: readonly number[] }> {
  const file = await BackboneFile.open(loaded(bytes, spec));
  const g = new GraphBuilder();
  const photos = g.input('photos', [1, image.height, image.width, 3], 'uint8');
  const { deep, low } = importedBackbone(g, await file.fixed(1, image.height, image.width), spec, photos, new Map());
  g.output('deep', deep);
  const results = await runOnce(g.toOnnx(), { photos: photoTensor([image]) });
  const output = spec.outputs.find(({ role }) => role === 'deep') ?? spec.outputs[0];
  const [expected] = decodeOutput(spec, output, await runOnce(bytes, backboneInput(spec, [image])), image);
  close(floats(results, 'deep').data, expected.data, most);
  assert.deepEqual([...deep.shape], [1, expected.channels, expected.height, expected.width]);
  return { low: low.shape };
}

test('an imported backbone gives the features of its file, whatever its layout; the shallow map is the last narrow place of stride 4', async () => {
  assert.deepEqual([...(await compare(serialise(smallBackbone()), smallSpec, photo(96, 64), 1e-4)).low], [1, 12, 16, 24]);
  // Tokens and channels last have no such layer: the finest there is takes its place.
  assert.deepEqual([...(await compare(serialise(tinyVit), tinyVitSpec, photo(32, 16), 1e-4)).low], [1, 8, 4, 8]);
  assert.deepEqual([...(await compare(serialise(tinyCnn), tinyCnnSpec, photo(32, 16), 1e-3)).low], [1, 3, 8, 16]);
});

const inception = join(import.meta.dirname, '../../../models/weights/inception-v3.onnx');
const needsInception = { skip: existsSync(inception) ? false : 'npm run models makes it' };
const inceptionSpec = (): BackboneSpec => {
  const { models } = JSON.parse(readFileSync(join(import.meta.dirname, '../../../models/catalog.json'), 'utf8')) as { models: Record<string, unknown>[] };
  return parseBackbone(JSON.stringify({ ...models[0], classifier: undefined }), 'catalog.json');
};

test('Inception V3: its features, a shallow map of stride 4 on the half-pixel grid, five stages', needsInception, async () => {
  const bytes = readFileSync(inception);
  const spec = inceptionSpec();
  assert.deepEqual([...(await compare(bytes, spec, photo(96, 128), 2e-3)).low], [1, 192, 32, 24]);
  const { weights } = await BackboneFile.open(loaded(bytes, spec));
  assert.equal(Math.max(...weights.map(({ stage = -1 }) => stage)), 4);
  const last = weights.filter(learning(weights, { lastStages: 1 }));
  // Mixed 7a to 7c.
  assert.equal(last.reduce((sum, { data }) => sum + data.length, 0), 12811904);
});

test('stages end at strides and at named layers; stored statistics never learn', async () => {
  const weights = backboneWeights(serialise(smallBackbone()), ['middle', 'deep']);
  const stages = new Map(weights.map(({ name, stage }) => [name, stage]));
  assert.deepEqual([0, 1, 2, 3, 4].map(i => stages.get(`conv${i}`)), [0, 1, 2, 3, 4]);
  assert.deepEqual(['scale4', 'shift4', 'mean4', 'variance4'].map(name => stages.get(name)), [4, 4, undefined, undefined]);
  const names = (learns: Parameters<typeof learning>[1]): string[] => weights.filter(learning(weights, learns)).map(({ name }) => name).sort();
  assert.deepEqual(names({ lastStages: 1 }), ['conv4', 'scale4', 'shift4']);
  assert.deepEqual([names('none').length, names('all').length, names({ lastStages: 9 }).length], [0, 15, 15]);
});

test('a file that cannot be trained is refused by name', async () => {
  const fixed = { ...smallBackbone(), inputs: [{ name: 'image', dtype: 'float32' as const, dims: [1, 3, 'height', 'width'] }] };
  const file = await BackboneFile.open(loaded(serialise(fixed)));
  await assert.rejects(file.fixed(2, 64, 64), (error: unknown) => error instanceof SeedMaskError && error.reason === 'bad-model' && /takes 1 photo at once/.test(error.message));
});

/** All weights of DeepLabv3+ and a classifier, with the published numbers. */
function published(lowChannels: number, finalKernel: 1 | 3) {
  const g = new GraphBuilder();
  const layers = new Layers(g, (name, shape) => g.input(name, shape), true);
  const logits = deeplab(layers, g.input('deep', [1, 2048, 8, 8]), g.input('low', [1, 256, 32, 32]), 21, { channels: 256, lowChannels, rates: [6, 12, 18], finalKernel, norm: 'group', groups: 4, dropout: [0.5, 0.5, 0.1] });
  return { g, layers, logits };
}

test('DeepLabv3+ has the published size, in both variants', () => {
  const { layers, logits } = published(256, 3);
  assert.deepEqual([...logits.shape], [1, 21, 32, 32]);
  const count = (prefix: string): number => layers.weights.filter(({ name }) => name.startsWith(prefix)).reduce((sum, { shape }) => sum + shape.reduce((a, b) => a * b, 1), 0) / 1e6;
  assert.ok(Math.abs(count('aspp.') - 15.5) < 0.05 && Math.abs(count('decoder.') - 1.9) < 0.05, `${count('aspp.')} ${count('decoder.')}`);
  assert.deepEqual(layers.drops.map(({ share }) => share), [0.5, 0.5, 0.1]);
  const textbook = published(48, 1).layers.weights;
  assert.deepEqual(['decoder.low', 'decoder.first', 'decoder.final'].map(name => textbook.find(weight => weight.name === name)?.shape), [[48, 256, 1, 1], [256, 304, 3, 3], [21, 256, 1, 1]]);
});

test('the pyramid sees the whole picture: the mean is one more input of its projection', async () => {
  const g = new GraphBuilder();
  const layers = new Layers(g, (name, shape) => g.input(name, shape), false);
  const options = { channels: 4, lowChannels: 4, rates: [], finalKernel: 1, norm: 'none', groups: 1, dropout: [0, 0, 0] } satisfies Parameters<typeof deeplab>[4];
  g.output('y', deeplab(layers, g.input('deep', [1, 3, 4, 4]), g.input('low', [1, 2, 16, 16]), 2, options));
  g.output('a', classifier(layers, g.input('again', [1, 3, 2, 2]), 5));
  const weights = Object.fromEntries(layers.weights.map(weight => [weight.name, { dims: weight.shape, data: startOf(weight, 3) }]));
  const model = g.toOnnx();
  const still = { deep: { dims: [1, 3, 4, 4], data: wave(48) }, low: { dims: [1, 2, 16, 16], data: wave(512, 1) }, again: { dims: [1, 3, 2, 2], data: wave(12) } };
  const at = async (feeds: Record<string, Tensor>): Promise<Float32Array> => floats(await runOnce(model, { ...weights, ...still, ...feeds }), 'y').data;
  const before = await at({});
  // Without rates the branches see one cell each: another corner changes through the mean alone, and not at all without it.
  const far = { deep: { dims: [1, 3, 4, 4], data: wave(48).map((value, i) => (i % 16 === 15 ? value + 1 : value)) } };
  const corner = (values: Float32Array): number => values[0];
  assert.notEqual(corner(await at(far)), corner(before));
  const deaf = { 'aspp.projectPooled': { dims: [4, 4, 1, 1], data: new Float32Array(16) } };
  assert.equal(corner(await at({ ...far, ...deaf })), corner(await at(deaf)));
});

test('starts are of the promised spread, the same for the same seed', () => {
  const weight = { name: 'w', shape: [64, 32, 3, 3], start: 'he' } as const;
  const he = startOf(weight, 1);
  const variance = he.reduce((sum, value) => sum + value * value, 0) / he.length;
  assert.ok(Math.abs(variance / (2 / (32 * 9)) - 1) < 0.05);
  assert.deepEqual(startOf(weight, 1), he);
  assert.notDeepEqual(startOf({ ...weight, name: 'v' }, 1), he);
  assert.ok(Math.max(...startOf({ ...weight, start: 'xavier' }, 1)) <= Math.sqrt(6 / ((32 + 64) * 9)));
});

/** Losses of `items` items, and what they are made of. */
function losses(items: number): Uint8Array {
  const g = new GraphBuilder();
  const labels = g.input('labels', [items, 4, 4], 'uint8');
  g.output('pixels', pixelLoss(g, g.input('logits', [items, 3, 2, 2]), labels, g.input('weights', [items, 4, 4])));
  const cams = g.input('cams', [items, 2, 2, 2]);
  const inside = g.input('inside', [items, 1, 2, 2]);
  const tags = g.input('tags', [items, 2]);
  const parts: Record<string, Value> = { l1: itemRecursionLoss(g, cams, g.input('targets', [items, 2, 2, 2]), tags, 'l1', inside), mean: meanInside(g, cams, inside) };
  for (const [name, value] of Object.entries(parts)) g.output(name, value);
  return g.toOnnx();
}

const LABELS = [0, 0, 1, 1, 255, 0, 1, 2, 0, 0, 255, 1, 2, 2, 0, 0, ...new Array<number>(16).fill(255)];
const all: Record<string, { dims: number[]; data: Float32Array | Uint8Array }> = {
  labels: { dims: [2, 4, 4], data: Uint8Array.from(LABELS) },
  weights: { dims: [2, 4, 4], data: Float32Array.from(LABELS, (label, i) => (label === 255 ? 0 : 0.02 + 0.01 * (i % 3))) },
  logits: { dims: [2, 3, 2, 2], data: wave(24, 2) },
  cams: { dims: [2, 2, 2, 2], data: wave(16, 1) },
  targets: { dims: [2, 2, 2, 2], data: wave(16, 4).map(Math.abs) },
  tags: { dims: [2, 2], data: Float32Array.of(1, 1, 0, 1) },
  inside: { dims: [2, 1, 2, 2], data: Float32Array.of(1, 1, 1, 0, 0, 1, 0, 1) },
};

test('pixel and recursion losses are what their definitions say, and a mean over items', async () => {
  const results = await runOnce(losses(2), all);
  const one = (item: number): Record<string, Tensor> => Object.fromEntries(Object.entries(all).map(([name, { dims, data }]) => {
    const size = data.length / 2;
    return [name, { dims: [1, ...dims.slice(1)], data: data.slice(item * size, (item + 1) * size) }];
  }));
  const parts = await Promise.all([0, 1].map(async item => runOnce(losses(1), one(item))));
  for (const name of ['pixels', 'l1']) close(floats(results, name).data, [(floats(parts[0], name).data[0] + floats(parts[1], name).data[0]) / 2], 1e-6);
  assert.equal(floats(parts[1], 'pixels').data[0], 0);

  // Of the first item: bilinear to 4 x 4 (corners keep their value), softmax, weighted.
  const weights = all['weights'].data;
  const share = (i: number): [number, number, number] => { const at = Math.max(0, (i + 0.5) / 2 - 0.5); return [Math.floor(at), Math.min(1, Math.floor(at) + 1), at - Math.floor(at)]; };
  let expected = 0;
  for (let p = 0; p < 16; p++) {
    if (LABELS[p] === 255) continue;
    const [[top, bottom, down], [left, right, across]] = [share(Math.floor(p / 4)), share(p % 4)];
    const scores = [0, 1, 2].map(c => {
      const value = (y: number, x: number): number => all['logits'].data[c * 4 + y * 2 + x];
      return (1 - down) * ((1 - across) * value(top, left) + across * value(top, right)) + down * ((1 - across) * value(bottom, left) + across * value(bottom, right));
    });
    expected -= weights[p] * (scores[LABELS[p]] - Math.log(scores.reduce((sum, score) => sum + Math.exp(score), 0)));
  }
  close(floats(parts[0], 'pixels').data, [expected], 1e-5);

  const cams = all['cams'].data;
  const inside = all['inside'].data;
  let distance = 0;
  for (const k of [0, 1]) {
    const seen = [0, 1, 2, 3].map(p => Math.max(0, cams[k * 4 + p] * inside[p]));
    const most = Math.max(...seen);
    for (const p of [0, 1, 2]) distance += Math.abs(Math.max(0, seen[p] - 1e-5) / (most + 1e-5) - all['targets'].data[k * 4 + p]);
  }
  close(floats(parts[0], 'l1').data, [distance / 6], 1e-5);
  close(floats(parts[0], 'mean').data, [0, 1].map(k => (cams[k * 4] + cams[k * 4 + 1] + cams[k * 4 + 2]) / 3), 1e-6);
});
