/** Eigenvectors of symmetric matrices. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { symmetricEigen } from '../../../src/pipeline/symmetricEigen';

const SIDE = 6;

test('any symmetric matrix is the sum of its values times their vectors; vectors are orthonormal, values descend', () => {
  fc.assert(fc.property(fc.array(fc.double({ min: -10, max: 10, noNaN: true }), { minLength: SIDE * SIDE, maxLength: SIDE * SIDE }), numbers => {
    const matrix = Float64Array.from(numbers, (_, p) => numbers[Math.min(p, (p % SIDE) * SIDE + Math.floor(p / SIDE))]);
    const { values, vectors } = symmetricEigen(matrix, SIDE);
    for (let i = 0; i < SIDE; i++) {
      if (i > 0) assert.ok(values[i] <= values[i - 1]);
      for (let j = 0; j < SIDE; j++) {
        let [again, product] = [0, 0];
        for (let k = 0; k < SIDE; k++) {
          again += values[k] * vectors[k * SIDE + i] * vectors[k * SIDE + j];
          product += vectors[i * SIDE + k] * vectors[j * SIDE + k];
        }
        assert.ok(Math.abs(again - matrix[i * SIDE + j]) < 1e-9);
        assert.ok(Math.abs(product - (i === j ? 1 : 0)) < 1e-9);
      }
    }
  }));
});
