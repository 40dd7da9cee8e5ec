/** The SIMD product against plain sums. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { dotProducts, dotProductsReference, packRows } from '../../../../src/pipeline/mars/dotProducts';
import { randomNumbers } from '../maps';

test('products of any sizes equal plain sums', () => {
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 30 }), fc.integer({ min: 0, max: 40 }), fc.integer({ min: 1, max: 70 }), fc.integer(), (n, m, dimensions, seed) => {
      const next = randomNumbers(seed);
      const rows = Float32Array.from({ length: n * dimensions }, () => next() - 0.5);
      const others = Float32Array.from({ length: m * dimensions }, () => next() - 0.5);
      const { data, stride } = dotProducts(rows, packRows(others, dimensions));
      const plain = dotProductsReference(rows, others, dimensions);
      for (let i = 0; i < n; i++) for (let j = 0; j < m; j++) assert.ok(Math.abs(data[i * stride + j] - plain[i * m + j]) < 1e-5);
    }),
    { seed: 1, numRuns: 150 },
  );
});
