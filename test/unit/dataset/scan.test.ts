import assert from 'node:assert/strict';
import { mkdir, symlink } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { scanPhotos } from '../../../src/dataset/scan';
import { put, tempFolder } from './temp';

const options = { outputName: '{stem}.mask.png' };

test('photos of nested folders in code-unit order; masks, hidden and foreign files left out', async t => {
  const root = await tempFolder(t, {
    'b/2.JPG': '', 'b/10.jpeg': '', 'b-c/x.png': '', 'b/x.tiff': '', 'a.webp': '', 'Z.gif': '', 'ü/日本 語.avif': '', 'old.bmp': '',
    'a.mask.png': '', 'b/2.JPG.mask.png': '', 'gone.mask.png': '', 'notes.txt': '', 'tags.json': '',
    '.hidden.jpg': '', '.seedmask/layers/a.png': '', '.git/x.png': '', 'node_modules/p/y.png': '',
  });
  const { photos, notes } = await scanPhotos(root, options);
  assert.deepEqual(photos, ['Z.gif', 'a.webp', 'b-c/x.png', 'b/10.jpeg', 'b/2.JPG', 'b/x.tiff', 'old.bmp', 'ü/日本 語.avif']);
  assert.deepEqual(photos, [...photos].sort());
  assert.deepEqual(notes, []);
});

test("masks of a pattern of the user's own are no photos, but photos are", async t => {
  const root = await tempFolder(t, { 'a.jpg': '', 'a_seg.png': '', 'b_seg.png': '', 'c.png': '' });
  assert.deepEqual((await scanPhotos(root, { outputName: '{stem}_seg.png' })).photos, ['a.jpg', 'b_seg.png', 'c.png']);
  assert.deepEqual((await scanPhotos(root, { outputName: '{stem}.png' })).photos, ['a.jpg', 'a_seg.png', 'b_seg.png', 'c.png']);
});

test('true masks beside the photos are not taken for photos; a class of that name is', async t => {
  const root = await tempFolder(t, { 'images/a.jpg': '', 'masks/a.png': '', 'masks_stuff/a.png': '', 'VOC/JPEGImages/b.jpg': '', 'VOC/SegmentationClass/b.png': '', 'loose/c.jpg': '', 'loose/gt/c.png': '' });
  const { photos, notes } = await scanPhotos(root, options);
  assert.deepEqual(photos, ['VOC/JPEGImages/b.jpg', 'images/a.jpg', 'loose/c.jpg']);
  assert.deepEqual(notes.map(note => note.split(':')[0]).sort(), ['VOC/SegmentationClass', 'loose/gt', 'masks', 'masks_stuff']);
  const carnival = await tempFolder(t, { 'masks/1.jpg': '', 'hats/2.jpg': '' });
  assert.deepEqual((await scanPhotos(carnival, options)).photos, ['hats/2.jpg', 'masks/1.jpg']);
  assert.deepEqual((await scanPhotos(`${root}/masks`, options)).photos, ['a.png']);
});

test('links: inside taken, outside and loops refused by name', async t => {
  const outside = await tempFolder(t, { 'secret.jpg': '', 'dir/deep.jpg': '' });
  const root = await tempFolder(t, { 'real/a.jpg': '' });
  await symlink(join(root, 'real/a.jpg'), join(root, 'inside.jpg'));
  await symlink(join(outside, 'secret.jpg'), join(root, 'out.jpg'));
  await symlink(join(outside, 'dir'), join(root, 'outdir'));
  await symlink(root, join(root, 'real/loop'));
  await symlink(join(root, 'nowhere.jpg'), join(root, 'broken.jpg'));
  const { photos, notes } = await scanPhotos(root, options);
  assert.deepEqual(photos, ['inside.jpg', 'real/a.jpg']);
  assert.deepEqual(notes.map(note => note.split(':')[0]).sort(), ['broken.jpg', 'out.jpg', 'outdir', 'real/loop']);
});

test('a data set that is itself reached through a link', async t => {
  const root = await tempFolder(t, { 'set/a.jpg': '' });
  await symlink(join(root, 'set'), join(root, 'link'));
  assert.deepEqual((await scanPhotos(join(root, 'link'), options)).photos, ['a.jpg']);
});

test('no folder, not a folder, cancelled', async t => {
  const root = await tempFolder(t, { 'a.jpg': '', 'deep/b.jpg': '' });
  await assert.rejects(scanPhotos(join(root, 'none'), options), { reason: 'removed' });
  await assert.rejects(scanPhotos(join(root, 'a.jpg'), options), { reason: 'io' });
  await assert.rejects(scanPhotos(root, { ...options, signal: AbortSignal.abort() }), { reason: 'cancelled' });
});

test('many files: the event loop keeps turning', async t => {
  const root = await tempFolder(t);
  for (let folder = 0; folder < 4; folder++) {
    await mkdir(join(root, String(folder)));
    const names = Object.fromEntries(Array.from({ length: 1500 }, (_, i) => [`${folder}/${i}.jpg`, '']));
    await put(root, names);
  }
  let turns = 0;
  const timer = setInterval(() => turns++, 1);
  const counts: number[] = [];
  const { photos } = await scanPhotos(root, { ...options, onFound: found => counts.push(found) });
  clearInterval(timer);
  assert.equal(photos.length, 6000);
  assert.deepEqual(counts, [1500, 3000, 4500, 6000, 6000]);
  assert.ok(turns > 0);
});
