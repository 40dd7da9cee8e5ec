/**
 * Debiasing as the last stage of a run: on, off, automatic, again; and that a person's masks are never rewritten. The masks of the first run are exchanged for biased
 * ones, in the manifest's name, so that there is something to remove.
 */
import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { readClassEvidence, readMarsLayers, readRegions } from '../../../src/dataset/evidenceStore';
import { sha256 } from '../../../src/dataset/hash';
import { setHints } from '../../../src/dataset/hints';
import { Manifest } from '../../../src/dataset/manifest';
import { eachStretch } from '../../../src/dataset/regionPixels';
import { biasedFolder, maskOf, runDebias, WIDTH } from './marsFolders';
import { copyOf, counts, labels, leftovers, masksIn, run, saveColours } from './folders';

let models: string;
let colours: string;
/** Run once without debiasing; its masks are biased, and SeedMask's by its manifest. */
let made: string;
const painted = Buffer.from(maskOf('boat', true));

before(async () => {
  models = await mkdtemp(join(tmpdir(), 'seedmask-test-'));
  colours = await saveColours(models);
  made = join(models, 'data');
  const context = { after: (): void => undefined };
  const root = await biasedFolder(context as never, { boat: 12, cow: 4, water: 2 });
  made = root;
  const { summary } = await run(root, colours, { settings: { mars: 'off' } });
  assert.deepEqual(counts(summary), ['done', 18, 0, 0, 0]);
  assert.equal(summary.debias, undefined);
  const manifest = await Manifest.open(root);
  for (const [photo, entry] of [...manifest.all()]) {
    if (!photo.startsWith('boat')) continue;
    await manifest.append({ ...entry, output: sha256(painted) });
    await writeFile(join(root, photo.replace('.png', '.mask.png')), painted);
  }
  await manifest.close();
});
after(async () => {
  await rm(models, { recursive: true, force: true });
  await rm(made, { recursive: true, force: true });
});

const ON = { settings: { mars: 'on' as const } };
const OFF = { settings: { mars: 'off' as const } };

test('on: masks are debiased where they are, none is made anew; again: nothing to do; off: as before, byte for byte', async t => {
  const root = await copyOf(t, made);
  const original = await masksIn(root);
  const first = await run(root, colours, ON);
  assert.deepEqual(counts(first.summary), ['done', 0, 0, 18, 0]);
  assert.equal(first.summary.debias?.changed, 12);
  const debiased = await masksIn(root);
  assert.notDeepEqual(debiased.get('boat03.mask.png'), painted);
  assert.deepEqual(debiased.get('cow01.mask.png'), original.get('cow01.mask.png'));
  const layers = await readMarsLayers(root, 'boat03.png');
  assert.equal(layers?.before.data.filter(label => label === 1).length, 64 * 32);
  assert.deepEqual((await readClassEvidence(root)).map(({ name }) => name), ['boat', 'cow']);
  assert.deepEqual(await leftovers(root), []);

  const again = await run(root, colours, ON);
  assert.deepEqual(counts(again.summary), ['done', 0, 0, 18, 0]);
  assert.equal(again.summary.device, '', 'no device is needed to see that nothing changed');
  assert.deepEqual(await masksIn(root), debiased);

  const off = await run(root, colours, OFF);
  assert.ok(off.summary.notes.some(note => /debiasing is off: 12 masks as before it/.test(note)), off.summary.notes.join('\n'));
  assert.deepEqual(await masksIn(root), original);
  assert.equal(await readMarsLayers(root, 'boat03.png'), undefined);
});

test('automatic: on where a class has ten photos and there is something to compare it with', async t => {
  const root = await copyOf(t, made);
  assert.ok((await run(root, colours, { settings: { mars: 'auto' } })).summary.debias);
  await rm(join(root, 'boat00.png'));
  await rm(join(root, 'boat01.png'));
  await rm(join(root, 'boat02.png'));
  assert.equal((await run(root, colours, { settings: { mars: 'auto' } })).summary.debias, undefined, 'nine boats');
});

test("a person's mask teaches, and is never rewritten; nor is one that a person accepted", async t => {
  const root = await copyOf(t, made);
  const edited = Buffer.from(maskOf('boat', false));
  await writeFile(join(root, 'boat05.mask.png'), edited);
  const manifest = await Manifest.open(root);
  const entry = manifest.get('boat06.png');
  assert.ok(entry);
  await manifest.append({ ...entry, state: 'accepted' });
  await manifest.close();
  const { summary } = await run(root, colours, ON);
  assert.deepEqual(counts(summary), ['done', 0, 2, 16, 0]);
  const masks = await masksIn(root);
  assert.deepEqual(masks.get('boat05.mask.png'), edited);
  assert.deepEqual(masks.get('boat06.mask.png'), painted);
  const [boat] = await readClassEvidence(root);
  assert.ok(boat.clusters.some(({ photo }) => photo === 'boat05.png'), 'its clusters are among those of the class');
  const alone = await runDebias(root, colours);
  assert.equal(alone.summary.kept, 2);
  assert.deepEqual((await masksIn(root)).get('boat05.mask.png'), edited);
});

test('a mask before that is lost is made anew by the next run, not passed over', async t => {
  const root = await copyOf(t, made);
  await run(root, colours, ON);
  await rm(join(root, '.seedmask/layers/boat04.png/before.png'));
  const { summary } = await run(root, colours, ON);
  assert.deepEqual(counts(summary), ['done', 1, 0, 17, 0]);
  assert.ok((await readFile(join(root, 'boat04.mask.png'))).length > 0);
});

test('some photos alone: their masks are debiased by all photos, the others wait', async t => {
  const root = await copyOf(t, made);
  const { summary } = await run(root, colours, { ...ON, photos: ['boat01.png'] });
  assert.equal(summary.debias?.photos, 1);
  const masks = await masksIn(root);
  assert.notDeepEqual(masks.get('boat01.mask.png'), painted);
  assert.deepEqual(masks.get('boat02.mask.png'), painted);
});

test('debiasing alone works on SeedMask\'s masks in place, and says so where there are none', async t => {
  const root = await copyOf(t, made);
  const { summary } = await runDebias(root, colours);
  assert.equal(summary.job, 'debias');
  assert.equal(summary.written, 12);
  const bare = await copyOf(t, made, 'photos');
  assert.match((await runDebias(bare, colours)).summary.notes.join('\n'), /no masks beside the photos; give --masks/);
});

test("a region where a person's point says that the class is there stays", async t => {
  const root = await copyOf(t, made);
  await runDebias(root, colours);
  const [region] = await readRegions(root, 'boat02.png');
  const pixels: number[] = [];
  eachStretch(region.box, region.pixels, WIDTH, (from, count) => pixels.push(...Array.from({ length: count }, (_, i) => from + i)));
  await setHints(root, 'boat02.png', { boxes: [], scribbles: [], points: [{ id: 1, x: pixels[9] % WIDTH, y: Math.floor(pixels[9] / WIDTH) }] });
  await runDebias(root, colours);
  const { data } = await labels(root, 'boat02.mask.png');
  assert.ok(pixels.every(p => data[p] === 1));
  assert.ok(!(await readRegions(root, 'boat02.png')).some(({ id }) => id === region.id));
});
