import assert from 'node:assert/strict';
import { open, readdir, readFile, rm, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { removeLeftovers } from '../../../src/dataset/folder';
import { sha256 } from '../../../src/dataset/hash';
import { Manifest, type Making } from '../../../src/dataset/manifest';
import { encodeMask } from '../../../src/dataset/maskFile';
import { decideMask, writeMask, type MaskPlace } from '../../../src/dataset/maskStore';
import { tempFolder } from './temp';

const MADE = { device: 'cpu', run: 'r' };
const maskOf = (id: number): Uint8Array => encodeMask({ data: new Uint8Array(4).fill(id), width: 2, height: 2 });
const making = (key = 'k1', photo = 'photo'): Making => ({ source: sha256(photo), tags: ['cat'], key });

async function dataSet(t: TestContext): Promise<{ place: MaskPlace; file: string; manifest: Manifest; root: string }> {
  const root = await tempFolder(t, { 'a.jpg': 'photo' });
  const manifest = await Manifest.open(root);
  t.after(() => manifest.close());
  return { place: { root, photo: 'a.jpg', mask: 'a.mask.png' }, file: join(root, 'a.mask.png'), manifest, root };
}

test('write, skip, write again when parameters change', async t => {
  const { place, file, manifest } = await dataSet(t);
  assert.equal(await decideMask(place, manifest, making()), 'write');
  assert.equal(await writeMask(place, maskOf(1), manifest, making(), MADE), 'written');
  assert.equal(await decideMask(place, manifest, making()), 'skip');
  assert.equal(await writeMask(place, maskOf(1), manifest, making(), MADE), 'skipped');
  assert.equal(await writeMask(place, maskOf(2), manifest, making('k2'), MADE), 'written');
  assert.deepEqual(new Uint8Array(await readFile(file)), maskOf(2));
});

test('a mask that a person made or changed, even during the run, is kept byte for byte', async t => {
  const { place, file, manifest } = await dataSet(t);
  await writeFile(file, 'theirs');
  assert.equal(await writeMask(place, maskOf(1), manifest, making(), MADE), 'kept');
  await rm(file);
  await writeMask(place, maskOf(1), manifest, making(), MADE);
  assert.equal(await decideMask(place, manifest, making('k2')), 'write');
  await writeFile(file, 'painted meanwhile');
  assert.equal(await writeMask(place, maskOf(2), manifest, making('k2'), MADE), 'kept');
  assert.equal(await readFile(file, 'utf8'), 'painted meanwhile');
});

test('without its manifest every mask is a person\'s', async t => {
  const { place, file, manifest, root } = await dataSet(t);
  await writeMask(place, maskOf(1), manifest, making(), MADE);
  await rm(join(root, '.seedmask'), { recursive: true });
  const fresh = await Manifest.open(root);
  assert.equal(await writeMask(place, maskOf(2), fresh, making(), MADE), 'kept');
  assert.deepEqual(new Uint8Array(await readFile(file)), maskOf(1));
  await fresh.close();
});

test('a photo changed or deleted during the run fails, and no mask appears', async t => {
  const { place, manifest, root } = await dataSet(t);
  await writeFile(join(root, 'a.jpg'), 'another photo');
  await assert.rejects(writeMask(place, maskOf(1), manifest, making(), MADE), { reason: 'changed-during-run', file: 'a.jpg' });
  await rm(join(root, 'a.jpg'));
  await assert.rejects(writeMask(place, maskOf(1), manifest, making(), MADE), { reason: 'removed', file: 'a.jpg' });
  assert.deepEqual(await readdir(root), ['.seedmask']);
  assert.equal(manifest.all().size, 0);
});

test('a write that fails or is killed before the rename leaves the old mask, still ours', async t => {
  const { place, file, manifest } = await dataSet(t);
  await writeMask(place, maskOf(1), manifest, making(), MADE);
  const full = { open, rename: () => Promise.reject(Object.assign(new Error(), { code: 'ENOSPC' })) };
  for (let attempt = 0; attempt < 3; attempt++) {
    await assert.rejects(writeMask(place, maskOf(2), manifest, making('k2'), MADE, full), { reason: 'disk-full', file: 'a.jpg', message: /a\.mask\.png/ });
    assert.deepEqual(new Uint8Array(await readFile(file)), maskOf(1));
  }
  assert.equal(await writeMask(place, maskOf(2), manifest, making('k2'), MADE), 'written');
  assert.deepEqual(new Uint8Array(await readFile(file)), maskOf(2));
});

test('an empty file, as a power cut may leave it, is replaced', async t => {
  const { place, file, manifest } = await dataSet(t);
  await writeMask(place, maskOf(1), manifest, making(), MADE);
  await truncate(file, 0);
  assert.equal(await writeMask(place, maskOf(1), manifest, making(), MADE), 'written');
});

test('leftovers of dead processes go from all folders of photos', async t => {
  const name = '.x.seedmask-999999999-0123456789ab.tmp';
  const root = await tempFolder(t, { [name]: '', [`s/${name}`]: '', [`.seedmask/${name}`]: '', [`.seedmask/runs/1/${name}`]: '', 'a.jpg': '', 's/b.jpg': '' });
  assert.equal(await removeLeftovers(root, ['a.jpg', 's/b.jpg']), 4);
  assert.deepEqual(await readdir(join(root, 's')), ['b.jpg']);
});
