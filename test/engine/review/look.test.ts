/**
 * Looking at a data set: the queue's states, a photo with its layers, masks that are damaged or do not fit, small pictures, tags. None of it loads ONNX Runtime.
 */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { readdir, readFile, rm, utimes } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import sharp from 'sharp';
import * as v from 'valibot';
import { chooseClasses } from '../../../src/dataset/choices';
import { readClassTable } from '../../../src/dataset/classTable';
import { writeClusterGrid, writeMars, type RegionRecord } from '../../../src/dataset/evidenceStore';
import { sha256 } from '../../../src/dataset/hash';
import { writeLayers } from '../../../src/dataset/layers';
import { encodeMask } from '../../../src/dataset/maskFile';
import { recordFacts } from '../../../src/dataset/photoFacts';
import { encodePng } from '../../../src/dataset/png';
import { newRunId, saveRun } from '../../../src/dataset/runs';
import { EngineClient } from '../../../src/engine/client';
import { reviewHold, reviewTags } from '../../../src/engine/review/corrections';
import { reviewPhoto } from '../../../src/engine/review/photo';
import { reviewQueue } from '../../../src/engine/review/queue';
import { reviewThumbnails } from '../../../src/engine/review/thumbnails';
import { reviewMark } from '../../../src/engine/review/words';
import { decodeRuns } from '../../../src/shared/labelRuns';
import type { Maps } from '../../../src/shared/maps';
import { vocPalette } from '../../../src/shared/palette';
import { reviewResults, type Queue } from '../../../src/shared/review';
import { DEFAULT_SETTINGS } from '../../../src/shared/settings';
import { put, tempFolder } from '../../unit/dataset/temp';
import { halfMask, makeMask, paintElsewhere, photoBytes, photos, SETTINGS } from './folders';

const queue = async (root: string): Promise<Queue> => v.parse(reviewResults.reviewQueue, await reviewQueue({ root, settings: SETTINGS }));
const look = async (root: string, photo: string, truth?: string) => v.parse(reviewResults.reviewPhoto, await reviewPhoto({ root, settings: SETTINGS, photo, ...(truth !== undefined && { truth }) }));
const states = ({ items }: Queue): Record<string, string> => Object.fromEntries(items.map(({ photo, state }) => [photo, state]));

test('every state, by what is on disk and what was said', async t => {
  const names = ['auto', 'edited', 'elsewhere', 'accepted', 'empty', 'rejected', 'failed', 'missing'];
  const root = await photos(t, { ...Object.fromEntries(names.map(name => [`${name}.png`, ['cat']])), 'untagged.png': null, 'nothing.png': [] });
  for (const name of ['auto', 'edited', 'accepted', 'empty', 'rejected']) await makeMask(root, `${name}.png`, halfMask(name === 'empty' ? 0 : 1));
  await paintElsewhere(root, 'edited.png', halfMask(2));
  await paintElsewhere(root, 'elsewhere.png', halfMask(1));
  await put(root, { 'missing.mask.png': '' });
  await reviewMark({ root, settings: SETTINGS, photos: ['accepted.png', 'empty.png'], mark: 'accepted' });
  await reviewMark({ root, settings: SETTINGS, photos: ['rejected.png'], mark: 'rejected' });
  const failure = { photo: 'failed.png', reason: 'bad-image', message: 'the JPEG ends early' };
  const summary = { id: newRunId(), root, started: new Date().toISOString(), seconds: 1, state: 'done' as const, device: '', photos: 1, written: 0, kept: 0, skipped: 0, untagged: 0, failed: [failure], notes: [] };
  await saveRun(root, { settings: DEFAULT_SETTINGS, summary });
  const found = await queue(root);
  assert.deepEqual(states(found), {
    'accepted.png': 'accepted', 'auto.png': 'auto', 'edited.png': 'edited', 'elsewhere.png': 'auto', 'empty.png': 'empty-accepted', 'failed.png': 'failed',
    'missing.png': 'missing', 'nothing.png': 'missing', 'rejected.png': 'rejected', 'untagged.png': 'untagged',
  });
  assert.equal(found.items.find(({ photo }) => photo === 'failed.png')?.problem, 'the JPEG ends early');
  assert.deepEqual(found.classes, [{ id: 0, name: 'background' }, { id: 1, name: 'cat' }]);
  assert.deepEqual(found.items[0], {
    photo: 'accepted.png', mask: 'accepted.mask.png', state: 'accepted', tags: [1], areas: [{ id: 1, share: 0.5 }], uncertainty: { ignore: null, entropy: null, fragile: null, size: null }, change: null, removedRegions: 0,
  });
});

test('looking at a folder that no run has seen changes nothing in it', async t => {
  const root = await photos(t, { 'a.png': ['cat'] });
  await paintElsewhere(root, 'a.png', halfMask(1));
  const before = await readdir(root);
  await queue(root);
  await look(root, 'a.png');
  assert.deepEqual(await readdir(root), before);
});

test('no classes at all, and 254 of them', async t => {
  const none = await photos(t, { 'a.png': [] });
  assert.deepEqual((await queue(none)).classes, [{ id: 0, name: 'background' }]);
  assert.deepEqual((await look(none, 'a.png')).layers, []);

  const names = Array.from({ length: 254 }, (_, i) => `c${String(i).padStart(3, '0')}`);
  const root = await photos(t, { 'a.png': names });
  const many = { data: Uint8Array.from({ length: 96 }, (_, i) => 254 - i), width: 12, height: 8 };
  await paintElsewhere(root, 'a.png', many);
  const { classes, items } = await queue(root);
  assert.deepEqual([classes.length, classes[254].id, items[0].tags.length], [255, 254, 254]);
  const { mask } = await look(root, 'a.png');
  assert.ok(mask);
  assert.deepEqual(decodeRuns(mask.runs, 96), many.data);
  assert.equal((await queue(root)).items[0].areas?.length, 96, 'known, once it was looked at');
});

test('sizes: unusual ones stand out', async t => {
  const names = Array.from({ length: 8 }, (_, i) => `${i}.png`);
  const root = await photos(t, Object.fromEntries(names.map(name => [name, ['cat']])));
  for (const [i, name] of names.entries()) {
    const mask = { data: new Uint8Array(96), width: 12, height: 8 };
    mask.data.fill(1, 0, i === 3 ? 2 : 40 + i);
    const hash = await makeMask(root, name, mask);
    await recordFacts(root, name, { mask: { hash, size: 0, time: 0 }, areas: [{ id: 1, share: (i === 3 ? 2 : 40 + i) / 96 }] });
  }
  const sizes = (await queue(root)).items.map(({ uncertainty }) => uncertainty.size ?? -1);
  assert.equal(sizes.indexOf(Math.max(...sizes)), 3);
  assert.ok(sizes[3] > 0.5 && sizes.every((size, i) => i === 3 || size < 0.3), sizes.join(' '));
});

test('a mask that is damaged is never opened as an empty one; of another size or with its palette re-ordered it is shown, with the problem', async t => {
  const root = await photos(t, { 'damaged.png': ['cat'], 'empty.png': ['cat'], 'small.png': ['cat'], 'shuffled.png': ['cat'], 'none.png': ['cat'], 'folder.png': ['cat'] });
  await put(root, { 'damaged.mask.png': encodeMask(halfMask(1)).slice(0, 840), 'empty.mask.png': '', 'small.mask.png': encodeMask(halfMask(1, 6, 4)), 'folder.mask.png/x': '' });
  const palette = vocPalette();
  const swapped = Uint8Array.from([...palette.slice(3, 6), ...palette.slice(0, 3), ...palette.slice(6)]);
  await put(root, { 'shuffled.mask.png': encodePng(halfMask(1).data, 12, 8, swapped) });
  for (const [photo, problem] of [['damaged.png', /./], ['empty.png', /empty/], ['folder.png', /cannot be read/]] as const) {
    const view = await look(root, photo);
    assert.equal(view.mask, null);
    assert.match(view.maskProblem ?? '', problem);
  }
  const { mask: small } = await look(root, 'small.png');
  assert.deepEqual([small?.width, small?.height], [6, 4]);
  assert.match(small?.problem ?? '', /6 x 4.*12 x 8/);
  const { mask: shuffled } = await look(root, 'shuffled.png');
  assert.match(shuffled?.problem ?? '', /palette/);
  assert.deepEqual(await look(root, 'none.png').then(({ mask, maskProblem }) => [mask, maskProblem]), [null, undefined]);
});

test('layers say what made them; a photo without any has none; a true mask is matched by class names', async t => {
  const root = await photos(t, { 'a.png': ['cat'], 'b.png': ['cat'] });
  const maps: Maps = { data: Float32Array.from({ length: 12 }, (_, i) => i / 11), channels: 1, height: 3, width: 4 };
  const seed = halfMask(1);
  seed.data[5] = 255;
  await writeLayers(root, 'a.png', { info: { thresholds: { cam: 0.26, refined: 0.22, foreground: 0.55, background: 0.1 }, model: 'x', classes: [{ id: 1, name: 'cat' }] }, cams: maps, refined: maps, seed });
  const truth = await tempFolder(t, { 'a.png': encodeMask(halfMask(7)), 'classes.json': JSON.stringify({ classes: [{ id: 0, name: 'background' }, { id: 7, name: 'cat' }] }), 'b.png': 'damaged' });
  const { layers } = await look(root, 'a.png', truth);
  assert.deepEqual(layers.map(({ kind, classId }) => [kind, classId]), [['cam', 1], ['refined', 1], ['seed', undefined], ['truth', undefined]]);
  assert.match(layers[0].made, /class activation map \(background score 0\.26\) of cat/);
  assert.deepEqual(layers[0].thresholds, { background: 0.26 });
  assert.deepEqual([layers[0].data.length, layers[0].data[11]], [12, 255]);
  assert.deepEqual(decodeRuns(layers[2].data, 96), seed.data);
  assert.deepEqual(decodeRuns(layers[3].data, 96), halfMask(1).data);
  const b = await look(root, 'b.png', truth);
  assert.deepEqual(b.layers, []);
  assert.match(b.maskProblem ?? '', /true mask/);
});

test('a photo that a browser cannot show comes with a picture that it can; orientation counts', async t => {
  const picture = sharp(Buffer.alloc(40 * 20 * 3, 90), { raw: { width: 40, height: 20, channels: 3 } });
  const root = await tempFolder(t, {
    'a.tif': await picture.clone().tiff().toBuffer(), 'b.jpg': await picture.clone().toColourspace('cmyk').jpeg().toBuffer(), 'c.jpg': await picture.clone().withMetadata({ orientation: 6 }).jpeg().toBuffer(),
    'd.png': 'no photo',
  });
  for (const name of ['a.tif', 'b.jpg']) {
    const { preview, width } = await look(root, name);
    assert.equal(preview?.type, 'image/jpeg', name);
    assert.deepEqual([(await sharp(preview?.bytes).metadata()).width, width], [40, 40]);
  }
  const turned = await look(root, 'c.jpg');
  assert.deepEqual([turned.width, turned.height, turned.preview], [20, 40, undefined]);
  assert.equal(turned.source, sha256(await readFile(join(root, 'c.jpg'))));
  await assert.rejects(look(root, 'd.png'), { reason: 'bad-image' });
});

test('a photo of one pixel, a wide one, and one too wide for a browser', async t => {
  const sizes = { 'one.png': [1, 1], 'wide.png': [12_000, 6], 'wider.png': [20_000, 4] } as const;
  const files = await Promise.all(Object.entries(sizes).map(async ([name, [width, height]]) => [name, await photoBytes(width, height)] as const));
  const root = await tempFolder(t, Object.fromEntries(files));
  for (const [name, [width, height]] of Object.entries(sizes)) {
    await put(root, { [name.replace('.png', '.mask.png')]: encodeMask(halfMask(254, width, height)) });
    const { mask, preview, ...view } = await look(root, name);
    assert.deepEqual([view.width, view.height, mask?.problem], [width, height, undefined]);
    assert.deepEqual(decodeRuns(mask?.runs ?? new Uint8Array(), width * height), halfMask(254, width, height).data);
    assert.equal(preview !== undefined, name === 'wider.png');
  }
});

test('evidence of what was removed, with the words said on it; before and removed as layers', async t => {
  const root = await photos(t, { 'a.png': ['cat'] });
  const region: RegionRecord = {
    id: 'a.png#1@0,0,6,8', photo: 'a.png', classId: 1, box: [0, 0, 6, 8], area: 48, pixels: [0, 48],
    decision: { meanSimilarity: 0.2, histogram: Array<number>(16).fill(3), threshold: 0.5, rule: 'absolute', flippedByCrf: 0, bestTags: [] },
    prototype: { metric: 'paper-mean', selected: 1, of: 2, cut: 0.4, contributes: false, above: [], below: [] }, clusters: [], situation: 'split', background: { photos: [], nearest: [] },
    counterfactual: { alphaLower: 1, alphaHigher: 1, withoutThisPhoto: 1, otherMetric: null, thresholdLower: 1, thresholdHigher: 1 }, stable: true,
    provenance: { run: 'r', source: 's', mask: 'm', model: 'x', grid: [2, 2], settings: {}, version: '0' },
  };
  const grid = { height: 2, width: 2, first: Uint8Array.of(1, 1, 255, 255), second: Uint8Array.of(0, 1, 0, 0) };
  await writeMars(root, 'a.png', { science: sha256(''), before: encodeMask(halfMask(1)), removed: halfMask(1), similarity: grid, regions: [region] });
  await chooseClasses(root, [1], 'restored');
  const { evidence, layers } = await look(root, 'a.png');
  assert.deepEqual(layers.map(({ kind }) => kind), ['before', 'removed']);
  assert.deepEqual([evidence.length, evidence[0].choice, 'pixels' in evidence[0]], [1, 'restored', false]);

  await writeClusterGrid(root, 'a.png', grid);
  const plain = { photo: 'a.png' };
  const { thumbnails } = await reviewThumbnails({ root, longSide: 64, wanted: [plain, { ...plain, cluster: { classId: 1, cluster: 1 } }, { ...plain, cluster: { classId: 5, cluster: 0 } }] });
  const [bare, outlined, other] = await Promise.all(thumbnails.map(async jpeg => sharp(jpeg ?? Buffer.of()).raw().toBuffer()));
  assert.ok(Math.max(...outlined) > 200 && Math.max(...bare) < 160, 'the cluster is outlined');
  assert.deepEqual(other, bare);
});

test('thumbnails: in the order asked for, null for what is no photo or no picture, new when the photo is', async t => {
  const root = await tempFolder(t, { 'wide.png': await photoBytes(400, 100), 'bad.png': 'no picture' });
  const { thumbnails } = await reviewThumbnails({ root, longSide: 80, wanted: [{ photo: 'bad.png' }, { photo: 'wide.png' }, { photo: '../wide.png' }, { photo: 'gone.png' }] });
  assert.deepEqual(thumbnails.map(jpeg => jpeg !== null), [false, true, false, false]);
  const { width, height, format } = await sharp(thumbnails[1] ?? Buffer.of()).metadata();
  assert.deepEqual([width, height, format], [80, 20, 'jpeg']);
  await put(root, { 'wide.png': await photoBytes(100, 400) });
  await utimes(join(root, 'wide.png'), 1, 1);
  const [again] = (await reviewThumbnails({ root, longSide: 80, wanted: [{ photo: 'wide.png' }] })).thumbnails;
  assert.equal((await sharp(again ?? Buffer.of()).metadata()).height, 80);
});

test('tags of one photo: its line in the queue, ids that stay, and what the person named goes first', async t => {
  const root = await photos(t, { 'a.png': ['cat'], 'b.png': null });
  await queue(root);
  const { item } = await reviewTags({ root, photo: 'b.png', tags: ['zebra'] });
  assert.deepEqual([item.state, item.tags], ['missing', [2]]);
  assert.deepEqual((await reviewTags({ root, photo: 'a.png', tags: ['ant', 'cat'] })).item.tags, [3, 1]);
  assert.equal((await readClassTable(root)).idOf('zebra'), 2);
  assert.deepEqual((await queue(root)).items.map(({ tags }) => tags), [[3, 1], [2]]);
  assert.equal((await reviewTags({ root, photo: 'b.png', tags: null })).item.state, 'untagged');
  const hints = { boxes: [], points: [{ id: 1, x: 3, y: 3 }], scribbles: [] };
  await reviewTags({ root, photo: 'a.png', hints });
  assert.deepEqual((await look(root, 'a.png')).hints, hints);
  const settings = { ...SETTINGS, tagsFile: join(root, 'tags.json') };
  await assert.rejects(reviewTags({ root, settings, photo: 'a.png', tags: ['dog'] }), { reason: 'bad-tags', message: /says cat/ });
  await assert.rejects(reviewTags({ root, photo: '../a.png', tags: ['dog'] }), { reason: 'refused-path' });
});

test('a photo that came after the queue is found, one that went is said', async t => {
  const root = await photos(t, { 'a.png': ['cat'] });
  await queue(root);
  await put(root, { 'b.png': await photoBytes() });
  assert.equal((await look(root, 'b.png')).width, 12);
  await rm(join(root, 'b.png'));
  await assert.rejects(look(root, 'b.png'), { reason: 'removed' });
});

test('a process for reviews never loads ONNX Runtime; malformed requests are refused', { skip: process.platform !== 'linux' && 'reads /proc' }, async t => {
  const root = await photos(t, { 'a.png': ['cat'] });
  await makeMask(root, 'a.png', halfMask(1));
  const client = new EngineClient({ entry: join(import.meta.dirname, '../../../src/engine/main.ts'), execArgv: ['--import', 'tsx'] });
  t.after(() => client.dispose());
  const { items } = await client.request('reviewQueue', { root, settings: SETTINGS });
  const view = await client.request('reviewPhoto', { root, settings: SETTINGS, photo: 'a.png' });
  assert.ok(view.mask);
  await client.request('reviewHold', { root, photos: ['a.png'] });
  await client.request('reviewSave', { root, settings: SETTINGS, save: { photo: 'a.png', base: view.mask.hash, width: 12, height: 8, patches: [], mark: 'accepted', choices: [], overwrite: false } });
  await client.request('reviewMark', { root, settings: SETTINGS, photos: items.map(({ photo }) => photo), mark: 'auto' });
  await client.request('reviewThumbnails', { root, longSide: 32, wanted: [{ photo: 'a.png' }] });
  assert.deepEqual(await client.request('reviewClasses', { root }), { classes: [] });
  await client.request('reviewTags', { root, photo: 'a.png', tags: ['dog'] });
  assert.doesNotMatch(readFileSync(`/proc/${client.pid}/maps`, 'utf8'), /onnxruntime/);
  const wrong = { root, photos: 'a.png' } as unknown as { root: string; photos: string[] };
  await assert.rejects(client.request('reviewHold', wrong), { reason: 'bad-message' });
  await reviewHold({ root, photos: [] });
});
