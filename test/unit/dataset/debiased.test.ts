/** Where masks from elsewhere are found. */
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import { debiasedHome, homeOf, isMaskOf, maskInput, writeDebiasedRecord } from '../../../src/dataset/debiased';
import { tempFolder } from './temp';

test('in a folder: by stem or name, with the photo\'s folder or without', async t => {
  const root = await tempFolder(t, { 'a.jpg': '', 'sub/b.jpg': '', 'sam/a.png': 'm', 'sam/sub/b.png': 'm', 'sam/c.jpg.png': 'm', 'flat/b.png': 'm' });
  const sam = await maskInput(root, 'sam');
  assert.equal(await sam.find('a.jpg'), join(root, 'sam/a.png'));
  assert.equal(await sam.find('sub/b.jpg'), join(root, 'sam/sub/b.png'));
  assert.equal(await sam.find('c.jpg'), join(root, 'sam/c.jpg.png'));
  assert.equal(await sam.find('none.jpg'), undefined);
  assert.equal(await (await maskInput(root, join(root, 'flat'))).find('sub/b.jpg'), join(root, 'flat/b.png'));
});

test('by pattern: beside the photo, in a folder, absolute; a photo is never its own mask', async t => {
  const root = await tempFolder(t, { 'sub/b.png': '', 'sub/b_sam.png': 'm', 'out/sub/b.png': 'm' });
  assert.equal(await (await maskInput(root, '{stem}_sam.png')).find('sub/b.png'), join(root, 'sub/b_sam.png'));
  assert.equal(await (await maskInput(root, 'out/{stem}.png')).find('sub/b.png'), join(root, 'out/sub/b.png'));
  assert.equal(await (await maskInput(root, join(root, 'out/{stem}.png'))).find('sub/b.png'), join(root, 'out/sub/b.png'));
  assert.equal(await (await maskInput(root, '{stem}.png')).find('sub/b.png'), undefined);
  await assert.rejects(maskInput(root, 'nowhere'), /no such folder of masks/);
});

test('masks beside the photos are told from photos by their name', () => {
  assert.ok(isMaskOf('{stem}_sam.png', 'x/a_sam.png'));
  assert.ok(!isMaskOf('{stem}_sam.png', 'x/a.png'));
  assert.ok(!isMaskOf('{stem}_sam.png', '_sam.png'), 'a stem has a letter at least');
  assert.ok(!isMaskOf('masks', 'a.png'));
  assert.ok(!isMaskOf('{stem}.png', 'a.png'), 'a name that every photo might have says nothing');
});

test('what is known of debiased masks lies apart from the data set\'s own', async t => {
  const root = await tempFolder(t);
  assert.equal(await homeOf(root, '{stem}.debiased.png'), root);
  await writeDebiasedRecord(root, { masks: 'sam', outputName: '{stem}.debiased.png' });
  assert.equal(await homeOf(root, '{stem}.debiased.png'), debiasedHome(root));
  assert.equal(await homeOf(root, '{stem}.mask.png'), root);
});
