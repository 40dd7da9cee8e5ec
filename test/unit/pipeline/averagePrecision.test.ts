/** Average precision: photos of a class from the best score down. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { averagePrecision } from '../../../src/pipeline/averagePrecision';

test('all in front is 1, the share so far otherwise, nothing where nobody has the class', () => {
  assert.equal(averagePrecision([3, 2, 1], [true, true, false]), 1);
  assert.equal(averagePrecision([1, 3, 2, 0], [true, true, false, false]), (1 / 1 + 2 / 3) / 2);
  assert.equal(averagePrecision([3, 2, 1], [false, false, true]), 1 / 3);
  assert.equal(averagePrecision([1, 2], [false, false]), undefined);
});

test('ties keep the order given', () => {
  assert.equal(averagePrecision([1, 1], [true, false]), 1);
  assert.equal(averagePrecision([1, 1], [false, true]), 0.5);
});
