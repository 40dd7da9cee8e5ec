/**
 * The whole way with the bundled models on real photographs, made small: exact sizes and ids, saliency on and off, layers, the same bytes again.
 */
import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import sharp, { type Sharp } from 'sharp';
import { sha256 } from '../../../src/dataset/hash';
import { readLayers } from '../../../src/dataset/layers';
import { Manifest } from '../../../src/dataset/manifest';
import { listRuns } from '../../../src/dataset/runs';
import { plan } from '../../../src/engine/jobs/plan';
import type { EngineEvent, RunSummary } from '../../../src/shared/protocol';
import { vocPalette } from '../../../src/shared/palette';
import { put } from '../../unit/dataset/temp';
import { copyOf, counts, engine, filesIn, idsIn, labels, leftovers, masksIn, request, run, type Tags } from './folders';

const IMAGES = join(import.meta.dirname, '../../../node_modules/@stdlib');
const image = (name: string): Sharp => sharp(join(IMAGES, `datasets-img-${name}/data/image.jpg`));

/** In code-unit order of the masks' names. */
const TAGS: Tags = { 'above.jpg': ['airplane'], 'nothing.jpg': [], 'pasture.png': ['sheep'], 'sub/turned.jpg': ['airplane'] };
const SIZES: Record<string, [number, number]> = { 'above.mask.png': [200, 158], 'nothing.mask.png': [64, 48], 'pasture.mask.png': [190, 131], 'sub/turned.mask.png': [201, 149] };
const SALIENCY = { settings: { saliency: true } };

/** A folder after a run with both models. */
let root: string;
let summary: RunSummary;
let events: EngineEvent[];

before(async () => {
  root = await mkdtemp(join(tmpdir(), 'seedmask-test-'));
  const sized = ([width, height]: [number, number]) => ({ width, height, fit: 'cover' as const });
  await put(root, {
    'above.jpg': await image('airplane-from-above').resize(sized(SIZES['above.mask.png'])).jpeg().toBuffer(),
    'nothing.jpg': await image('black-canyon').resize(sized(SIZES['nothing.mask.png'])).jpeg().toBuffer(),
    'pasture.png': await image('march-pastoral').resize(sized(SIZES['pasture.mask.png'])).png().toBuffer(),
    // Stored lying down; its EXIF says: turn by 90 degrees.
    'sub/turned.jpg': await sharp(await image('airplane-from-above').resize(sized(SIZES['sub/turned.mask.png'])).toBuffer()).rotate(-90).withMetadata({ orientation: 6 }).jpeg().toBuffer(),
    'untagged.jpg': await image('black-canyon').resize(40).jpeg().toBuffer(),
    'tags.json': JSON.stringify(TAGS),
  });
  ({ summary, events } = await run(root, undefined, SALIENCY));
});
after(() => rm(root, { recursive: true, force: true }));

test('a mask beside each tagged photo, of exactly its oriented size, with the ids of its own tags', async () => {
  assert.deepEqual(counts(summary), ['done', 4, 0, 0, 0]);
  assert.deepEqual([summary.photos, summary.untagged], [4, 1]);
  assert.match(summary.device, /^CPU/);
  const { classes } = JSON.parse(await readFile(join(root, '.seedmask/classes.json'), 'utf8')) as { classes: unknown[] };
  assert.deepEqual(classes, [{ id: 0, name: 'background' }, { id: 1, name: 'airplane' }, { id: 2, name: 'sheep' }]);
  assert.deepEqual([...(await masksIn(root)).keys()], Object.keys(SIZES));
  const ids = { 'above.mask.png': 1, 'pasture.mask.png': 2, 'sub/turned.mask.png': 1 };
  for (const [mask, [width, height]] of Object.entries(SIZES)) {
    const found = await labels(root, mask);
    assert.deepEqual([found.width, found.height], [width, height], mask);
  }
  for (const [mask, id] of Object.entries(ids)) assert.deepEqual(await idsIn(root, mask), [0, id], mask);
  assert.deepEqual(await idsIn(root, 'nothing.mask.png'), [0], 'an empty list of tags is all background');
});

test('the object is where it is, also in a photo that its EXIF turns', async () => {
  for (const mask of ['above.mask.png', 'sub/turned.mask.png']) {
    const { data, width, height } = await labels(root, mask);
    const share = (inside: boolean): number => {
      const pixels = data.filter((_, i) => inside === (Math.abs((i % width) / width - 0.5) < 0.25 && Math.abs(Math.floor(i / width) / height - 0.5) < 0.25));
      return pixels.filter(id => id !== 0).length / pixels.length;
    };
    assert.ok(share(true) > 2 * share(false), `${mask}: ${share(true)} of the middle, ${share(false)} of the border`);
  }
});

test('another reader sees an indexed PNG of 8 bits with all 256 colours of VOC', async () => {
  for (const bytes of (await masksIn(root)).values()) {
    assert.deepEqual([bytes[24], bytes[25]], [8, 3], 'bit depth, colour type');
    const at = bytes.indexOf('PLTE');
    assert.equal(bytes.readUInt32BE(at - 4), 768);
    assert.ok(bytes.subarray(at + 4, at + 772).equals(vocPalette()));
    assert.equal(bytes.indexOf('tRNS'), -1);
    assert.equal((await sharp(bytes).metadata()).isPalette, true);
  }
});

test('the layers that explain each mask, the manifest and the record of the run', async () => {
  for (const photo of Object.keys(TAGS)) {
    const layers = await readLayers(root, photo);
    if (TAGS[photo].length === 0) {
      assert.equal(layers, undefined);
      continue;
    }
    assert.deepEqual(layers?.info.classes.map(({ name }) => name), TAGS[photo]);
    assert.ok(layers.cams.data.some(value => value > 0.9) && layers.refined.data.some(value => value > 0.5));
    assert.ok(layers.seed.data.some(id => id === layers.info.classes[0].id), 'some pixel is certain');
  }
  const entries = await Manifest.read(root);
  for (const photo of Object.keys(TAGS)) {
    const mask = photo.replace(/\.\w+$/, '.mask.png');
    assert.equal(entries.get(photo)?.output, sha256(await readFile(join(root, mask))));
    assert.equal(entries.get(photo)?.source, sha256(await readFile(join(root, photo))));
    assert.equal(entries.get(photo)?.run, summary.id);
  }
  assert.deepEqual((await listRuns(root)).map(one => one.summary), [summary]);
  assert.match(await readFile(join(root, '.seedmask/runs', summary.id, 'log.txt'), 'utf8'), /done/);
  assert.deepEqual(await leftovers(root), []);
});

test('progress goes up in every stage and ends at its total; one event a photo adds up to the summary', () => {
  const progress = events.filter(event => event.type === 'progress');
  const stages = [...new Set(progress.map(({ stage }) => stage))];
  assert.deepEqual(stages, ['scan', 'device', 'features', 'learn', 'masks']);
  for (const stage of stages) {
    const own = progress.filter(event => event.stage === stage);
    assert.ok(own.every(({ done, total }, i) => done <= total && (i === 0 || done >= own[i - 1].done)), stage);
    assert.equal(own.at(-1)?.done, own.at(-1)?.total, stage);
  }
  assert.ok(progress.every(({ secondsLeft }) => secondsLeft === null || (Number.isFinite(secondsLeft) && secondsLeft >= 0)));
  assert.ok(progress.filter(({ stage }) => stage === 'masks').every(({ device }) => device === summary.device));
  const photos = events.filter(event => event.type === 'photo');
  assert.deepEqual(photos.map(({ photo, state }) => [photo, state]).sort(), Object.keys(TAGS).map(photo => [photo, 'written']));
});

test('without saliency the masks are others, and up to date in their own right', async t => {
  const tagsOnly = await copyOf(t, root, 'photos and features');
  assert.deepEqual(counts((await run(tagsOnly, undefined)).summary), ['done', 4, 0, 0, 0]);
  const weighed = await masksIn(root);
  const plain = await masksIn(tagsOnly);
  assert.notDeepEqual(plain.get('above.mask.png'), weighed.get('above.mask.png'));
  assert.deepEqual(plain.get('nothing.mask.png'), weighed.get('nothing.mask.png'));
  assert.deepEqual(await idsIn(tagsOnly, 'above.mask.png'), [0, 1]);
  assert.deepEqual(counts((await run(tagsOnly, undefined)).summary), ['done', 0, 0, 4, 0]);
  assert.equal((await run(tagsOnly, undefined, SALIENCY)).summary.written, 4, 'the cue is a parameter like others');
  assert.deepEqual(await masksIn(tagsOnly), weighed);
});

test('the same bytes when some features are computed once more', async t => {
  const again = await copyOf(t, root, 'photos and features');
  const features = (await filesIn(again)).filter(name => name.endsWith('.f16')).sort();
  assert.equal(features.length, 8, 'backbone and saliency of four photos');
  for (const name of features.slice(0, 3)) await rm(join(again, name));
  await run(again, undefined, { ...SALIENCY, photos: ['sub/turned.jpg'] });
  assert.deepEqual([...(await masksIn(again))], [...(await masksIn(root))].slice(3));
});

test('one photo by itself: ImageNet knows its tag', async t => {
  const one = await copyOf(t, root, 'photos and features');
  for (const name of Object.keys(TAGS)) if (name !== 'above.jpg') await rm(join(one, name));
  const result = await run(one, undefined, SALIENCY);
  assert.deepEqual(counts(result.summary), ['done', 1, 0, 0, 0]);
  assert.deepEqual(await idsIn(one, 'above.mask.png'), [0, 1]);
  assert.ok(!result.summary.notes.some(note => note.startsWith('class ')), result.summary.notes.join('\n'));
});

test('a plan says what a run would do, and changes nothing', async t => {
  const copy = await copyOf(t, root, 'photos');
  const { settings } = request(copy, undefined, SALIENCY);
  const context = { emit: () => undefined, signal: new AbortController().signal };
  const before = await plan({ root: copy, settings }, context, engine);
  assert.deepEqual([before.photos, before.empty, before.done, before.edited, before.untagged], [4, 1, 0, 0, ['untagged.jpg']]);
  assert.deepEqual(before.classes.map(({ name, photos, problem }) => [name, photos, problem]), [['airplane', 2, undefined], ['sheep', 1, undefined]]);
  assert.equal(before.tagSource, 'tags.json');
  const [quick, standard] = [before, await plan({ root: copy, settings: { ...settings, preset: 'standard' } }, context, engine)];
  assert.deepEqual([quick.trains, standard.trains], [false, true]);
  assert.equal((await masksIn(copy)).size, 0);
  const later = await copyOf(t, root);
  await put(later, { 'above.mask.png': 'mine' });
  const { done, edited } = await plan({ root: later, settings }, context, engine);
  assert.deepEqual([done, edited], [3, 1]);
});
