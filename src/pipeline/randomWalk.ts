/**
 * Random walk of score maps over pixel affinities: scores spread to all pixels that are alike and stop at edges.
 *
 *     A symmetric over pairs closer than `radius`, 1 on the diagonal;  T = A^beta (element-wise), columns divided by their sums;
 *     out = scores T^steps                  (each row of `scores` is a map: a pixel's new score is a weighted mean of its neighbours')
 *
 * Two sources of affinity. AffinityNet (PSA, CVPR 2018): exp(-mean over channels |f_i - f_j|) of features, pairs only from the
 * inner part of the grid. IRNet (CVPR 2019), also Puzzle-CAM's: 1 - the largest edge on the straight path, all pairs.
 *
 * The authors square the dense N x N matrix log2(steps) times. A pixel has few neighbours (69 with itself at radius 5), so here
 * the sparse step is applied `steps` times: the same numbers with about a thousandth of the work and memory.
 */
import type { Maps } from '../shared/maps';
import { Stencil, type Offset } from './stencil';
import { withBackground } from './withBackground';

/** Affinities of a grid's pixel pairs; a pair is named by its upper (or left) pixel p and the offset to the other. */
export interface Affinity {
  height: number;
  width: number;
  /** The half plane of `pairOffsets`. */
  offsets: readonly Offset[];
  /** `values[o * height * width + p]` in [0, 1]; 0 where p + offset is no pair. */
  values: Float32Array;
}

export interface WalkOptions {
  /** Pairs are closer than this, in pixels of the grid. */
  radius?: number;
  /** Exponent of the affinities: the larger, the less the walk crosses weak links. */
  beta?: number;
  /** Steps of the walk (the papers' t = 2^8). */
  steps?: number;
}

export const PSA_WALK = { radius: 5, beta: 8, steps: 256, alpha: 16 } as const;
export const IRN_WALK = { radius: 5, beta: 10, steps: 256 } as const;

/** Offsets shorter than `radius` in the half plane: (0, x > 0), then rows downwards, each from left to right; 34 for radius 5. */
export function pairOffsets(radius: number): Offset[] {
  const offsets: Offset[] = [];
  for (let dx = 1; dx < radius; dx++) offsets.push({ dy: 0, dx });
  for (let dy = 1; dy < radius; dy++) {
    for (let dx = 1 - radius; dx < radius; dx++) if (dy * dy + dx * dx < radius * radius) offsets.push({ dy, dx });
  }
  return offsets;
}

/** The pixels where AffinityNet's pairs start: all but the last radius-1 rows and the outer radius-1 columns; may be none. */
export function pairSources(height: number, width: number, radius: number): number[] {
  const sources: number[] = [];
  for (let y = 0; y <= height - radius; y++) {
    for (let x = radius - 1; x <= width - radius; x++) sources.push(y * width + x);
  }
  return sources;
}

/**
 * AffinityNet's affinity of `features` (C x H x W): exp(-mean |f_i - f_j|), pairs from `pairSources`.
 * @throws where the grid is too small to have a pair (width < 2 radius - 1 or height < radius).
 */
export function featureAffinity(features: Maps, radius: number): Affinity {
  const { channels, height, width } = features;
  const size = height * width;
  const offsets = pairOffsets(radius);
  const sources = pairSources(height, width, radius);
  if (sources.length === 0) throw new Error(`random walk: a grid of ${height} x ${width} has no pairs at radius ${radius}`);
  const values = new Float32Array(offsets.length * size);
  offsets.forEach(({ dy, dx }, o) => {
    const step = dy * width + dx;
    for (const p of sources) {
      let distance = 0;
      for (let c = 0; c < channels; c++) distance += Math.abs(features.data[c * size + p] - features.data[c * size + p + step]);
      values[o * size + p] = Math.exp(-distance / channels);
    }
  });
  return { height, width, offsets, values };
}

/** IRNet's affinity of an edge map (1 x H x W in [0, 1]): 1 - the largest edge on the path, for all pairs inside the grid. */
export function edgeAffinity(edge: Maps, radius: number): Affinity {
  const { height, width, data } = edge;
  if (edge.channels !== 1) throw new Error(`random walk: an edge map has one channel, not ${edge.channels}`);
  const size = height * width;
  const offsets = pairOffsets(radius);
  const values = new Float32Array(offsets.length * size);
  offsets.forEach((offset, o) => {
    const { dy, dx } = offset;
    const path = pathOf(offset);
    const [left, right] = [Math.max(0, -dx), Math.min(width, width - dx)];
    for (let y = 0; y + dy < height; y++) {
      const largest = values.subarray(o * size + y * width, o * size + (y + 1) * width);
      for (const step of path) {
        const row = (y + step.dy) * width + step.dx;
        for (let x = left; x < right; x++) if (data[row + x] > largest[x]) largest[x] = data[row + x];
      }
      for (let x = left; x < right; x++) largest[x] = 1 - largest[x];
    }
  });
  return { height, width, offsets, values };
}

/** The pixels of the offset's bounding box that are nearer than 1 to the straight line; both ends are among them. */
export function pathOf({ dy, dx }: Offset): Offset[] {
  const path: Offset[] = [];
  for (let y = Math.min(0, dy); y <= Math.max(0, dy); y++) {
    for (let x = Math.min(0, dx); x <= Math.max(0, dx); x++) {
      if ((dy * x - dx * y) ** 2 < dy * dy + dx * dx) path.push({ dy: y, dx: x });
    }
  }
  return path;
}

/**
 * C x H x W `scores` after `steps` steps over `affinity` (the `out` above). Time: C x H x W x (2 pairs + 1) x steps;
 * memory: (2 pairs + 1) floats a pixel, three times over while it is set up. Sums are single floats: each step may be off by some
 * 2e-6, which adds up to at most 1e-3 of the scores after 256 steps on wholly even affinities, far less on real ones.
 */
export function randomWalk(affinity: Affinity, scores: Maps, beta: number, steps: number): Maps {
  const { height, width } = affinity;
  if (scores.height !== height || scores.width !== width) {
    throw new Error(`random walk: scores of ${scores.height} x ${scores.width} on affinities of ${height} x ${width}`);
  }
  return transitions(affinity, beta).apply(scores, steps);
}

/** Weaker links, after the power, count as none: they carry nothing in any number of steps, and denormal floats are slow. */
const WEAKEST = 1e-20;

/** T as a stencil: weight o of pixel p is how much of the score at p + offset o goes to p. */
function transitions({ height, width, offsets, values }: Affinity, beta: number): Stencil {
  const size = height * width;
  const powers = values.map(value => power(value, beta));
  const sums = new Float64Array(size).fill(1);
  offsets.forEach(({ dy, dx }, o) => {
    const step = dy * width + dx;
    for (let p = 0; p < size; p++) {
      const link = powers[o * size + p];
      if (link === 0) continue;
      sums[p] += link;
      sums[p + step] += link;
    }
  });

  const all = [{ dy: 0, dx: 0 }, ...offsets, ...offsets.map(({ dy, dx }) => ({ dy: -dy, dx: -dx }))];
  const weights = new Float32Array(all.length * size);
  for (let p = 0; p < size; p++) weights[p] = 1 / sums[p];
  offsets.forEach(({ dy, dx }, o) => {
    const step = dy * width + dx;
    const there = weights.subarray((1 + o) * size, (2 + o) * size);
    const back = weights.subarray((1 + offsets.length + o) * size, (2 + offsets.length + o) * size);
    for (let p = 0; p < size; p++) {
      const link = powers[o * size + p];
      if (link === 0) continue;
      there[p] = link / sums[p];
      back[p + step] = link / sums[p + step];
    }
  });
  return new Stencil(height, width, all, weights);
}

/** base^exponent, 0 below `WEAKEST`; by squaring for whole exponents, which is many times faster than the general power. */
function power(base: number, exponent: number): number {
  let result = 1;
  if (Number.isInteger(exponent)) {
    for (let rest = exponent, square = base; rest > 0; rest >>= 1, square *= square) if (rest & 1) result *= square;
  } else result = base ** exponent;
  return result < WEAKEST ? 0 : result;
}

/** The reference: T as a dense matrix, squared log2(steps) times. For small grids; `steps` is a power of two. */
export function denseRandomWalk(affinity: Affinity, scores: Maps, beta: number, steps: number): Maps {
  if (!Number.isInteger(Math.log2(steps))) throw new Error(`dense random walk: ${steps} steps are not a power of two`);
  const size = affinity.height * affinity.width;
  let matrix = transitionMatrix(affinity, beta);
  for (let t = 1; t < steps; t *= 2) matrix = product(matrix, matrix, size);
  return { ...scores, data: Float32Array.from(product(Float64Array.from(scores.data), matrix, size)) };
}

/** A as a dense symmetric N x N matrix, 1 on the diagonal. */
export function affinityMatrix({ height, width, offsets, values }: Affinity): Float64Array {
  const size = height * width;
  const matrix = new Float64Array(size * size);
  for (let p = 0; p < size; p++) matrix[p * size + p] = 1;
  offsets.forEach(({ dy, dx }, o) => {
    for (let p = 0; p < size; p++) {
      const value = values[o * size + p];
      if (value === 0) continue;
      const q = p + dy * width + dx;
      matrix[p * size + q] = value;
      matrix[q * size + p] = value;
    }
  });
  return matrix;
}

/** T as a dense N x N matrix: A^beta with columns of sum 1. */
export function transitionMatrix(affinity: Affinity, beta: number): Float64Array {
  const size = affinity.height * affinity.width;
  const matrix = affinityMatrix(affinity).map(value => value ** beta);
  for (let q = 0; q < size; q++) {
    let sum = 0;
    for (let p = 0; p < size; p++) sum += matrix[p * size + q];
    for (let p = 0; p < size; p++) matrix[p * size + q] /= sum;
  }
  return matrix;
}

/** Rows x inner times inner x inner. */
function product(left: Float64Array, right: Float64Array, inner: number): Float64Array {
  const out = new Float64Array(left.length);
  for (let row = 0; row < left.length; row += inner) {
    for (let k = 0; k < inner; k++) {
      const factor = left[row + k];
      if (factor === 0) continue;
      for (let column = 0; column < inner; column++) out[row + column] += factor * right[k * inner + column];
    }
  }
  return out;
}

/**
 * AffinityNet's walk: `cams` (K x H x W in [0, 1], on the grid of `features`) get a background map (1 - max cam)^alpha in front,
 * and all K + 1 walk. Returns K + 1 maps; the label is their argmax.
 */
export function psaWalk(features: Maps, cams: Maps, options: WalkOptions & { alpha?: number } = {}): Maps {
  const { radius, beta, steps, alpha } = { ...PSA_WALK, ...options };
  return randomWalk(featureAffinity(features, radius), withBackground(cams, alpha), beta, steps);
}

/**
 * IRNet's and Puzzle-CAM's walk: `cams` (K x H x W) times (1 - edge) walk; `edge` is 1 x H x W in [0, 1], from a network or made
 * by hand. Returns K maps; the label is the argmax over a constant background (0.25 in IRNet) and the maps divided by their
 * common maximum (`divideByMaximum`).
 */
export function irnWalk(edge: Maps, cams: Maps, options: WalkOptions = {}): Maps {
  const { radius, beta, steps } = { ...IRN_WALK, ...options };
  const size = edge.height * edge.width;
  const inside = { ...cams, data: cams.data.map((value, i) => value * (1 - edge.data[i % size])) };
  return randomWalk(edgeAffinity(edge, radius), inside, beta, steps);
}

/** `maps` divided by the largest value of all of them; unchanged if that is not positive. */
export function divideByMaximum(maps: Maps): Maps {
  const maximum = maps.data.reduce((largest, value) => Math.max(largest, value), 0);
  return maximum > 0 ? { ...maps, data: maps.data.map(value => value / maximum) } : maps;
}
