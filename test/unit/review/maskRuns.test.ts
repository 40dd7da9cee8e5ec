import assert from 'node:assert/strict';
import { test } from 'node:test';
import { SeedMaskError } from '../../../src/shared/errors';
import { applyPatch, patchOf, cut } from '../../../src/shared/labelPatch';
import { decodeRuns, encodeRuns } from '../../../src/shared/labelRuns';
import { lengthOfRuns, patchRuns, runsOf } from '../../../src/shared/maskRuns';
import { copyOf, Dice, paint, randomMask, randomRect, randomStroke } from './strokes';

const isBadMessage = (error: unknown): boolean => error instanceof SeedMaskError && error.reason === 'bad-message';

test('a patch on runs is the patch on pixels, both ways, in the same bytes', () => {
  const dice = new Dice(1);
  for (let round = 0; round < 600; round++) {
    const labels = randomMask(dice, 1 + dice.below(40), 1 + dice.below(40));
    const before = encodeRuns(labels.data);
    const { patch } = randomStroke(dice, 'a.jpg', labels);
    const { width, height } = labels;
    const after = patchRuns(before, width, height, patch, 'redo');
    assert.deepEqual(after, encodeRuns(labels.data));
    assert.equal(after.byteLength, after.buffer.byteLength);
    applyPatch(labels, patch, 'undo');
    assert.deepEqual(patchRuns(after, width, height, patch, 'undo'), encodeRuns(labels.data));
  }
});

test('a patch made on another mask, outside of it or of another length is refused', () => {
  const labels = { data: new Uint8Array(12), width: 4, height: 3 };
  const runs = encodeRuns(labels.data);
  const other = copyOf(labels);
  paint(other, { x: 1, y: 1, width: 2, height: 1 }, 7);
  const rect = { x: 1, y: 1, width: 2, height: 2 };
  const good = patchOf(other, rect, cut(labels, rect));
  assert.deepEqual(decodeRuns(patchRuns(runs, 4, 3, good, 'redo'), 12), other.data);
  assert.throws(() => patchRuns(runs, 4, 3, good, 'undo'), isBadMessage, 'its new labels are not there yet');
  assert.throws(() => patchRuns(runs, 4, 3, { ...good, x: 3 }, 'redo'), isBadMessage);
  assert.throws(() => patchRuns(runs, 4, 3, { ...good, y: 2 }, 'redo'), isBadMessage);
  assert.throws(() => patchRuns(runs, 4, 3, { ...good, before: runsOf(0, 3) }, 'redo'), isBadMessage);
  assert.throws(() => patchRuns(runs, 4, 3, { ...good, after: runsOf(0, 5) }, 'redo'), isBadMessage);
  assert.throws(() => patchRuns(runs, 4, 3, { ...good, after: Uint8Array.of(1, 200) }, 'redo'), isBadMessage);
  assert.throws(() => patchRuns(runsOf(0, 11), 4, 3, good, 'redo'), isBadMessage);
});

test('one label is one run, however long', () => {
  for (const length of [1, 127, 128, 129, 16_384, 24_000_000]) assert.equal(lengthOfRuns(runsOf(9, length)), length);
  assert.deepEqual(runsOf(3, 300), encodeRuns(new Uint8Array(300).fill(3)));
  assert.throws(() => lengthOfRuns(Uint8Array.of(1)), isBadMessage);
});

test('a stroke on a mask of 24 megapixels takes the time of its runs, not of its pixels', () => {
  const runs = runsOf(0, 6000 * 4000);
  const rect = randomRect(new Dice(2), { width: 200, height: 200 });
  const patch = { ...rect, x: 3000, y: 2000, before: runsOf(0, rect.width * rect.height), after: runsOf(4, rect.width * rect.height) };
  const painted = patchRuns(runs, 6000, 4000, patch, 'redo');
  assert.ok(painted.length < 20 * rect.height, `${painted.length} bytes`);
  assert.deepEqual(patchRuns(painted, 6000, 4000, patch, 'undo'), runs);
});
