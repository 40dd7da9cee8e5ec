/**
 * Sums over stretches of flat arrays of vectors, in double precision: what K-means, distances and similarities spend their time in.
 */

export type Floats = Float32Array | Float64Array;

/** Dot product of `length` values of `a` from `fromA` and of `b` from `fromB`. Four sums at once: one would wait for itself at each step. */
export function dot(a: Floats, fromA: number, b: Floats, fromB: number, length: number): number {
  let s0 = 0;
  let s1 = 0;
  let s2 = 0;
  let s3 = 0;
  let d = 0;
  for (; d + 3 < length; d += 4) {
    s0 += a[fromA + d] * b[fromB + d];
    s1 += a[fromA + d + 1] * b[fromB + d + 1];
    s2 += a[fromA + d + 2] * b[fromB + d + 2];
    s3 += a[fromA + d + 3] * b[fromB + d + 3];
  }
  for (; d < length; d++) s0 += a[fromA + d] * b[fromB + d];
  return s0 + s1 + s2 + s3;
}

export function squaredDistance(a: Floats, fromA: number, b: Floats, fromB: number, length: number): number {
  let sum = 0;
  for (let d = 0; d < length; d++) {
    const difference = a[fromA + d] - b[fromB + d];
    sum += difference * difference;
  }
  return sum;
}

/** Length 1, same direction; a vector of zeros stays, so that its cosine to everything is 0. */
export function unit(vector: Floats): Float64Array {
  const norm = Math.sqrt(dot(vector, 0, vector, 0, vector.length));
  return Float64Array.from(vector, value => (norm > 0 ? value / norm : 0));
}

/** Mean of the `k` largest of `values`, of all where there are fewer, among those whose index is `wanted`; NaN where there is none. */
export function meanOfLargest(values: Floats, k: number, wanted?: Uint8Array): number {
  const best: number[] = [];
  for (let i = 0; i < values.length; i++) {
    const value = values[i];
    if ((wanted && wanted[i] === 0) || (best.length === k && value <= best[k - 1])) continue;
    let place = best.length < k ? best.length : k - 1;
    for (; place > 0 && best[place - 1] < value; place--) best[place] = best[place - 1];
    best[place] = value;
  }
  return best.reduce((sum, value) => sum + value, 0) / best.length;
}
