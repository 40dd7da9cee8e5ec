/** Deterministic K-means: fixture, and the fast one against the definition. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { kMeans, kMeansReference } from '../../../../src/pipeline/mars/kMeans';
import { fixture, reference } from '../../../shared';
import { randomNumbers } from '../maps';

for (const [name, run] of Object.entries({ kMeans, kMeansReference })) {
  test(`${name}: the fixture's cases, degenerate ones too`, reference('spec/fixtures/mars-kmeans.json'), () => {
    const { sets, tolerance } = fixture<{
      sets: { name: string; X: number[][]; K: number; init_rows: number[]; labels: number[]; centroids: number[][]; inertia: number; iterations: number }[];
      tolerance: number;
    }>('mars-kmeans.json');
    for (const set of sets) {
      const result = run(Float32Array.from(set.X.flat()), set.X[0].length, set.K);
      assert.deepEqual(result.start, set.init_rows, set.name);
      assert.deepEqual([...result.labels], set.labels, set.name);
      assert.equal(result.rounds, set.iterations, set.name);
      assert.ok(Math.abs(result.inertia - set.inertia) <= tolerance, set.name);
      assert.equal(result.centroids.length, set.centroids.flat().length);
      set.centroids.flat().forEach((value, i) => assert.ok(Math.abs(result.centroids[i] - value) <= tolerance, set.name));
    }
  });
}

test('the fast one equals the definition', () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 9 }), fc.integer({ min: 1, max: 5 }), fc.integer({ min: 1, max: 40 }), fc.integer(), (dimensions, k, n, seed) => {
      const next = randomNumbers(seed);
      const vectors = Float32Array.from({ length: n * dimensions }, () => next() - 0.5);
      const fast = kMeans(vectors, dimensions, k);
      const plain = kMeansReference(vectors, dimensions, k);
      assert.deepEqual([fast.start, fast.labels, fast.counts, fast.rounds], [plain.start, plain.labels, plain.counts, plain.rounds]);
      fast.centroids.forEach((value, i) => assert.ok(Math.abs(value - plain.centroids[i]) < 1e-12));
      assert.ok(Math.abs(fast.inertia - plain.inertia) < 1e-10);
    }),
    { seed: 1 },
  );
});

test('the number of rounds has a limit, and nothing to cluster is an error', () => {
  const line = Float32Array.from({ length: 64 }, (_, i) => i ** 1.5);
  assert.equal(kMeans(line, 1, 2, 2).rounds, 2);
  assert.throws(() => kMeans(new Float32Array(0), 3, 2), /k-means/);
  assert.throws(() => kMeans(new Float32Array(3), 3, 0), /k-means/);
});
