import assert from 'node:assert/strict';
import { test } from 'node:test';
import { timeText } from '../../../src/extension/training/presetTexts';

test('how long a training takes is told by its photos', () => {
  assert.equal(timeText('standard', 9), 'Some minutes on a CPU.');
  assert.equal(timeText('standard', 471), 'About 31 minutes on a CPU of two cores; less on more, or on a GPU.');
  assert.match(timeText('standard', 5000), /^About 6 hours on a CPU/);
  assert.match(timeText('full', 9), /GPU/);
});
