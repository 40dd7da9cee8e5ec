import assert from 'node:assert/strict';
import { test } from 'node:test';
import { SeedMaskError } from '../../../src/shared/errors';
import { MaskEdits } from '../../../src/shared/maskEdits';
import { readBackup, restoreEdits, writeBackup } from '../../../src/shared/maskBackup';
import { baseOf, copyOf, Dice, randomMask, randomStroke } from './strokes';

function edited(): MaskEdits {
  const dice = new Dice(21);
  const edits = new MaskEdits();
  for (const photo of ['a.jpg', 'größe/ü.png']) {
    const labels = randomMask(dice, 30, 20);
    const base = baseOf(copyOf(labels), 'ab'.repeat(32));
    for (let i = 0; i < 5; i++) edits.add([{ ...randomStroke(dice, photo, labels), label: 'Pinsel „groß“' }], () => base);
  }
  return edits;
}

test('a backup brings back the edits of every photo, with their labels and their order', () => {
  const edits = edited();
  const backup = readBackup(writeBackup(edits, '/data/set', 'größe/ü.png'));
  assert.equal(backup.root, '/data/set');
  assert.equal(backup.current, 'größe/ü.png');
  const restored = restoreEdits(backup);
  assert.deepEqual(restored.dirty, edits.dirty);
  for (const photo of edits.dirty) {
    assert.deepEqual(restored.mask(photo), edits.mask(photo));
    assert.deepEqual(restored.way(photo), edits.way(photo));
  }
});

test('a backup without edits is one too', () => {
  assert.deepEqual(restoreEdits(readBackup(writeBackup(new MaskEdits(), '/data', undefined))).dirty, []);
});

test('a backup with any byte changed, cut off, or of something else is refused', () => {
  const bytes = writeBackup(edited(), '/data', undefined);
  const isRefused = (damaged: Uint8Array): void => assert.throws(() => restoreEdits(readBackup(damaged)), (error: unknown) => error instanceof SeedMaskError && error.reason === 'bad-message');
  for (let at = 0; at < bytes.length; at++) {
    const damaged = bytes.slice();
    damaged[at] ^= 1 << at % 8;
    isRefused(damaged);
  }
  for (const length of [0, 3, 11, 12, 50, bytes.length - 1]) isRefused(bytes.slice(0, length));
  isRefused(Uint8Array.from([...bytes, 0]));
  isRefused(new TextEncoder().encode('{"version":1}'.repeat(10)));
});
