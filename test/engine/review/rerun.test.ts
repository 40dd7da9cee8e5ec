/** A run and a review of one data set: hints and tags change the next mask, words and unsaved strokes keep masks, and the queue knows what the run found. */
import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { hostname, tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test, type TestContext } from 'node:test';
import { setHolds } from '../../../src/dataset/holds';
import { reviewTags } from '../../../src/engine/review/corrections';
import { plan } from '../../../src/engine/jobs/plan';
import { reviewPhoto } from '../../../src/engine/review/photo';
import { reviewQueue } from '../../../src/engine/review/queue';
import { reviewSave } from '../../../src/engine/review/save';
import { reviewMark } from '../../../src/engine/review/words';
import type { Hints, QueueItem } from '../../../src/shared/review';
import { colourFolder, counts, engine, idsIn, labels, request, run, saveColours } from '../jobs/folders';
import { SETTINGS, stroke } from './folders';

let models: string;
let colours: string;
before(async () => {
  models = await mkdtemp(join(tmpdir(), 'seedmask-test-'));
  colours = await saveColours(models);
});
after(() => rm(models, { recursive: true, force: true }));

const NONE: Hints = { boxes: [], points: [], scribbles: [] };

async function made(t: TestContext): Promise<string> {
  const root = await colourFolder(t);
  assert.deepEqual(counts((await run(root, colours)).summary), ['done', 6, 0, 0, 0]);
  return root;
}

const itemOf = async (root: string, photo: string): Promise<QueueItem | undefined> => (await reviewQueue({ root, settings: SETTINGS })).items.find(item => item.photo === photo);

test('the queue knows what the run found out, without opening a mask', async t => {
  const root = await made(t);
  const { items } = await reviewQueue({ root, settings: SETTINGS });
  for (const { photo, state, areas, uncertainty } of items) {
    assert.equal(state, 'auto');
    assert.deepEqual(areas?.map(({ id }) => id), (await idsIn(root, photo.replace(/\.\w+$/, '.mask.png'))).filter(id => id > 0 && id < 255), photo);
    assert.ok(uncertainty.entropy !== null && uncertainty.ignore !== null, photo);
  }
  const { layers } = await reviewPhoto({ root, settings: SETTINGS, photo: 'both.png' });
  assert.deepEqual([...new Set(layers.map(({ kind }) => kind))].slice(0, 3), ['cam', 'refined', 'seed']);
  assert.match(layers[0].made, /by Colours, run of \d{4}-\d\d-\d\d/);
});

test('hints change the mask of their photo alone, once; taken back, it is what it was', async t => {
  const root = await made(t);
  const file = join(root, 'both.mask.png');
  const plain = await readFile(file);
  const { width, height } = await labels(root, 'both.mask.png');
  const [red] = (await itemOf(root, 'both.png'))?.tags ?? [];
  const hints: Hints = { ...NONE, boxes: [{ id: red, box: [0, 0, 3, 3] }], points: [{ id: 0, x: width - 1, y: height - 1 }] };
  await reviewTags({ root, settings: SETTINGS, photo: 'both.png', hints });
  assert.deepEqual(counts((await run(root, colours)).summary), ['done', 1, 0, 5, 0]);
  const mask = await labels(root, 'both.mask.png');
  mask.data.forEach((label, i) => assert.ok(label !== red || (i % width < 3 && i / width < 3)));
  assert.ok((await itemOf(root, 'both.png'))?.change);
  assert.deepEqual(counts((await run(root, colours)).summary), ['done', 0, 0, 6, 0]);
  await reviewTags({ root, settings: SETTINGS, photo: 'both.png', hints: NONE });
  assert.deepEqual(counts((await run(root, colours, { photos: ['both.png'] })).summary), ['done', 1, 0, 0, 0]);
  assert.deepEqual(await readFile(file), plain);
});

test('other tags make another mask, and the plan names the review as a source', async t => {
  const root = await made(t);
  await reviewTags({ root, settings: SETTINGS, photo: 'both.png', tags: ['blue'] });
  const { tagSource, notes } = await plan(request(root, colours), { emit: () => undefined, signal: new AbortController().signal }, engine);
  assert.equal(tagSource, 'your review (1 photo), tags.json');
  assert.deepEqual(notes, []);
  await run(root, colours, { photos: ['both.png'] });
  const [blue] = (await itemOf(root, 'both.png'))?.tags ?? [];
  assert.deepEqual((await idsIn(root, 'both.mask.png')).filter(id => id !== 0), [blue]);
});

test('what a person accepted, edited or has open stays through a run of other parameters; what was rejected is made anew', async t => {
  const root = await made(t);
  const mark = (photo: string, word: 'accepted' | 'rejected') => reviewMark({ root, settings: SETTINGS, photos: [photo], mark: word });
  await mark('red1.png', 'accepted');
  await mark('red2.jpg', 'rejected');
  const { mask } = await reviewPhoto({ root, settings: SETTINGS, photo: 'blue1.png' });
  const edited = await labels(root, 'blue1.mask.png');
  const { width, height } = edited;
  const patches = [stroke(edited, { x: 0, y: 0, width: 5, height: 5 }, 1)];
  await reviewSave({ root, settings: SETTINGS, save: { photo: 'blue1.png', base: mask?.hash ?? null, width, height, patches, choices: [], overwrite: false } });
  await setHolds(root, ['blue2.jpg'], async () => undefined, { pid: process.pid, host: hostname() });
  const names = ['red1.mask.png', 'blue1.mask.png', 'blue2.mask.png'];
  const before = await Promise.all(names.map(name => readFile(join(root, name))));
  const { summary, events } = await run(root, colours, { settings: { crf: 'off' } });
  assert.deepEqual(counts(summary), ['done', 3, 3, 0, 0]);
  assert.deepEqual(await Promise.all(names.map(name => readFile(join(root, name)))), before);
  assert.deepEqual(events.flatMap(event => (event.type === 'photo' && event.message !== undefined ? [[event.photo, event.state, event.message]] : [])), [['blue2.jpg', 'kept', 'it is open in a review with unsaved strokes']]);
  const { items } = await reviewQueue({ root, settings: SETTINGS });
  assert.deepEqual(Object.fromEntries(items.map(({ photo, state }) => [photo, state])), { 'blue1.png': 'edited', 'blue2.jpg': 'auto', 'both.png': 'auto', 'none.png': 'auto', 'red1.png': 'accepted', 'red2.jpg': 'auto' });
});
