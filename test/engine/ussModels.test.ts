/** A person's models of unsupervised features: found by path, checked before they are loaded, and read as maps, on the real runtime. */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { after } from 'node:test';
import { backboneInput, decodeUss, featureInput } from '../../models/adapter';
import { findUss, parseUss } from '../../models/catalog';
import { serialise } from '../../models/graph/serialise';
import { inspectModel } from '../../models/inspect';
import { checkUss, loadModel } from '../../models/loadModel';
import { SeedMaskError } from '../../src/shared/errors';
import type { Maps, RgbImage } from '../../src/shared/maps';
import { runOnce } from '../cpuHost';
import { tinyHead, tinyHeadBytes, tinyHeadJson, tinyUssJson, tinyVit, tinyVitBytes, tinyVitSpec } from '../tinyModels';

const folder = mkdtempSync(join(tmpdir(), 'seedmask-uss-'));
after(() => rmSync(folder, { recursive: true }));
let files = 0;

function saved(bytes: Uint8Array, json: unknown): string {
  const stem = join(folder, `model${files++}`);
  writeFileSync(`${stem}.onnx`, bytes);
  writeFileSync(`${stem}.json`, JSON.stringify(json));
  return `${stem}.onnx`;
}

const refused = (promise: Promise<unknown>, pattern: RegExp): Promise<void> =>
  assert.rejects(promise, (error: unknown) => error instanceof SeedMaskError && error.reason === 'bad-model' && pattern.test(error.message));

test('a model of photos: tokens become a map, as those of a backbone', async () => {
  const { spec, bytes } = await loadModel(await findUss(saved(tinyVitBytes, tinyUssJson)));
  assert.ok(spec.from === 'photo');
  const photo: RgbImage = { width: 12, height: 8, data: Uint8Array.from({ length: 288 }, (_, i) => (i * 31) % 256) };
  const results = await runOnce(bytes, backboneInput(spec, [photo]));
  const [map] = decodeUss(spec, results, photo);
  assert.deepEqual([map.channels, map.height, map.width], [8, 2, 3]);
  const tokens = results['last_hidden_state'].data;
  for (const [c, cell] of [[0, 0], [7, 5], [3, 2]]) assert.equal(map.data[c * 6 + cell], Number(tokens[(3 + cell) * 8 + c]));
});

test('a head on a layer of the backbone keeps its grid', async () => {
  const { spec, bytes } = await loadModel(await findUss(saved(tinyHeadBytes, tinyHeadJson)));
  assert.ok(spec.from === 'features');
  const layer: Maps = { data: Float32Array.from({ length: 3 * 10 }, (_, i) => Math.cos(i)), channels: 3, height: 2, width: 5 };
  const [map] = decodeUss(spec, await runOnce(bytes, featureInput(spec, layer)), layer);
  assert.deepEqual([map.channels, map.height, map.width], [2, 2, 5]);
  const weights = Array.from({ length: 9 }, (_, i) => Math.sin(1 + i * 0.7));
  for (const cell of [0, 4, 9]) {
    const x = [0, 1, 2].map(c => layer.data[c * 10 + cell]);
    const product = (row: number, of: readonly number[]): number => of.reduce((sum, value, c) => sum + weights[row * 3 + c] * value, 0);
    const hidden = [0, 1, 2].map(row => Math.max(0, product(row, x)));
    for (const k of [0, 1]) assert.ok(Math.abs(map.data[k * 10 + cell] - product(k, x) - product(k, hidden)) < 1e-5);
  }
});

test('what file and description disagree in is named before anything is loaded', async () => {
  const head = parseUss(JSON.stringify(tinyHeadJson), 'head.json');
  const differences = (graph: Partial<typeof tinyHead>): string[] => checkUss(head, inspectModel(serialise({ ...tinyHead, ...graph })));
  assert.deepEqual(differences({}), []);
  assert.deepEqual(differences({ inputs: [{ name: 'features', dtype: 'float32', dims: [1, 4, 'h', 'w'] }] }), ["input 'features' has 4 in dimension 1, expected 3"]);
  assert.deepEqual(differences({ inputs: [{ name: 'features', dtype: 'float32', dims: [1, 3, 28, 28] }] }), ["input 'features' is fixed to 28 x 28 cells: width and height must be free"]);
  assert.deepEqual(differences({ outputs: [{ name: 'code', dtype: 'float32', dims: [1, 70, 'h', 'w'] }] }), ["output 'code' has 70 in dimension 1, expected 2"]);
  assert.deepEqual(differences({ outputs: [{ name: 'codes', dtype: 'float32', dims: [1, 2, 'h', 'w'] }] }), ["there is no output 'code' (it has: codes)"]);
  const whole = parseUss(JSON.stringify(tinyUssJson), 'whole.json');
  assert.deepEqual(checkUss(whole, inspectModel(serialise({ ...tinyVit, inputs: [{ name: 'pixel_values', dtype: 'float32', dims: [1, 3, 224, 224] }] }))), [
    "input 'pixel_values' is fixed to 224 x 224 pixels: width and height must be free",
  ]);
  await refused(findUss(saved(tinyHeadBytes, { ...tinyHeadJson, output: { ...tinyHeadJson.output, channels: 90 } })).then(loadModel), /expected 90/);
  await refused(findUss(saved(tinyHeadBytes.subarray(0, 60), tinyHeadJson)).then(loadModel), /not an ONNX model/);
  await refused(findUss(saved(tinyHeadBytes, { ...tinyHeadJson, sha256: 'ab'.repeat(32) })).then(loadModel), /sha256/);
});

test('a wrong or missing description names its faults', async () => {
  const parse = (json: unknown): unknown => parseUss(JSON.stringify(json), 'x.json');
  assert.throws(() => parse({ ...tinyHeadJson, from: 'somewhere' }), /from/);
  assert.throws(() => parse({ ...tinyHeadJson, input: { ...tinyHeadJson.input, role: 'best' } }), /input\.role/);
  assert.throws(() => parse({ ...tinyUssJson, output: { ...tinyUssJson.output, stride: 0 } }), /output\.stride/);
  assert.throws(() => parse({ ...tinyHeadJson, surprise: 1 }), /surprise/);
  const lonely = join(folder, 'lonely.onnx');
  writeFileSync(lonely, tinyHeadBytes);
  await refused(findUss(lonely), /needs a \.json beside it/);
  await refused(findUss('stego'), /absolute path of an \.onnx file/);
});

test('a layer of other width, and codes of another grid than promised', async () => {
  const spec = parseUss(JSON.stringify(tinyHeadJson), 'head.json');
  assert.ok(spec.from === 'features');
  assert.throws(() => featureInput(spec, { data: new Float32Array(8), channels: 2, height: 2, width: 2 }), /wants 3 channels, the middle layer of the backbone has 2/);
  const layer: Maps = { data: new Float32Array(12), channels: 3, height: 2, width: 2 };
  const results = await runOnce(tinyHeadBytes, featureInput(spec, layer));
  assert.throws(() => decodeUss(spec, results, { width: 3, height: 2 }), /is \[1, 2, 2, 2\], expected \[1, 2, 2, 3\] for 3 x 2 cells/);
  // A description of a whole model is no description of a head.
  assert.equal(tinyVitSpec.kind, 'backbone');
  assert.throws(() => parseUss(JSON.stringify(tinyVitSpec), 'x.json'), /wrong description/);
});
