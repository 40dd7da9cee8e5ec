/** Words on removed regions: what was sent, what has been said since, and what the mask shows. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { SeedMaskError } from '../../../src/shared/errors';
import type { Choice } from '../../../src/shared/evidence';
import type { OpenLayer, OpenPhoto } from '../../../src/webview/page';
import { choicesOf, choose, saidOn } from '../../../src/webview/choices';
import { restoreRegion } from '../../../src/webview/tools/regionCommands';
import { evidence } from './samples';
import { fakePage, type FakePage } from './toolSamples';

const WIDTH = 8;
const REGION = { ...evidence(), box: [2, 1, 3, 2] as [number, number, number, number], area: 6 };

/** A mask of 8 x 6 of which a part of class 1 was removed. */
function reviewed(choice: Choice | null): { page: FakePage; photo: OpenPhoto; word(): Choice | null | undefined } {
  const labels = { data: new Uint8Array(WIDTH * 6), width: WIDTH, height: 6 };
  const removed = { data: new Uint8Array(WIDTH * 6), width: WIDTH, height: 6 };
  for (let y = 1; y < 3; y++) removed.data.fill(1, y * WIDTH + 2, y * WIDTH + 5);
  const layers: OpenLayer[] = [
    { key: 'mask', kind: 'mask', labels, made: '' },
    { key: 'removed', kind: 'removed', labels: removed, made: '' },
  ];
  const page = fakePage(labels, { layers, evidence: [{ ...REGION, choice }] });
  const photo = page.photo.value;
  assert.ok(photo);
  return { page, photo, word: () => choicesOf(photo, saidOn(photo.view).value).get(REGION.id) };
}

test('what came with the photo holds, until something else is said', async () => {
  const { page, photo, word } = reviewed('accepted');
  assert.equal(word(), 'accepted');
  await choose(page, photo, [REGION.id], null);
  assert.equal(word(), null);
  assert.deepEqual(page.asked.at(-1), { ask: 'choose', params: { index: 0, evidence: [REGION.id], choice: null } });
});

test('a region that is back in the mask is restored, and is not when that is undone', () => {
  const { page, word } = reviewed(null);
  page.hand.selected.value = { evidence: REGION.id };
  restoreRegion(page);
  assert.equal(word(), 'restored');
  page.undo();
  assert.equal(word(), null);
});

test('a word "restored" does not outlive the pixels', () => {
  const { page, word } = reviewed('restored');
  assert.equal(word(), null);
  page.labels.data.fill(1);
  assert.equal(word(), 'restored');
});

test('a word that the extension refuses is not said', async () => {
  const { page, photo, word } = reviewed(null);
  const refusing = { ...page, ask: () => Promise.reject(new SeedMaskError('unavailable', 'the mask on disk was changed')) };
  await assert.rejects(choose(refusing, photo, [REGION.id], 'accepted'), { message: 'the mask on disk was changed' });
  assert.equal(word(), null);
});

test('another photo object starts with what came with it', async () => {
  const first = reviewed(null);
  await choose(first.page, first.photo, [REGION.id], 'accepted');
  assert.equal(first.word(), 'accepted');
  assert.equal(reviewed(null).word(), null);
});
