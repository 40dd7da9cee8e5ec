/**
 * Eigenvalues and eigenvectors of a real symmetric matrix by cyclic Jacobi rotations (Golub & Van Loan, Matrix Computations, 8.5): slow beside others, but short, exact to the
 * last digits, and quick enough for a few hundred rows.
 */

/** Rotations of all pairs; six to ten bring everything off the diagonal to 0. */
const MOST_SWEEPS = 20;

/** @returns values, largest first, and their unit vectors, row by row. `matrix`: N x N, symmetric; it is not changed. */
export function symmetricEigen(matrix: Float64Array, n: number): { values: Float64Array; vectors: Float64Array } {
  const a = matrix.slice();
  const v = new Float64Array(n * n);
  for (let i = 0; i < n; i++) v[i * n + i] = 1;
  let total = 0;
  for (const value of a) total += value * value;
  for (let sweep = 0; sweep < MOST_SWEEPS; sweep++) {
    let off = 0;
    for (let p = 0; p < n; p++) for (let q = p + 1; q < n; q++) off += a[p * n + q] ** 2;
    if (off <= 1e-24 * total) break;
    for (let p = 0; p < n; p++) for (let q = p + 1; q < n; q++) rotate(a, v, n, p, q);
  }
  const order = Array.from({ length: n }, (_, i) => i).sort((i, j) => a[j * n + j] - a[i * n + i] || i - j);
  const vectors = new Float64Array(n * n);
  order.forEach((row, i) => vectors.set(v.subarray(row * n, (row + 1) * n), i * n));
  return { values: Float64Array.from(order, i => a[i * n + i]), vectors };
}

/** Makes a[p, q] 0. Rows of `v` are the vectors. */
function rotate(a: Float64Array, v: Float64Array, n: number, p: number, q: number): void {
  const apq = a[p * n + q];
  if (apq === 0) return;
  const theta = (a[q * n + q] - a[p * n + p]) / (2 * apq);
  const t = (theta >= 0 ? 1 : -1) / (Math.abs(theta) + Math.sqrt(theta * theta + 1));
  const c = 1 / Math.sqrt(t * t + 1);
  const s = t * c;
  // Both sides at once: rows p and q are turned, columns follow by symmetry.
  const [app, aqq] = [a[p * n + p], a[q * n + q]];
  for (let k = 0; k < n; k++) {
    const vp = v[p * n + k];
    const vq = v[q * n + k];
    v[p * n + k] = c * vp - s * vq;
    v[q * n + k] = s * vp + c * vq;
    if (k === p || k === q) continue;
    const akp = a[p * n + k];
    const akq = a[q * n + k];
    a[p * n + k] = a[k * n + p] = c * akp - s * akq;
    a[q * n + k] = a[k * n + q] = s * akp + c * akq;
  }
  a[p * n + p] = app - t * apq;
  a[q * n + q] = aqq + t * apq;
  a[p * n + q] = a[q * n + p] = 0;
}
