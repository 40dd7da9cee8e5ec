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

test('weighted means lie within the range of the values, in 1 to 5 dimensions', () => {
  fc.assert(
    fc.property(clouds, ({ dimensions, features, values }) => {
      const got = means(new PermutohedralLattice(features, values.length, dimensions), values);
      const [low, high] = [Math.min(...values), Math.max(...values)];
      assert.ok(got.every(value => value >= low - 1e-5 && value <= high + 1e-5));
    }),
  );
});

test('smooth fields on dense grids are filtered to within 2 % of exact on average, 6 % at worst', () => {
  const side = 24;
  const upTo = (max: number) => fc.double({ min: 0, max, noNaN: true });
  const waves = fc.record({ x: upTo(0.4), y: upTo(0.4), phase: upTo(6) });
  fc.assert(
    fc.property(waves, fc.integer({ min: 2, max: 5 }), ({ x, y, phase }, deviation) => {
      const features = Float32Array.from({ length: side * side * 2 }, (_, i) => (i % 2 ? Math.floor(i / 2 / side) : (i / 2) % side) / deviation);
      const values = Float32Array.from({ length: side * side }, (_, p) => 0.5 + 0.5 * Math.sin((p % side) * x + phase) * Math.cos(Math.floor(p / side) * y));
      const got = means(new PermutohedralLattice(features, values.length, 2), values);
      const errors = exactMeans(features, 2, values).map((value, p) => Math.abs(got[p] - value));
      assert.ok(Math.max(...errors) < 0.06, `at worst ${Math.max(...errors)}`);
      const average = errors.reduce((sum, e) => sum + e, 0) / errors.length;
      assert.ok(average < 0.02, `on average ${average}`);
    }),
    { numRuns: 20 },
  );
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
