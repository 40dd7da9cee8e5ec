import assert from 'node:assert/strict';
import { appendFile, readFile, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { sha256, sha256OfFile } from '../../../src/dataset/hash';
import { decide, Manifest, type ManifestEntry } from '../../../src/dataset/manifest';
import { tempFolder } from './temp';

const MASK = Buffer.from('mask');
const MAKING = { source: sha256('photo'), tags: ['cat', 'dog'], key: 'models+parameters' };

const entry = (photo = 'a.jpg', more: Partial<ManifestEntry> = {}): ManifestEntry => ({
  photo, ...MAKING, tags: [...MAKING.tags], output: sha256(MASK), device: 'cpu', state: 'auto', time: '2026-01-01T00:00:00.000Z', run: 'r1', ...more });

test('no mask: write; ours and up to date: skip', () => {
  assert.equal(decide(undefined, undefined, MAKING), 'write');
  assert.equal(decide(entry(), undefined, MAKING), 'write');
  assert.equal(decide(entry(), MASK, MAKING), 'skip');
  assert.equal(decide(entry(), MASK, { ...MAKING, tags: ['dog', 'cat'] }), 'skip');
});

test('resume skips only exact matches: source, tags, models and parameters', () => {
  for (const change of [{ source: sha256('other') }, { tags: ['cat'] }, { tags: [] }, { key: 'another threshold' }]) assert.equal(decide(entry(), MASK, { ...MAKING, ...change }), 'write');
});

test("a person's mask is kept: edited by us, by another program, or the manifest is gone", () => {
  const stale = { ...MAKING, key: 'new models' };
  assert.equal(decide(entry('a.jpg', { state: 'edited' }), MASK, stale), 'keep');
  assert.equal(decide(entry('a.jpg', { state: 'accepted' }), MASK, stale), 'keep');
  assert.equal(decide(entry(), Buffer.from('painted elsewhere'), stale), 'keep');
  assert.equal(decide(entry('a.jpg', { state: 'rejected' }), Buffer.from('painted elsewhere'), stale), 'keep');
  assert.equal(decide(undefined, MASK, MAKING), 'keep');
});

test('a rejected mask is made anew, and an empty file is nobody\'s', () => {
  assert.equal(decide(entry('a.jpg', { state: 'rejected' }), MASK, MAKING), 'write');
  assert.equal(decide(undefined, Buffer.alloc(0), MAKING), 'write');
});

test('killed between entry and mask: what is there is still ours, and out of date', () => {
  const half = entry('a.jpg', { output: sha256('never written'), replaces: sha256(MASK) });
  assert.equal(decide(half, MASK, MAKING), 'write');
  assert.equal(decide(half, undefined, MAKING), 'write');
  assert.equal(decide(half, Buffer.from('painted elsewhere'), MAKING), 'keep');
});

test('the last line of a photo counts, also after opening again', async t => {
  const root = await tempFolder(t);
  const manifest = await Manifest.open(root);
  await Promise.all([manifest.append(entry('a.jpg', { run: '1' })), manifest.append(entry('é/日本.jpg')), manifest.append(entry('a.jpg', { run: '2' }))]);
  assert.equal(manifest.get('a.jpg')?.run, '2');
  await manifest.close();
  const again = await Manifest.read(root);
  assert.deepEqual([...again.keys()], ['a.jpg', 'é/日本.jpg']);
  assert.deepEqual(again.get('a.jpg'), entry('a.jpg', { run: '2' }));
  assert.equal((await Manifest.read(join(root, 'elsewhere'))).size, 0);
});

test('a torn last line costs that line only, and the next one is not glued to it', async t => {
  const root = await tempFolder(t);
  const file = join(root, '.seedmask/manifest.jsonl');
  const first = await Manifest.open(root);
  for (const photo of ['a.jpg', 'b.jpg', 'c.jpg']) await first.append(entry(photo));
  await first.close();
  const whole = (await readFile(file)).length;
  for (const cut of [1, 2, 40]) {
    await truncate(file, whole - cut);
    const manifest = await Manifest.open(root);
    assert.deepEqual([...manifest.all().keys()], ['a.jpg', 'b.jpg'], `${cut} bytes short`);
    await manifest.append(entry('c.jpg'));
    await manifest.close();
    assert.deepEqual([...(await Manifest.read(root)).keys()], ['a.jpg', 'b.jpg', 'c.jpg']);
  }
});

test('damaged lines in the middle are passed over', async t => {
  const root = await tempFolder(t);
  const manifest = await Manifest.open(root);
  await manifest.append(entry('a.jpg'));
  await appendFile(join(root, '.seedmask/manifest.jsonl'), 'garbage\n{"photo":"x"}\n[]\n\0\0\0\n');
  await manifest.append(entry('b.jpg'));
  await manifest.close();
  assert.deepEqual([...(await Manifest.read(root)).keys()], ['a.jpg', 'b.jpg']);
});

test('a file of many old lines is rewritten when it is opened', async t => {
  const root = await tempFolder(t, { '.seedmask/manifest.jsonl': '' });
  const file = join(root, '.seedmask/manifest.jsonl');
  await writeFile(file, Array.from({ length: 500 }, (_, i) => `${JSON.stringify(entry(`${i % 3}.jpg`, { run: String(i) }))}\n`).join(''));
  const manifest = await Manifest.open(root);
  await manifest.close();
  assert.equal((await readFile(file, 'utf8')).trim().split('\n').length, 3);
  assert.deepEqual([...manifest.all().values()].map(({ run }) => run), ['498', '499', '497']);
});

test('hash of a file', async t => {
  const root = await tempFolder(t, { a: 'photo' });
  assert.equal(await sha256OfFile(join(root, 'a')), sha256('photo'));
  await assert.rejects(sha256OfFile(join(root, 'b'), 'b'), { reason: 'removed', file: 'b' });
});
