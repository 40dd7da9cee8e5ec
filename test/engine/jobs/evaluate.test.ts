/** Scores of masks against true ones: exact numbers, ids by name, what is missing, and every stage. */
import assert from 'node:assert/strict';
import { test, type TestContext } from 'node:test';
import { join } from 'node:path';
import { encodeMask } from '../../../src/dataset/maskFile';
import { writeLayers } from '../../../src/dataset/layers';
import { evaluate } from '../../../src/engine/jobs/evaluate';
import { SeedMaskError } from '../../../src/shared/errors';
import type { EngineEvent, Params, Result } from '../../../src/shared/protocol';
import { DEFAULT_SETTINGS } from '../../../src/shared/settings';
import { tempFolder } from '../../unit/dataset/temp';

const mask = (width: number, ...data: number[]): Uint8Array => encodeMask({ data: Uint8Array.from(data), width, height: data.length / width });

const table = (...names: string[]): string => JSON.stringify({ classes: ['background', ...names].map((name, id) => ({ id, name })) });

/** Photos need not be pictures here: only their masks are read. */
const PHOTOS = { 'photos/a.jpg': '', 'photos/b.jpg': '', 'photos/.seedmask/classes.json': table('cat', 'dog') };

async function scored(t: TestContext, files: Record<string, string | Uint8Array>, more: Partial<Params<'evaluate'>> = {}, events: EngineEvent[] = []): Promise<Result<'evaluate'>> {
  const root = await tempFolder(t, files);
  const absolute = more.predictions === undefined ? {} : { predictions: join(root, more.predictions) };
  const params = { root: join(root, 'photos'), settings: DEFAULT_SETTINGS, ...more, ...absolute, truth: join(root, more.truth ?? 'truth') };
  return evaluate(params, { emit: event => events.push(event), signal: new AbortController().signal });
}

const close = (actual: number | null | undefined, expected: number): void => assert.ok(Math.abs((actual ?? NaN) - expected) < 1e-9, `${actual}, expected ${expected}`);

test('known masks, known numbers', async t => {
  const events: EngineEvent[] = [];
  const { scores, notes } = await scored(t, {
    ...PHOTOS,
    'photos/a.mask.png': mask(4, 0, 0, 1, 1, 0, 0, 1, 1),
    'truth/a.png': mask(4, 0, 1, 1, 1, 0, 1, 1, 255),
    'photos/b.mask.png': mask(2, 2, 2, 0, 0),
    'truth/b.png': mask(2, 2, 0, 0, 0),
  }, {}, events);
  assert.deepEqual(notes, []);
  const [{ stage, photos, miou, fp, fn, classes }, ...others] = scores;
  assert.deepEqual([stage, photos, others], ['mask', 2, []]);
  // background: both 2 + 2, true 2 + 3, predicted 4 + 2; cat: both 3 of 5 true, 3 predicted; dog: both 1 of 1 true, 2 predicted
  const ious = [4 / 7, 3 / 5, 1 / 2];
  classes.forEach(({ iou }, id) => close(iou, ious[id]));
  assert.deepEqual(classes.map(({ id, name }) => [id, name]), [[0, 'background'], [1, 'cat'], [2, 'dog']]);
  close(miou, (100 * (4 / 7 + 3 / 5 + 1 / 2)) / 3);
  close(fp, (0 + 1 / 2) / 2);
  close(fn, (2 / 5 + 0) / 2);
  const progress = events.filter(event => event.type === 'progress');
  assert.deepEqual([progress[0].stage, progress[0].done, progress.at(-1)?.done, progress.at(-1)?.total], ['evaluate', 0, 2, 2]);
});

test('a photo without a mask counts as background, and is told of; one without truth is left out', async t => {
  const { scores: [{ photos, classes }], notes } = await scored(t, {
    ...PHOTOS,
    'photos/c.jpg': '',
    'photos/a.mask.png': mask(2, 1, 1),
    'truth/a.png': mask(2, 1, 1),
    'truth/b.png': mask(2, 1, 0),
    'photos/c.mask.png': mask(2, 2, 2),
  });
  assert.equal(photos, 2);
  close(classes[1].iou, 2 / 3);
  close(classes[0].iou, 1 / 2);
  assert.equal(classes[2].iou, null);
  assert.deepEqual(notes, ['1 photo without a mask: counted as background', '1 photo without a true mask: left out']);
});

test('truth with ids of its own is matched by name; what it has no class for is wrong, not another class', async t => {
  const { scores: [{ classes, photos }], notes } = await scored(t, {
    ...PHOTOS,
    'truth/classes.json': table('dog', 'cat'),
    'photos/a.mask.png': mask(4, 1, 1, 2, 0),
    'truth/a.png': mask(4, 2, 2, 1, 0),
    'photos/.seedmask/classes.json': table('cat', 'dog', 'owl'),
    'photos/b.mask.png': mask(2, 3, 0),
    'truth/b.png': mask(2, 1, 0),
  });
  assert.deepEqual([photos, notes], [2, []]);
  assert.deepEqual(classes.map(({ name }) => name), ['background', 'dog', 'cat']);
  close(classes[0].iou, 1);
  close(classes[1].iou, 1 / 2);
  close(classes[2].iou, 1);
});

test('the truth may lie one folder below its table, in folders as the photos do, or flat', async t => {
  const { scores: [{ classes, photos }] } = await scored(t, {
    'photos/one/a.jpg': '', 'photos/two/b.jpg': '',
    'photos/.seedmask/classes.json': table('cat'),
    'classes.json': table('dog', 'cat'),
    'photos/one/a.mask.png': mask(2, 1, 0), 'photos/two/b.mask.png': mask(2, 1, 0),
    'truth/one/a.png': mask(2, 2, 0), 'truth/b.png': mask(2, 2, 0),
  });
  assert.equal(photos, 2);
  close(classes[2].iou, 1);
});

test("somebody's predictions, with the truth's ids, in folders or flat", async t => {
  const { scores: [{ classes, photos }] } = await scored(t, {
    'photos/one/a.jpg': '', 'photos/b.jpg': '', 'photos/one/a.mask.png': mask(2, 2, 2),
    'photos/.seedmask/classes.json': table('dog', 'cat'),
    'truth/classes.json': table('cat'),
    'truth/one/a.png': mask(2, 1, 0), 'truth/b.png': mask(2, 1, 0),
    'guesses/a.png': mask(2, 1, 1), 'guesses/b.png': mask(2, 1, 0),
  }, { predictions: 'guesses' });
  assert.equal(photos, 2);
  close(classes[1].iou, 2 / 3);
});

test('masks to compare with that lie among the photos are no photos, whatever their folder is called', async t => {
  const good = mask(2, 1, 0);
  const { scores: [{ photos, miou }], notes } = await scored(t, {
    'photos/a.jpg': '', 'photos/.seedmask/classes.json': table('cat'), 'photos/mine/a.png': good, 'photos/guess/a.png': good,
  }, { truth: 'photos/mine', predictions: 'photos/guess' });
  assert.deepEqual([photos, miou, notes], [1, 100, []]);
});

test('without a table anywhere, ids are what they are', async t => {
  const { scores: [{ classes, miou }] } = await scored(t, { 'photos/a.jpg': '', 'photos/a.mask.png': mask(2, 17, 0), 'truth/a.png': mask(2, 17, 254) });
  assert.deepEqual(classes.map(({ name }) => name), ['background', 'class 17', 'class 254']);
  close(miou, 100 / 3);
});

test('damaged masks, masks of another size and ids beyond the table are told of and left out', async t => {
  const photos = Object.fromEntries(['c', 'd', 'e', 'f'].map(name => [`photos/${name}.jpg`, '']));
  const good = mask(2, 1, 0);
  const { scores: [{ photos: measured, miou }], unscored, notes } = await scored(t, {
    ...PHOTOS, ...photos,
    'photos/a.mask.png': good, 'truth/a.png': good,
    'photos/b.mask.png': mask(2, 1, 0, 0, 0), 'truth/b.png': good,
    'photos/c.mask.png': good, 'truth/c.png': good.subarray(0, 60),
    'photos/d.mask.png': mask(2, 0, 9), 'truth/d.png': good,
    'photos/e.mask.png': 'mine', 'truth/e.png': good,
    'photos/f.mask.png/notes.txt': '', 'truth/f.png': good,
  });
  assert.deepEqual([measured, miou], [1, 100]);
  assert.deepEqual(notes.map(note => note.slice(0, 6)), ['b.jpg:', 'c.jpg:', 'd.jpg:', 'e.jpg:', 'f.jpg:']);
  assert.equal(unscored, 5);
  assert.match(notes[0], /: the mask is 2 x 2, the true mask 2 x 1$/);
  assert.match(notes[2], /: the mask holds the id 9/);
  assert.match(notes[4], /f\.mask\.png cannot be read \(EISDIR\)/);
});

test('nothing to compare is an error that says why', async t => {
  const because = (words: RegExp) => (error: unknown): boolean => error instanceof SeedMaskError && error.reason === 'no-photos' && words.test(error.message);
  await assert.rejects(scored(t, { ...PHOTOS, 'truth/z.png': mask(1, 0) }), because(/matched by name/));
  await assert.rejects(scored(t, { ...PHOTOS, 'truth/a.png': mask(1, 0) }), because(/both a mask and a true mask/), 'true masks, but none of ours');
  await assert.rejects(scored(t, { ...PHOTOS, 'truth/a.png': mask(1, 0), 'photos/a.mask.png': mask(2, 0, 0) }), because(/2 x 1, the true mask 1 x 1/));
});

test('stages: each of the layers at its own background score, missing ones as empty', async t => {
  const files = {
    ...PHOTOS,
    'photos/a.mask.png': mask(4, 0, 1, 1, 0), 'truth/a.png': mask(4, 0, 1, 1, 0),
    'photos/b.mask.png': mask(4, 1, 1, 0, 0), 'truth/b.png': mask(4, 1, 1, 0, 0),
  };
  const root = await tempFolder(t, files);
  const maps = (...data: number[]) => ({ data: Float32Array.from(data), channels: 1, height: 1, width: 4 });
  await writeLayers(join(root, 'photos'), 'a.jpg', {
    info: { thresholds: { cam: 0.5, refined: 0.2 }, model: 'm', classes: [{ id: 1, name: 'cat' }] },
    cams: maps(0.4, 0.9, 0.4, 0.1),
    refined: maps(0.4, 0.9, 0.4, 0.1),
    seed: { data: Uint8Array.of(0, 1, 255, 0), width: 4, height: 1 },
  });
  const params = { root: join(root, 'photos'), settings: DEFAULT_SETTINGS, truth: join(root, 'truth'), stages: true };
  const { scores, notes } = await evaluate(params, { emit: () => undefined, signal: new AbortController().signal });
  assert.deepEqual(scores.map(({ stage, photos }) => [stage, photos]), [['CAM', 2], ['refined (SCG, PAMR)', 2], ['mask', 2]]);
  // a: the CAM finds 1 of 2, refined 2 and one too many; b, without layers: 0 of 2.
  [1 / 4, 2 / 5, 1].forEach((iou, i) => close(scores[i].classes[1].iou, iou));
  assert.deepEqual(notes, ['b.jpg: its layers are not there; its CAM and refined maps count as empty']);
});

test('a cancel ends it', async t => {
  const root = await tempFolder(t, { ...PHOTOS, 'truth/a.png': mask(1, 0) });
  const params = { root: join(root, 'photos'), settings: DEFAULT_SETTINGS, truth: join(root, 'truth') };
  const cancel = new AbortController();
  await assert.rejects(evaluate(params, { emit: () => cancel.abort(), signal: cancel.signal }), { name: 'AbortError' });
});
