/**
 * Saving a person's strokes: what is on disk afterwards, byte for byte, and in every case that stands in the way the old mask, untouched.
 */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { chmod, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import fc from 'fast-check';
import { debiasedHome, writeDebiasedRecord } from '../../../src/dataset/debiased';
import { sha256 } from '../../../src/dataset/hash';
import { isHeld } from '../../../src/dataset/holds';
import { decide, Manifest } from '../../../src/dataset/manifest';
import { encodeMask } from '../../../src/dataset/maskFile';
import { reviewHold } from '../../../src/engine/review/corrections';
import { reviewSave } from '../../../src/engine/review/save';
import { reviewMark } from '../../../src/engine/review/words';
import { encodeRuns } from '../../../src/shared/labelRuns';
import type { LabelPatch } from '../../../src/shared/labelPatch';
import type { Saved, Save } from '../../../src/shared/review';
import { put, tempFolder } from '../../unit/dataset/temp';
import { halfMask, HEIGHT, makeMask, maskName, maskThere, paintElsewhere, photoBytes, photos, save, SETTINGS, stroke, WIDTH } from './folders';

const saving = (root: string, what: Save): Promise<Saved> => reviewSave({ root, settings: SETTINGS, save: what });
const RECT = { x: 2, y: 1, width: 6, height: 3 };

async function saved(root: string, what: Save): Promise<Extract<Saved, { outcome: 'saved' }>> {
  const answer = await saving(root, what);
  assert.equal(answer.outcome, 'saved');
  return answer as Extract<Saved, { outcome: 'saved' }>;
}

const last = async (root: string, photo: string) => (await Manifest.read(root)).get(photo);

test('strokes are written over the mask they began on, by the house\'s encoder, and the mask is the person\'s from then on', async t => {
  const root = await photos(t, { 'a.png': ['cat', 'dog'] });
  const labels = halfMask(1);
  const base = await makeMask(root, 'a.png', labels);
  const patches = [stroke(labels, RECT, 2), stroke(labels, { x: 0, y: 0, width: 1, height: 8 }, 0)];
  const { hash, item } = await saved(root, save('a.png', base, { patches }));
  const bytes = await readFile(join(root, 'a.mask.png'));
  assert.deepEqual(new Uint8Array(bytes), encodeMask(labels));
  assert.equal(hash, sha256(bytes));
  assert.equal(item.state, 'edited');
  assert.deepEqual(item.areas, [{ id: 1, share: 28 / 96 }, { id: 2, share: 18 / 96 }]);
  assert.equal(item.change, 26 / 96);
  const entry = await last(root, 'a.png');
  assert.equal(entry?.state, 'edited');
  assert.equal(entry?.origin, 'person');
  assert.equal(decide(entry, bytes, { source: sha256(''), tags: [], key: 'new' }), 'keep');
});

test('a mask that was not there begins empty', async t => {
  const root = await photos(t, { 'sub/a.png': ['cat'] });
  const labels = halfMask(0);
  const { item } = await saved(root, save('sub/a.png', null, { patches: [stroke(labels, RECT, 1)], mark: 'accepted' }));
  assert.equal(item.state, 'accepted');
  assert.deepEqual(await maskThere(root, 'sub/a.png'), labels);
});

test('the ids a person painted with are written down with the first stroke', async t => {
  const root = await photos(t, { 'a.png': ['cat', 'ant'] });
  const labels = halfMask(0);
  await saved(root, save('a.png', null, { patches: [stroke(labels, RECT, 2)] }));
  assert.deepEqual(JSON.parse(await readFile(join(root, '.seedmask/classes.json'), 'utf8')).classes, [{ id: 0, name: 'background' }, { id: 1, name: 'ant' }, { id: 2, name: 'cat' }]);
  await writeFile(join(root, '.seedmask/classes.json'), JSON.stringify({ classes: [{ id: 0, name: 'background' }, { id: 1, name: 'cat' }, { id: 2, name: 'ant' }] }));
  await assert.rejects(saved(root, save('a.png', sha256(encodeMask(labels)), { patches: [stroke(labels, RECT, 1)] })), { reason: 'changed-during-run' });
});

test('accepting nothing makes an empty mask, accepted', async t => {
  const root = await photos(t, { 'a.png': ['cat'] });
  const { item } = await saved(root, save('a.png', null, { mark: 'accepted' }));
  assert.equal(item.state, 'empty-accepted');
  assert.deepEqual(await maskThere(root, 'a.png'), halfMask(0));
  await assert.rejects(saving(await photos(t, { 'a.png': ['cat'] }), save('a.png', null, { mark: 'rejected' })), { reason: 'removed' });
});

test('a word alone changes no byte, and a word taken back leaves what was', async t => {
  const root = await photos(t, { 'a.png': ['cat'] });
  const base = await makeMask(root, 'a.png', halfMask(1));
  for (const [mark, state] of [['accepted', 'accepted'], ['rejected', 'rejected'], ['auto', 'auto']] as const) {
    assert.equal((await saved(root, save('a.png', base, { mark }))).item.state, state);
    assert.equal(sha256(await readFile(join(root, 'a.mask.png'))), base);
  }
  const entry = await last(root, 'a.png');
  assert.equal(entry?.key, 'k');
  assert.equal(entry?.origin, undefined);
});

test('taking a word back makes nobody\'s mask the engine\'s: one of another program, one that a person painted', async t => {
  const root = await photos(t, { 'a.png': ['cat'], 'b.png': ['cat'] });
  const theirs = await paintElsewhere(root, 'a.png', halfMask(1));
  const labels = halfMask(1);
  const base = await makeMask(root, 'b.png', labels);
  const { hash } = await saved(root, save('b.png', base, { patches: [stroke(labels, RECT, 0)] }));
  for (const [photo, found, state] of [['a.png', theirs, 'auto'], ['b.png', hash, 'edited']] as const) {
    await saved(root, save(photo, found, { mark: 'accepted' }));
    assert.equal((await saved(root, save(photo, found, { mark: 'auto' }))).item.state, state);
    assert.equal(decide(await last(root, photo), await readFile(join(root, maskName(photo))), { source: sha256(''), tags: [], key: 'new' }), 'keep', photo);
  }
});

test('the file on disk is another one: a conflict, nothing written; and "mine" is exactly what the person painted', async t => {
  const root = await photos(t, { 'a.png': ['cat'] });
  const labels = halfMask(1);
  const base = await makeMask(root, 'a.png', labels);
  await reviewHold({ root, settings: SETTINGS, photos: ['a.png'] });
  const patches = [stroke(labels, RECT, 2)];
  const theirs = await paintElsewhere(root, 'a.png', halfMask(9));
  assert.deepEqual(await saving(root, save('a.png', base, { patches })), { outcome: 'conflict', found: theirs });
  assert.equal(sha256(await readFile(join(root, 'a.mask.png'))), theirs);
  assert.deepEqual(await saving(root, save('a.png', base, { mark: 'accepted' })), { outcome: 'conflict', found: theirs });
  await saved(root, save('a.png', base, { patches, overwrite: true }));
  assert.deepEqual(await maskThere(root, 'a.png'), labels);
});

test('"mine" without the mask it began on: the strokes, over what is there', async t => {
  const root = await photos(t, { 'a.png': ['cat'] });
  const labels = halfMask(1);
  const base = await makeMask(root, 'a.png', labels);
  const patches = [stroke(labels, RECT, 1)];
  await paintElsewhere(root, 'a.png', halfMask(9));
  await saved(root, save('a.png', base, { patches, overwrite: true }));
  const expected = halfMask(9);
  // Only what the stroke changed: the left half had the label already.
  for (let y = 1; y < 4; y++) for (let x = 6; x < 8; x++) expected.data[y * WIDTH + x] = 1;
  assert.deepEqual(await maskThere(root, 'a.png'), expected);
  await rm(join(root, 'a.mask.png'));
  assert.deepEqual(await saving(root, save('a.png', base, { patches })), { outcome: 'conflict', found: null });
});

test('a save that was written before its answer was lost is no conflict', async t => {
  const root = await photos(t, { 'a.png': ['cat'] });
  const labels = halfMask(1);
  const base = await makeMask(root, 'a.png', labels);
  await reviewHold({ root, settings: SETTINGS, photos: ['a.png'] });
  const what = save('a.png', base, { patches: [stroke(labels, RECT, 2)] });
  await paintElsewhere(root, 'a.png', labels);
  const { item } = await saved(root, what);
  assert.equal(item.state, 'edited');
  assert.equal((await last(root, 'a.png'))?.origin, 'person');
});

test('random strokes, saved in random portions, leave what was painted', async t => {
  const root = await photos(t, { 'a.png': ['cat'] });
  const strokes = fc.array(fc.record({ x: fc.nat(WIDTH - 1), y: fc.nat(HEIGHT - 1), w: fc.nat(5), h: fc.nat(5), label: fc.nat(255) }), { minLength: 1, maxLength: 6 });
  await fc.assert(fc.asyncProperty(fc.array(strokes, { minLength: 1, maxLength: 3 }), async portions => {
    await rm(join(root, 'a.mask.png'), { force: true });
    const labels = halfMask(0);
    let base: string | null = null;
    for (const portion of portions) {
      const patches = portion.map(({ x, y, w, h, label }) => stroke(labels, { x, y, width: Math.min(w + 1, WIDTH - x), height: Math.min(h + 1, HEIGHT - y) }, label));
      base = (await saved(root, save('a.png', base, { patches }))).hash;
    }
    assert.deepEqual(await maskThere(root, 'a.png'), labels);
  }), { numRuns: 15 });
});

test('strokes that do not fit are refused whole: outside, too large, torn, made on another mask', async t => {
  const root = await photos(t, { 'a.png': ['cat'] });
  const base = await makeMask(root, 'a.png', halfMask(1));
  const runs = (length: number, label = 0): Uint8Array => encodeRuns(new Uint8Array(length).fill(label));
  const good = stroke(halfMask(1), RECT, 2);
  const wrong: LabelPatch[] = [
    { ...good, x: 8 },
    { ...good, y: 99_000 },
    { x: 0, y: 0, width: 100_000, height: 100_000, before: runs(18), after: runs(18) },
    { ...good, after: good.after.slice(0, -1) },
    { ...good, after: runs(19) },
    { ...good, before: runs(18, 7) },
  ];
  for (const patch of wrong) await assert.rejects(saving(root, save('a.png', base, { patches: [good, patch].slice(patch.before === good.before ? 1 : 0) })), { reason: 'bad-message' });
  assert.equal(sha256(await readFile(join(root, 'a.mask.png'))), base);
  assert.equal((await last(root, 'a.png'))?.state, 'auto');
});

test('a mask of another size cannot be edited, nor one that is damaged; a photo of another size is said', async t => {
  const root = await photos(t, { 'a.png': ['cat'], 'b.png': ['cat'] });
  const small = await makeMask(root, 'a.png', halfMask(1, 6, 4));
  const patches = [stroke(halfMask(1), RECT, 2)];
  await assert.rejects(saving(root, save('a.png', small, { patches })), { reason: 'bad-mask' });
  await assert.rejects(saving(root, save('a.png', small, { patches, width: 6, height: 4 })), { reason: 'changed-during-run' });
  assert.equal((await saved(root, save('a.png', small, { width: 6, height: 4, mark: 'accepted' }))).item.state, 'accepted');

  const damaged = encodeMask(halfMask(1)).slice(0, 840);
  await put(root, { 'b.mask.png': damaged });
  await assert.rejects(saving(root, save('b.png', sha256(damaged), { patches })), { reason: 'bad-mask' });
  await assert.rejects(saving(root, save('b.png', sha256(damaged), { mark: 'accepted' })), { reason: 'bad-mask' });
  assert.equal((await saved(root, save('b.png', sha256(damaged), { mark: 'rejected' }))).item.state, 'rejected');
  assert.deepEqual(new Uint8Array(await readFile(join(root, 'b.mask.png'))), damaged);
  await assert.rejects(saving(root, save('b.png', null, { width: 100_000, height: 100_000, patches })), { reason: 'too-large' });
});

test('the photo was replaced: of its size, the strokes are saved; of another, they are not', async t => {
  const root = await photos(t, { 'a.png': ['cat'] });
  const labels = halfMask(1);
  const base = await makeMask(root, 'a.png', labels);
  await put(root, { 'a.png': await photoBytes(WIDTH, HEIGHT, '#ffffff') });
  const { hash } = await saved(root, save('a.png', base, { patches: [stroke(labels, RECT, 2)] }));
  assert.equal((await last(root, 'a.png'))?.source, sha256(await readFile(join(root, 'a.png'))));
  await put(root, { 'a.png': await photoBytes(20, 20) });
  await assert.rejects(saving(root, save('a.png', hash, { patches: [stroke(labels, RECT, 3)] })), { reason: 'changed-during-run' });
  await rm(join(root, 'a.png'));
  await assert.rejects(saving(root, save('a.png', hash, { patches: [stroke(labels, RECT, 3)] })), { reason: 'removed' });
  assert.equal(sha256(await readFile(join(root, 'a.mask.png'))), hash);
});

test('a 1 x 1 photo, and one of 12,000 pixels in width', async t => {
  for (const [width, height] of [[1, 1], [12_000, 6]]) {
    const root = await tempFolder(t, { 'a.png': await photoBytes(width, height), 'tags.json': '{"a.png": ["cat"]}' });
    const labels = { data: new Uint8Array(width * height), width, height };
    const patches = [stroke(labels, { x: width - 1, y: height - 1, width: 1, height: 1 }, 254)];
    const { item } = await saved(root, save('a.png', null, { width, height, patches }));
    assert.deepEqual(await maskThere(root, 'a.png'), labels);
    assert.deepEqual(item.areas, [{ id: 254, share: 1 / (width * height) }]);
  }
});

test('a read-only folder: its error, and the old mask', { skip: process.platform === 'win32' && 'no POSIX modes' }, async t => {
  const root = await photos(t, { 'sub/a.png': ['cat'] });
  const labels = halfMask(1);
  const base = await makeMask(root, 'sub/a.png', labels);
  await chmod(root, 0o777);
  await chmod(join(root, '.seedmask'), 0o777);
  await chmod(join(root, '.seedmask/manifest.jsonl'), 0o666);
  await chmod(join(root, 'sub'), 0o555);
  const isRoot = process.geteuid?.() === 0;
  if (isRoot) process.seteuid?.(65534);
  try {
    await assert.rejects(saving(root, save('sub/a.png', base, { patches: [stroke(labels, RECT, 2)] })), { reason: 'not-writable', message: /sub\/a\.mask\.png/ });
  } finally {
    if (isRoot) process.seteuid?.(0);
    await chmod(join(root, 'sub'), 0o777);
  }
  assert.equal(sha256(await readFile(join(root, 'sub/a.mask.png'))), base);
  assert.equal((await last(root, 'sub/a.png'))?.state, 'auto');
});

test('marks of many: those without a mask stay, the others have their word; an id that is none stops all', async t => {
  const root = await photos(t, { 'a.png': ['cat'], 'b.png': ['cat'], 'c.png': null });
  await makeMask(root, 'a.png', halfMask(1));
  await paintElsewhere(root, 'b.png', halfMask(0));
  const { items } = await reviewMark({ root, settings: SETTINGS, photos: ['a.png', 'b.png', 'c.png'], mark: 'accepted' });
  assert.deepEqual(items.map(({ state }) => state), ['accepted', 'empty-accepted', 'untagged']);
  await assert.rejects(reviewMark({ root, settings: SETTINGS, photos: ['a.png', '../b.png'], mark: 'rejected' }), { reason: 'refused-path' });
  assert.equal((await last(root, 'a.png'))?.state, 'accepted');
});

test('a damaged mask is not accepted with the others, which are; it can be rejected', async t => {
  const root = await photos(t, { 'a.png': ['cat'], 'b.png': ['cat'] });
  await paintElsewhere(root, 'b.png', halfMask(1));
  await put(root, { 'a.mask.png': 'damaged' });
  const mark = (word: 'accepted' | 'rejected') => reviewMark({ root, settings: SETTINGS, photos: ['a.png', 'b.png'], mark: word });
  await assert.rejects(mark('accepted'), { reason: 'bad-mask', file: 'a.png' });
  assert.deepEqual([(await last(root, 'a.png'))?.state, (await last(root, 'b.png'))?.state], [undefined, 'accepted']);
  assert.deepEqual((await mark('rejected')).items.map(({ state }) => state), ['rejected', 'rejected']);
});

test('photos that a message has no business with are refused: hostile names, masks, links out of the folder', async t => {
  const root = await photos(t, { 'a.png': ['cat'] });
  const outside = await tempFolder(t, { 'secret.png': await photoBytes() });
  await makeMask(root, 'a.png', halfMask(1));
  await symlink(join(outside, 'secret.png'), join(root, 'link.png'));
  const names = ['', '../secret.png', `${outside}/secret.png`, 'a.mask.png', 'a.png/', './a.png', 'sub/../a.png', 'a\\b.png', 'C:a.png', 'a.png\0', '%2e%2e/a.png', 'link.png', 'nothing.png', 'tags.json', '__proto__', 'x'.repeat(5000)];
  for (const name of names) {
    await assert.rejects(saving(root, save(name, null, { mark: 'accepted' })), { reason: 'refused-path' }, name);
    await assert.rejects(reviewHold({ root, settings: SETTINGS, photos: [name] }), { reason: 'refused-path' }, name);
  }
});

test('a photo that went does not cost the others their hold', async t => {
  const root = await photos(t, { 'a.png': ['cat'], 'b.png': ['cat'] });
  await assert.rejects(reviewHold({ root, settings: SETTINGS, photos: ['gone.png', 'b.png'] }), { reason: 'refused-path' });
  assert.deepEqual([await isHeld(root, 'a.png'), await isHeld(root, 'b.png')], [false, true]);
  await reviewHold({ root, photos: [] });
  assert.equal(await isHeld(root, 'b.png'), false);
});

test('debiased masks from elsewhere have a home of their own: words on them touch nothing of the data set\'s own', async t => {
  const root = await photos(t, { 'a.png': ['cat'] });
  await makeMask(root, 'a.png', halfMask(1));
  await writeDebiasedRecord(root, { masks: 'sam', outputName: '{stem}.debiased.png' });
  const bytes = encodeMask(halfMask(2));
  await put(root, { 'a.debiased.png': bytes });
  const settings = { ...SETTINGS, outputName: '{stem}.debiased.png' };
  const { items } = await reviewMark({ root, settings, photos: ['a.png'], mark: 'accepted' });
  assert.deepEqual([items[0].mask, items[0].state], ['a.debiased.png', 'accepted']);
  assert.equal((await Manifest.read(debiasedHome(root))).get('a.png')?.output, sha256(bytes));
  assert.equal((await last(root, 'a.png'))?.state, 'auto');
});

test('a full disk: its error, the old mask, and saved once there is room', async t => {
  const disk = await mkdtemp(join(tmpdir(), 'seedmask-test-'));
  const mounted = process.platform === 'linux' && spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=1m', 'seedmask-test', disk]).status === 0;
  t.after(async () => {
    if (mounted) spawnSync('umount', [disk]);
    await rm(disk, { recursive: true, force: true });
  });
  if (!mounted) return t.skip('a small disk cannot be mounted here');
  const root = join(disk, 'set');
  await put(root, { 'a.png': await photoBytes(), 'tags.json': '{"a.png": ["cat"]}' });
  const labels = halfMask(1);
  const base = await makeMask(root, 'a.png', labels);
  const patches = [stroke(labels, RECT, 2)];
  const filler = join(disk, 'filler');
  for (let size = 2 ** 20; size > 0; size >>= 1) await writeFile(filler, Buffer.alloc(size), { flag: 'a' }).catch(() => undefined);
  await assert.rejects(saving(root, save('a.png', base, { patches })), { reason: 'disk-full' });
  assert.equal(sha256(await readFile(join(root, 'a.mask.png'))), base);
  assert.equal((await last(root, 'a.png'))?.state, 'auto');
  await rm(filler);
  await saved(root, save('a.png', base, { patches }));
  assert.deepEqual(await maskThere(root, 'a.png'), labels);
});
