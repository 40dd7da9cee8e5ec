/**
 * Connected components of a mask by two raster passes: provisional labels with a union-find of row-wise neighbours, then
 * consecutive numbers (Rosenfeld & Pfaltz 1966; array union-find after Wu, Otoo & Suzuki 2009).
 */

export interface Components {
  /** H x W: 0 outside the mask, else 1..count, numbered by each component's first pixel in raster order. */
  labels: Int32Array;
  count: number;
}

/** Components of the non-zero pixels of `mask` (H x W); neighbours share a side (4) or a side or a corner (8). */
export function labelComponents(mask: Uint8Array, height: number, width: number, connectivity: 4 | 8): Components {
  if (mask.length !== height * width) throw new Error(`components: ${mask.length} pixels for ${height} x ${width}`);
  const labels = new Int32Array(height * width);
  // A provisional label is new only where left and upper neighbours are empty: at most every second pixel, and pixel 0.
  const parent = new Int32Array(((height * width) >> 1) + 2);
  let provisional = 0;
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const p = y * width + x;
      if (mask[p] === 0) continue;
      let label = x > 0 ? labels[p - 1] : 0;
      if (y > 0) {
        label = join(parent, label, labels[p - width]);
        if (connectivity === 8) {
          if (x > 0) label = join(parent, label, labels[p - width - 1]);
          if (x + 1 < width) label = join(parent, label, labels[p - width + 1]);
        }
      }
      if (label === 0) {
        label = ++provisional;
        parent[label] = label;
      }
      labels[p] = label;
    }
  }

  // A root is the smallest label of its tree, hence numbered before the rest.
  let count = 0;
  for (let label = 1; label <= provisional; label++) {
    parent[label] = parent[label] === label ? ++count : parent[parent[label]];
  }
  for (let p = 0; p < labels.length; p++) labels[p] = parent[labels[p]];
  return { labels, count };
}

/** The label of the union of two trees; 0 is "no neighbour". */
function join(parent: Int32Array, a: number, b: number): number {
  if (b === 0 || a === b) return a;
  if (a === 0) return b;
  const rootA = root(parent, a);
  const rootB = root(parent, b);
  if (rootA < rootB) return (parent[rootB] = rootA);
  return (parent[rootA] = rootB);
}

function root(parent: Int32Array, label: number): number {
  while (parent[label] !== label) {
    parent[label] = parent[parent[label]];
    label = parent[label];
  }
  return label;
}
