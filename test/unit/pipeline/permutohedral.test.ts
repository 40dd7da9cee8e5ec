/** The lattice against sums over all pairs. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { PermutohedralLattice } from '../../../src/pipeline/permutohedral';

/** Gaussian-weighted means of `values`, exactly. */
function exactMeans(features: Float32Array, dimensions: number, values: Float32Array): number[] {
  const points = values.length;
  return Array.from({ length: points }, (_, i) => {
    let sum = 0;
    let total = 0;
    for (let j = 0; j < points; j++) {
      let distance = 0;
      for (let k = 0; k < dimensions; k++) distance += (features[i * dimensions + k] - features[j * dimensions + k]) ** 2;
      const weight = Math.exp(-distance / 2);
      sum += weight * values[j];
      total += weight;
    }
    return sum / total;
  });
}

function means(lattice: PermutohedralLattice, values: Float32Array): Float32Array {
  const sums = new Float32Array(values.length);
  const totals = new Float32Array(values.length);
  lattice.filter(values, 1, sums);
  lattice.filter(new Float32Array(values.length).fill(1), 1, totals);
  return sums.map((sum, i) => sum / totals[i]);
}

const clouds = fc
  .record({ dimensions: fc.integer({ min: 1, max: 5 }), points: fc.integer({ min: 1, max: 60 }), spread: fc.constantFrom(0.5, 3, 20) })
  .chain(({ dimensions, points, spread }) =>
    fc.record({
      dimensions: fc.constant(dimensions),
      features: fc
        .array(fc.double({ min: -1, max: 1, noNaN: true }), { minLength: points * dimensions, maxLength: points * dimensions })
        .map(list => Float32Array.from(list, v => v * spread)),
      values: fc.array(fc.double({ min: 0, max: 1, noNaN: true }), { minLength: points, maxLength: points }).map(list => Float32Array.from(list)),
    }),
  );

test('weighted means are near the exact ones, in 1 to 5 dimensions', () => {
  fc.assert(
    fc.property(clouds, ({ dimensions, features, values }) => {
      const lattice = new PermutohedralLattice(features, values.length, dimensions);
      const got = means(lattice, values);
      exactMeans(features, dimensions, values).forEach((value, i) => assert.ok(Math.abs(got[i] - value) < 0.25, `${got[i]} for ${value}`));
    }),
    { numRuns: 150 },
  );
});

test('a smooth field on a grid is filtered to within 2 % of exact on average, 5 % at worst', () => {
  const side = 24;
  const features = Float32Array.from({ length: side * side * 2 }, (_, i) => (i % 2 ? Math.floor(i / 2 / side) : (i / 2) % side) / 3);
  const values = Float32Array.from({ length: side * side }, (_, p) => 0.5 + 0.5 * Math.sin((p % side) / 3) * Math.cos(Math.floor(p / side) / 4));
  const got = means(new PermutohedralLattice(features, values.length, 2), values);
  const errors = exactMeans(features, 2, values).map((value, p) => Math.abs(got[p] - value));
  assert.ok(Math.max(...errors) < 0.05, `at worst ${Math.max(...errors)}`);
  const average = errors.reduce((sum, e) => sum + e, 0) / errors.length;
  assert.ok(average < 0.02, `on average ${average}`);
});

test('the filter is linear, channel by channel', () => {
  fc.assert(
    fc.property(clouds, ({ dimensions, features, values }) => {
      const points = values.length;
      const lattice = new PermutohedralLattice(features, points, dimensions);
      const reversed = values.slice().reverse();
      const one = new Float32Array(points);
      const other = new Float32Array(points);
      lattice.filter(values, 1, one);
      lattice.filter(reversed, 1, other);
      const channels = new Float32Array(points * 3);
      lattice.filter(Float32Array.from({ length: points * 3 }, (_, i) => {
        const p = Math.floor(i / 3);
        return i % 3 === 0 ? values[p] : i % 3 === 1 ? reversed[p] : 2 * values[p] - reversed[p];
      }), 3, channels);
      for (let p = 0; p < points; p++) {
        const tolerance = 1e-4 * (1 + Math.abs(one[p]) + Math.abs(other[p]));
        assert.ok(Math.abs(channels[p * 3] - one[p]) < tolerance);
        assert.ok(Math.abs(channels[p * 3 + 1] - other[p]) < tolerance);
        assert.ok(Math.abs(channels[p * 3 + 2] - (2 * one[p] - other[p])) < 3 * tolerance);
      }
    }),
  );
});

test('points far from each other do not mix, points at one place do', () => {
  const lattice = new PermutohedralLattice(Float32Array.of(0, 0, 100, 100, 100, 100), 3, 2);
  const got = means(lattice, Float32Array.of(1, 0.2, 0.6));
  [1, 0.4, 0.4].forEach((value, i) => assert.ok(Math.abs(got[i] - value) < 1e-5));
});

test('coordinates beyond the lattice are refused, not wrapped', () => {
  assert.throws(() => new PermutohedralLattice(Float32Array.of(1e5, 0), 1, 2), RangeError);
});
