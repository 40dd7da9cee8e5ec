/**
 * K-means by Lloyd's rounds, without chance: the first centre is the first vector, each further one the vector farthest from the centres so far (the first of
 * equals). Rounds go on until no vector changes its cluster; a cluster that loses all its vectors keeps its centre; equal distances go to the lower cluster.
 *
 * Fast: |x - c|^2 is compared as |c|^2 - 2 x.c, and sums move only by the vectors that change cluster. The reference follows the definition.
 */
import { dot, squaredDistance } from './vectors';

export interface KMeans {
  /** K' x D, row by row. K' is K, or the number of vectors where that is less. */
  centroids: Float64Array;
  /** N: cluster of each vector. */
  labels: Int32Array;
  /** K' vectors in each. May be 0. */
  counts: Int32Array;
  /** Rows that the centres started from. */
  start: number[];
  /** Sum of squared distances to the centroids. */
  inertia: number;
  /** The last one only finds that nothing changes, unless the limit was reached. */
  rounds: number;
}

/** Clusters of N `vectors` of `dimensions` floats each (N x D, row by row). @throws if there is no vector, or K < 1. */
export function kMeans(vectors: Float32Array, dimensions: number, k: number, mostRounds = 100): KMeans {
  const { n, clusters } = sizes(vectors, dimensions, k);
  const start = startingRows(vectors, dimensions, n, clusters);
  const centroids = new Float64Array(clusters * dimensions);
  start.forEach((row, c) => centroids.set(vectors.subarray(row * dimensions, (row + 1) * dimensions), c * dimensions));
  const sums = new Float64Array(clusters * dimensions);
  const counts = new Int32Array(clusters);
  const labels = new Int32Array(n).fill(-1);
  const halfNorms = new Float64Array(clusters);
  let rounds = 0;
  for (let changed = true; changed && rounds < mostRounds; rounds++) {
    changed = false;
    for (let c = 0; c < clusters; c++) halfNorms[c] = 0.5 * dot(centroids, c * dimensions, centroids, c * dimensions, dimensions);
    for (let i = 0; i < n; i++) {
      let nearest = 0;
      let least = Infinity;
      for (let c = 0; c < clusters; c++) {
        const far = halfNorms[c] - dot(vectors, i * dimensions, centroids, c * dimensions, dimensions);
        if (far < least) {
          least = far;
          nearest = c;
        }
      }
      const before = labels[i];
      if (nearest === before) continue;
      changed = true;
      labels[i] = nearest;
      counts[nearest]++;
      if (before >= 0) counts[before]--;
      for (let d = 0; d < dimensions; d++) {
        const value = vectors[i * dimensions + d];
        sums[nearest * dimensions + d] += value;
        if (before >= 0) sums[before * dimensions + d] -= value;
      }
    }
    for (let c = 0; changed && c < clusters; c++) {
      if (counts[c] === 0) continue;
      for (let d = 0; d < dimensions; d++) centroids[c * dimensions + d] = sums[c * dimensions + d] / counts[c];
    }
  }
  return { centroids, labels, counts, start, inertia: inertiaOf(vectors, dimensions, centroids, labels), rounds };
}

/** The same as `kMeans`, from the definition. */
export function kMeansReference(vectors: Float32Array, dimensions: number, k: number, mostRounds = 100): KMeans {
  const { n, clusters } = sizes(vectors, dimensions, k);
  const rows = Array.from({ length: n }, (_, i) => Array.from(vectors.subarray(i * dimensions, (i + 1) * dimensions)));
  const squared = (a: readonly number[], b: readonly number[]) => a.reduce((sum, value, d) => sum + (value - b[d]) ** 2, 0);
  const firstOf = (values: readonly number[], best: (...values: number[]) => number) => values.indexOf(best(...values));
  const start = [0];
  while (start.length < clusters) start.push(firstOf(rows.map(row => Math.min(...start.map(s => squared(row, rows[s])))), Math.max));
  let centres = start.map(s => rows[s]);
  let labels: number[] = [];
  let rounds = 0;
  for (let changed = true; changed && rounds < mostRounds; rounds++) {
    const next = rows.map(row => firstOf(centres.map(centre => squared(row, centre)), Math.min));
    changed = next.some((label, i) => label !== labels[i]);
    labels = next;
    centres = centres.map((centre, c) => {
      const members = rows.filter((_, i) => labels[i] === c);
      return members.length === 0 ? centre : centre.map((_, d) => members.reduce((sum, row) => sum + row[d], 0) / members.length);
    });
  }
  const centroids = Float64Array.from(centres.flat());
  const counts = Int32Array.from(centres, (_, c) => labels.filter(label => label === c).length);
  return { centroids, labels: Int32Array.from(labels), counts, start, inertia: rows.reduce((sum, row, i) => sum + squared(row, centres[labels[i]]), 0), rounds };
}

function sizes(vectors: Float32Array, dimensions: number, k: number): { n: number; clusters: number } {
  const n = vectors.length / dimensions;
  if (!Number.isInteger(n) || n < 1 || k < 1) throw new Error(`k-means: ${k} clusters of ${vectors.length} values in ${dimensions} dimensions`);
  return { n, clusters: Math.min(k, n) };
}

function startingRows(vectors: Float32Array, dimensions: number, n: number, clusters: number): number[] {
  const rows = [0];
  const nearest = new Float64Array(n).fill(Infinity);
  while (rows.length < clusters) {
    const last = rows[rows.length - 1] * dimensions;
    let farthest = 0;
    for (let i = 0; i < n; i++) {
      const far = squaredDistance(vectors, i * dimensions, vectors, last, dimensions);
      if (far < nearest[i]) nearest[i] = far;
      if (nearest[i] > nearest[farthest]) farthest = i;
    }
    rows.push(farthest);
  }
  return rows;
}

function inertiaOf(vectors: Float32Array, dimensions: number, centroids: Float64Array, labels: Int32Array): number {
  let sum = 0;
  for (let i = 0; i < labels.length; i++) sum += squaredDistance(vectors, i * dimensions, centroids, labels[i] * dimensions, dimensions);
  return sum;
}
