/**
 * Debiasing as a job: what it removes and leaves, what it says, what it never touches; on small pictures whose bias is known.
 */
import assert from 'node:assert/strict';
import { readFile, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { readClassEvidence, readRegions } from '../../../src/dataset/evidenceStore';
import { debiasedHome } from '../../../src/dataset/debiased';
import { encodeMask } from '../../../src/dataset/maskFile';
import { eachStretch } from '../../../src/dataset/regionPixels';
import { explain } from '../../../src/engine/jobs/explain';
import { debiasChoices } from '../../../src/engine/jobs/debiasChoices';
import { DEFAULT_SETTINGS } from '../../../src/shared/settings';
import { explanationText } from '../../../src/shared/texts/explanation';
import { copyOf, counts, labels, saveBackbone, saveColours, colourGraph, colourJson } from './folders';
import { serialise } from '../../../models/graph/serialise';
import { biasedFolder, HEIGHT, maskOf, OBJECT, PAINTED, runDebias, scene, WIDTH, type Scene } from './marsFolders';

const FOREIGN = { masks: 'masks' };
const settings = { ...DEFAULT_SETTINGS, outputName: '{stem}.debiased.png' };
const quiet = { emit: () => undefined, signal: new AbortController().signal };

let models: string;
let colours: string;
before(async () => {
  models = await mkdtemp(join(tmpdir(), 'seedmask-test-'));
  colours = await saveColours(models);
});
after(() => rm(models, { recursive: true, force: true }));

/** Share of the pixels of a box that have a label. */
async function shareOf(root: string, mask: string, label: number, box: typeof OBJECT, except?: typeof OBJECT): Promise<number> {
  const { data, width } = await labels(root, mask);
  let [found, all] = [0, 0];
  data.forEach((value, p) => {
    const [x, y] = [p % width, Math.floor(p / width)];
    const isIn = ({ left, top, right, bottom }: typeof OBJECT): boolean => x >= left && x < right && y >= top && y < bottom;
    if (!isIn(box) || (except && isIn(except))) return;
    all++;
    if (value === label) found++;
  });
  return found / all;
}

const debiasedFiles = async (root: string, names: readonly string[]): Promise<Buffer[]> => Promise.all(names.map(name => readFile(join(root, `${name}.debiased.png`))));

test('water goes from under the boats, the boats stay; cows are left alone and it is said why; the masks given are not touched', async t => {
  const root = await biasedFolder(t);
  const { summary } = await runDebias(root, colours, FOREIGN);
  assert.deepEqual(counts(summary), ['done', 28, 0, 0, 0]);
  for (const name of ['boat00', 'boat05', 'boat11']) {
    assert.ok((await shareOf(root, `${name}.debiased.png`, 1, OBJECT)) > 0.8, `${name}: the boat stays`);
    assert.ok((await shareOf(root, `${name}.debiased.png`, 1, PAINTED, OBJECT)) < 0.35, `${name}: the water goes`);
    assert.deepEqual(await readFile(join(root, `masks/${name}.png`)), Buffer.from(maskOf('boat', true)));
  }
  assert.deepEqual(await readFile(join(root, 'cow03.debiased.png')), Buffer.from(maskOf('cow', true)), 'nothing is removed of cows: the very bytes');
  const cow = summary.debias?.classes.find(({ name }) => name === 'cow');
  assert.match(cow?.leftAlone ?? '', /nothing suggests that something else is painted with it/);
  assert.equal(summary.debias?.changed, 12);

  const again = await runDebias(root, colours, FOREIGN);
  assert.deepEqual(counts(again.summary), ['done', 0, 0, 28, 0]);
  assert.ok(!again.events.some(event => event.type === 'progress' && event.stage === 'debias'), 'nothing is looked at again');

  const fresh = await copyOf(t, root, 'photos');
  await rm(join(fresh, 'boat00.debiased.png'));
  await runDebias(fresh, colours, FOREIGN);
  assert.deepEqual(await debiasedFiles(fresh, ['boat00']), await debiasedFiles(root, ['boat00']), 'the same bytes again');
});

test('every removed pixel is in exactly one region, and the evidence can be read', async t => {
  const root = await biasedFolder(t, { boat: 12, cow: 3, water: 2 });
  await runDebias(root, colours, FOREIGN);
  const [given, made] = [await labels(root, 'masks/boat02.png'), await labels(root, 'boat02.debiased.png')];
  const times = new Uint8Array(given.data.length);
  const regions = await readRegions(debiasedHome(root), 'boat02.png');
  for (const { box, pixels } of regions) eachStretch(box, pixels, WIDTH, (from, count) => times.fill(1, from, from + count));
  assert.deepEqual([...times], [...given.data].map((label, p) => (label === made.data[p] ? 0 : 1)));
  assert.equal(regions.reduce((sum, { area }) => sum + area, 0), times.reduce((sum, value) => sum + value, 0));
  const told = await explain({ root, settings, photo: 'boat02.png' });
  const text = explanationText(told);
  assert.match(text, /pixels of boat/);
  assert.match(text, /left alone|of its pixels removed/);
  assert.doesNotMatch(text, /confidence|proves that|because of the photo|railroad/);
  await assert.rejects(explain({ root, settings, photo: 'nowhere.png' }), /nothing is known of a debiasing/);
});

test('a word on a region holds: restored now and in later runs; all restored is the mask before, byte for byte', async t => {
  const root = await biasedFolder(t, { boat: 12, cow: 3, water: 2 });
  await runDebias(root, colours, FOREIGN);
  const home = debiasedHome(root);
  const [first] = await readRegions(home, 'boat01.png');
  const one = await debiasChoices({ root, settings, regions: [first.id, 'boat01.png#1@0,0,1,1'], classes: [], choice: 'restored' }, quiet);
  assert.deepEqual([one.written, one.regions, one.notes.length], [1, 1, 1]);
  const { data } = await labels(root, 'boat01.debiased.png');
  let back = 0;
  eachStretch(first.box, first.pixels, WIDTH, (from, count) => (back += data.subarray(from, from + count).filter(label => label === 1).length));
  assert.equal(back, first.area);

  await writeFile(join(root, 'boat90.png'), await scene('boat', 90));
  await writeFile(join(root, 'masks/boat90.png'), maskOf('boat', true));
  const later = await runDebias(root, colours, FOREIGN);
  assert.ok((later.summary.debias?.restored ?? 0) >= 1, 'the restored region is known again after a photo was added');

  const all = await debiasChoices({ root, settings, regions: [], classes: ['boat'], choice: 'restored' }, quiet);
  assert.ok(all.written >= 11);
  for (const name of ['boat00', 'boat01', 'boat07']) assert.deepEqual(await readFile(join(root, `${name}.debiased.png`)), Buffer.from(maskOf('boat', true)));
  await debiasChoices({ root, settings, regions: [], classes: ['boat'], choice: null }, quiet);
  assert.ok((await shareOf(root, 'boat00.debiased.png', 1, PAINTED, OBJECT)) < 0.35, 'taken back: removed again');
  await assert.rejects(debiasChoices({ root, settings, regions: [], classes: ['whale'], choice: 'restored' }, quiet), /no class 'whale'/);
});

test('removed pixels as ignore; 255 of the given mask stays 255', async t => {
  const root = await biasedFolder(t, { boat: 12, cow: 3, water: 2 });
  const given = (await labels(root, 'masks/boat03.png')).data.slice();
  given.fill(255, 0, 5 * WIDTH);
  await writeFile(join(root, 'masks/boat03.png'), encodeMask({ data: given, width: WIDTH, height: HEIGHT }));
  await runDebias(root, colours, { ...FOREIGN, settings: { removedAs: 'ignore' } });
  const { data } = await labels(root, 'boat03.debiased.png');
  assert.ok(data.subarray(0, 5 * WIDTH).every(label => label === 255));
  assert.ok(data.subarray(5 * WIDTH).every((label, i) => label === given[5 * WIDTH + i] || (label === 255 && given[5 * WIDTH + i] === 1)));
  assert.ok(data.subarray(5 * WIDTH).includes(255));
});

test('masks of the wrong size, with unknown ids or damaged fail alone, with a plain word', async t => {
  const root = await biasedFolder(t, { boat: 11, cow: 3, water: 1 });
  await writeFile(join(root, 'masks/boat00.png'), encodeMask({ data: new Uint8Array(20), width: 5, height: 4 }));
  await writeFile(join(root, 'masks/boat01.png'), encodeMask({ data: new Uint8Array(WIDTH * HEIGHT).fill(77), width: WIDTH, height: HEIGHT }));
  await writeFile(join(root, 'masks/boat02.png'), 'no picture');
  const { summary } = await runDebias(root, colours, FOREIGN);
  const messages = new Map(summary.failed.map(({ photo, message }) => [photo, message]));
  assert.deepEqual([...messages.keys()].sort(), ['boat00.png', 'boat01.png', 'boat02.png']);
  assert.match(messages.get('boat00.png') ?? '', /5 x 4 pixels, the photo 96 x 64/);
  assert.match(messages.get('boat01.png') ?? '', /the id 77, which no class has/);
  assert.equal(summary.written, 12);
  assert.equal(await stat(join(root, 'boat00.debiased.png')).catch(() => undefined), undefined);
});

test('too little to compare with: one photo, one class, no backgrounds, tags without pixels; masks stay as they are, and it is said why', async t => {
  const cases: [Partial<Record<Scene, number>>, RegExp][] = [
    [{ boat: 1 }, /1 photo, and fewer than 10/],
    [{ cow: 3 }, /3 photos, and fewer than 10/],
  ];
  for (const [scenes, why] of cases) {
    const root = await biasedFolder(t, scenes);
    const { summary } = await runDebias(root, colours, FOREIGN);
    assert.equal(summary.state, 'done');
    assert.match(summary.debias?.classes[0]?.leftAlone ?? '', why);
    assert.equal(summary.debias?.regions, 0);
  }
  const full = await biasedFolder(t, { boat: 10 });
  for (let i = 0; i < 10; i++) await writeFile(join(full, `masks/boat0${i}.png`), encodeMask({ data: new Uint8Array(WIDTH * HEIGHT).fill(1), width: WIDTH, height: HEIGHT }));
  const without = (await runDebias(full, colours, FOREIGN)).summary;
  assert.match(without.debias?.classes[0]?.leftAlone ?? '', /no photo has background/);

  const empty = await biasedFolder(t, { boat: 2, cow: 1 });
  await writeFile(join(empty, 'masks/cow00.png'), encodeMask({ data: new Uint8Array(WIDTH * HEIGHT), width: WIDTH, height: HEIGHT }));
  const { summary } = await runDebias(empty, colours, FOREIGN);
  assert.ok(summary.notes.some(note => /class 'cow' is in no mask/.test(note)), summary.notes.join('\n'));
  assert.deepEqual(await readFile(join(empty, 'cow00.debiased.png')), await readFile(join(empty, 'masks/cow00.png')));
});

test('all photos of one class: compared with their own backgrounds', async t => {
  const root = await biasedFolder(t, { boat: 12 });
  const { summary } = await runDebias(root, colours, FOREIGN);
  assert.equal(summary.state, 'done');
  assert.equal(summary.written, 12);
  const [boat] = await readClassEvidence(debiasedHome(root));
  assert.equal(boat.name, 'boat');
  assert.equal(boat.metricAgreement, null, 'there is no photo without the tag');
});

test('features that are no numbers leave one photo out, not the run', async t => {
  const root = await biasedFolder(t, { boat: 3, cow: 2 });
  const white = new Uint8Array(WIDTH * HEIGHT * 3).fill(255);
  const { default: sharp } = await import('sharp');
  await writeFile(join(root, 'boat00.png'), await sharp(white, { raw: { width: WIDTH, height: HEIGHT, channels: 3 } }).png().toBuffer());
  const graph = colourGraph();
  // The root of what is left of a brightness of 0.95: there is none for white.
  const nodes = graph.nodes.map(node => (node.op === 'Relu' ? { ...node, outputs: ['positive'] } : node));
  nodes.push({ op: 'Sub', inputs: ['limit', 'positive'], outputs: ['rest'], attributes: {} }, { op: 'Sqrt', inputs: ['rest'], outputs: ['root'], attributes: {} }, { op: 'Mul', inputs: ['root', 'positive'], outputs: ['y'], attributes: {} });
  const initializers = [...graph.initializers, { name: 'limit', dtype: 'float32' as const, dims: [1], data: Float32Array.of(0.95) }];
  const broken = await saveBackbone(models, 'broken', serialise({ ...graph, nodes, initializers }), colourJson);
  const { summary } = await runDebias(root, broken, FOREIGN);
  assert.equal(summary.state, 'done', summary.error);
  assert.deepEqual(summary.failed.map(({ photo, reason }) => [photo, reason]), [['boat00.png', 'numeric']]);
  assert.equal(summary.written, 4);
});

test('cancelled between the passes or within one, then run again: the result of one run without a break', async t => {
  const whole = await biasedFolder(t, { boat: 12, cow: 3, water: 2 });
  await runDebias(whole, colours, FOREIGN);
  const names = ['boat00', 'boat04', 'boat11', 'cow01'];
  const expected = await debiasedFiles(whole, names);
  for (const passes of [1, 2, 3]) {
    const root = await copyOf(t, whole, 'photos');
    for (const name of (await import('node:fs')).readdirSync(root).filter(file => file.endsWith('.debiased.png'))) await rm(join(root, name));
    const abort = new AbortController();
    let begun = 0;
    const { summary } = await runDebias(root, colours, {
      ...FOREIGN,
      signal: abort.signal,
      onEvent: event => {
        if (event.type === 'progress' && event.stage === 'debias' && event.done === 0 && ++begun === passes) abort.abort();
        if (event.type === 'photo' && passes === 3) abort.abort();
      },
    });
    assert.equal(summary.state, 'cancelled');
    const resumed = await runDebias(root, colours, FOREIGN);
    assert.equal(resumed.summary.state, 'done');
    assert.deepEqual(await debiasedFiles(root, names), expected, `cancelled at ${passes}`);
  }
});

test('photos added later: what is known of the others is used again, and only masks that come out otherwise are written', async t => {
  const root = await biasedFolder(t, { boat: 12, cow: 3, water: 2 });
  await runDebias(root, colours, FOREIGN);
  const grid = join(debiasedHome(root), '.seedmask/layers/boat00.png/clusters.png');
  const { mtimeMs } = await stat(grid);
  await writeFile(join(root, 'cow80.png'), await scene('cow', 80));
  await writeFile(join(root, 'masks/cow80.png'), maskOf('cow', true));
  const { summary } = await runDebias(root, colours, FOREIGN);
  assert.equal(summary.state, 'done');
  assert.equal((await stat(grid)).mtimeMs, mtimeMs, 'its clusters are those of the run before');
  assert.equal(summary.written + summary.skipped, 18);
  assert.ok(summary.skipped >= 5, 'cows and water stay as they were');
});

test('a folder or name of masks that is not there is refused', async t => {
  const root = await biasedFolder(t, { boat: 1 });
  assert.match((await runDebias(root, colours, { masks: 'nowhere' })).summary.error ?? '', /no such folder of masks/);
  assert.match((await runDebias(root, colours, { masks: '{stem}.sam.png' })).summary.error ?? '', /none of the 1 photo has a mask there/);
  await assert.rejects(runDebias(root, colours, { masks: 'masks', debiasedName: '{stem}.mask.png' }), /name of SeedMask's own masks/);
});
