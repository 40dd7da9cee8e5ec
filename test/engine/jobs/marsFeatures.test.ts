/**
 * The features of debiasing as a choice: codes learnt on the folder, a person's model of photos or of features; what is computed again and what is not; wrong models.
 */
import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { findUss } from '../../../models/catalog';
import { loadModel } from '../../../models/loadModel';
import { debiasedHome } from '../../../src/dataset/debiased';
import { modelProbes } from '../../../src/engine/modelProbes';
import { explain } from '../../../src/engine/jobs/explain';
import { readRegions, stegoFile } from '../../../src/dataset/evidenceStore';
import { sha256 } from '../../../src/dataset/hash';
import type { Evidence } from '../../../src/shared/evidence';
import type { RunSummary } from '../../../src/shared/protocol';
import { DEFAULT_SETTINGS } from '../../../src/shared/settings';
import { explanationText } from '../../../src/shared/texts/explanation';
import { runOnce } from '../../cpuHost';
import { tinyHead, tinyHeadJson, tinyUssJson, tinyVitBytes } from '../../tinyModels';
import { serialise, type GraphDescription } from '../../../models/graph/serialise';
import { colourGraph, colourJson, counts, filesIn, labels, run, saveBackbone, saveColours } from './folders';
import { biasedFolder, OBJECT, PAINTED, runDebias } from './marsFolders';

const FOREIGN = { masks: 'masks' };
const FEW = { boat: 10, cow: 10, water: 3 };
const PHOTOS = 23;

let models: string;
let colours: string;
before(async () => {
  models = await mkdtemp(join(tmpdir(), 'seedmask-test-'));
  colours = await saveColours(models);
});
after(() => rm(models, { recursive: true, force: true }));

const debiased = async (root: string, marsFeatures: string): Promise<RunSummary> => (await runDebias(root, colours, { ...FOREIGN, settings: { marsFeatures } })).summary;

/** The boat stays, and most of the water beside it goes, in all boats together. */
async function assertWaterGoes(root: string, boats: number): Promise<void> {
  let [object, water] = [0, 0];
  for (let i = 0; i < boats; i++) {
    const { data, width } = await labels(root, `boat${String(i).padStart(2, '0')}.debiased.png`);
    data.forEach((value, p) => {
      const [x, y] = [p % width, Math.floor(p / width)];
      const isIn = ({ left, top, right, bottom }: typeof OBJECT): boolean => x >= left && x < right && y >= top && y < bottom;
      if (value === 1 && isIn(OBJECT)) object++;
      else if (value === 1 && isIn(PAINTED)) water++;
    });
  }
  const area = (OBJECT.right - OBJECT.left) * (OBJECT.bottom - OBJECT.top) * boats;
  assert.ok(object > 0.8 * area, `${object} of ${area} pixels of boats stay`);
  assert.ok(water < 0.35 * area, `${water} of ${area} pixels of water stay`);
}

async function recordsOf(root: string, boats: number): Promise<Evidence[]> {
  const all = await Promise.all(Array.from({ length: boats }, (_, i) => readRegions(debiasedHome(root), `boat${String(i).padStart(2, '0')}.png`)));
  return all.flat();
}

const cachedViews = async (root: string): Promise<number> => (await filesIn(root)).filter(name => name.endsWith('.f16')).length;

/** A head that gives the layer negated: codes may be negative, and are. */
const signs: GraphDescription = {
  ...tinyHead,
  inputs: [{ name: 'features', dtype: 'float32', dims: ['batch', 8, 'h', 'w'] }],
  outputs: [{ name: 'code', dtype: 'float32', dims: ['batch', 8, 'h', 'w'] }],
  initializers: [],
  nodes: [{ op: 'Neg', inputs: ['features'], outputs: ['code'], attributes: {} }],
};
const signsJson = { ...tinyHeadJson, id: 'signs', name: 'Signs', input: { name: 'features', role: 'deep', channels: 8 }, output: { name: 'code', kind: 'map', channels: 8 } };

test('codes learnt on the folder: the head is a model that is used again; evidence names it; another choice is computed anew', async t => {
  const root = await biasedFolder(t, FEW);
  assert.deepEqual(counts(await debiased(root, 'stego')), ['done', PHOTOS, 0, 0, 0]);
  await assertWaterGoes(root, FEW.boat);

  const file = stegoFile(debiasedHome(root));
  const head = await loadModel(await findUss(file));
  assert.ok(head.spec.from === 'features' && head.spec.input.role === 'deep' && head.spec.input.channels === 8);
  const [record] = await recordsOf(root, FEW.boat);
  assert.deepEqual(record.provenance.features, { name: 'STEGO-type head learnt on this folder, on Colours', model: sha256(await readFile(file)) });
  const settings = { ...DEFAULT_SETTINGS, outputName: '{stem}.debiased.png' };
  assert.match(explanationText(await explain({ root, settings, photo: record.photo })), /features: STEGO-type head learnt on this folder/);

  const { mtimeMs } = await stat(file);
  assert.deepEqual(counts(await debiased(root, 'stego')), ['done', 0, 0, PHOTOS, 0], 'the same choice is passed over');
  await writeFile(join(root, 'masks/water00.png'), await readFile(join(root, 'masks/cow00.png')));
  assert.equal((await debiased(root, 'stego')).state, 'done');
  assert.equal((await stat(file)).mtimeMs, mtimeMs, 'a changed mask needs no other head');

  const backbone = await runDebias(root, colours, FOREIGN);
  assert.ok(backbone.events.some(event => event.type === 'progress' && event.stage === 'debias'), 'another choice is looked at anew');
  const [other] = await recordsOf(root, FEW.boat);
  assert.deepEqual(other.provenance.features, { name: 'Colours', model: sha256(await readFile(colours)) });
  assert.notEqual(other.provenance.model, record.provenance.model);
});

test('cancelled while codes are learnt, then run again; a head that is damaged is learnt anew, the same', async t => {
  const root = await biasedFolder(t, { boat: 4, cow: 4 });
  const file = stegoFile(debiasedHome(root));
  const cancel = new AbortController();
  const { summary } = await runDebias(root, colours, {
    ...FOREIGN,
    settings: { marsFeatures: 'stego' },
    signal: cancel.signal,
    // Steps of the learning; there are fewer photos.
    onEvent: event => event.type === 'progress' && event.stage === 'debias' && event.total > 8 && event.done > 0 && cancel.abort(),
  });
  assert.equal(summary.state, 'cancelled');
  assert.ok(!(await filesIn(root)).some(name => name.endsWith('stego.onnx')), 'no half a head');
  assert.deepEqual(counts(await debiased(root, 'stego')), ['done', 8, 0, 0, 0]);
  const whole = await readFile(file);
  await writeFile(file, whole.subarray(0, 100));
  await writeFile(join(root, 'masks/boat00.png'), await readFile(join(root, 'masks/cow00.png')));
  assert.equal((await debiased(root, 'stego')).state, 'done');
  assert.deepEqual(await readFile(file), whole);
});

test('a device is checked on the model of features too', async () => {
  const head = await saveBackbone(models, 'probed-head', serialise(signs), signsJson);
  const vit = await saveBackbone(models, 'probed-vit', tinyVitBytes, tinyUssJson);
  for (const [marsFeatures, names] of [['stego', ['Colours']], [head, ['Colours', 'Signs']], [vit, ['Colours', 'Tiny Leopart']]] as const) {
    const probes = await modelProbes('', { backbone: colours, saliency: false, marsFeatures }, false);
    assert.deepEqual(probes.map(({ name }) => name), names);
    for (const { model, feeds } of probes) {
      assert.ok(typeof model !== 'string');
      assert.ok(Object.keys(await runOnce(model, feeds)).length > 0);
    }
  }
});

test('a model of photos: its features are cached by themselves, and computed anew where its description changes', async t => {
  const root = await biasedFolder(t, FEW);
  const colourUss = { ...colourJson, kind: 'uss', id: 'colour-cells', name: 'Colour cells', from: 'photo', output: { name: 'y', kind: 'map', channels: 8, stride: 16 } };
  const { outputs: _, ...json } = colourUss;
  const cells = await saveBackbone(models, 'colour-cells', serialise(colourGraph()), json);
  assert.deepEqual(counts(await debiased(root, cells)), ['done', PHOTOS, 0, 0, 0]);
  await assertWaterGoes(root, FEW.boat);
  const [record] = await recordsOf(root, FEW.boat);
  assert.deepEqual(record.provenance.features, { name: 'Colour cells', model: sha256(await readFile(cells)) });
  assert.equal(await cachedViews(root), PHOTOS, 'and none of the backbone, which nothing asked for');
  assert.deepEqual(counts(await debiased(root, cells)), ['done', 0, 0, PHOTOS, 0], 'the same choice is passed over');

  await saveBackbone(models, 'colour-cells', serialise(colourGraph()), { ...json, input: { ...json.input, std: [0.5, 0.5, 0.5] } });
  await debiased(root, cells);
  assert.equal(await cachedViews(root), 2 * PHOTOS, 'fed otherwise, photos have other features');
});

test('tokens of a small patch: another grid than the backbone\'s', async t => {
  const root = await biasedFolder(t, FEW);
  const vit = await saveBackbone(models, 'tiny-vit-features', tinyVitBytes, tinyUssJson);
  assert.deepEqual(counts(await debiased(root, vit)), ['done', PHOTOS, 0, 0, 0]);
  for (const { provenance } of await recordsOf(root, FEW.boat)) assert.deepEqual(provenance.grid, [64, 96], 'cells of 4 pixels of a photo of 384 x 256');
});

test('a head on a layer of the backbone; one for another backbone is refused before anything is written', async t => {
  const root = await biasedFolder(t, FEW);
  const head = await saveBackbone(models, 'signs', serialise(signs), signsJson);
  assert.deepEqual(counts(await debiased(root, head)), ['done', PHOTOS, 0, 0, 0]);
  await assertWaterGoes(root, FEW.boat);
  const other = await biasedFolder(t, { boat: 2 });
  const wrong = await debiased(other, await saveBackbone(models, 'tiny-head', serialise(tinyHead), tinyHeadJson));
  assert.equal(wrong.state, 'failed');
  assert.match(wrong.error ?? '', /tiny-head\.onnx: 'Tiny STEGO' wants 3 channels of the middle layer, the backbone 'Colours' has no such layer/);
  assert.ok(!(await filesIn(other)).some(name => name.endsWith('.debiased.png')));
});

test('a model that is not there, is none, or is not what its description says: an error that names it; a run that does not debias does not need it', async t => {
  const root = await biasedFolder(t, { boat: 3, cow: 3 });
  const error = async (marsFeatures: string): Promise<string> => {
    const summary = await debiased(root, marsFeatures);
    assert.equal(summary.state, 'failed');
    return summary.error ?? '';
  };
  assert.match(await error('dino'), /no model of features 'dino': give backbone, stego or the absolute path/);
  assert.match(await error(join(models, 'gone.onnx')), /gone\.json: a model of your own needs a \.json beside it/);
  assert.match(await error(await saveBackbone(models, 'narrow', serialise(signs), { ...signsJson, output: { ...signsJson.output, channels: 9 } })), /narrow\.onnx: .*'code' has 8 in dimension 1, expected 9/);
  assert.equal((await run(root, colours, { settings: { mars: 'off', marsFeatures: 'dino' } })).summary.state, 'done');
  const on = await run(root, colours, { settings: { mars: 'on', marsFeatures: 'dino' } });
  assert.match(on.summary.error ?? '', /no model of features 'dino'/);
});

test('codes of fewer than three photos cannot be learnt, and it is said why', async t => {
  const summary = await debiased(await biasedFolder(t, { boat: 2 }), 'stego');
  assert.equal(summary.state, 'failed');
  assert.match(summary.error ?? '', /at least 3 photos/);
});
