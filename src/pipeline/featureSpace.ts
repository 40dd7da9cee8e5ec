/**
 * A space in which plain features of a data set tell stuff from objects: what all of it has in common is taken away, and directions count by what they tell apart, not
 * by how loud they are. For each layer
 *
 *     y = sqrt(relu(x)) - mean          (root; else x - mean)
 *     z = W y,  W = the D main directions of the data set's covariance, each divided by its standard deviation (whitened), or not
 *
 * then z / |z| times the layer's weight, the layers one after the other, and the whole to length 1. Main directions come from subspace iteration on the covariance
 * of a sample (Halko, Martinsson & Tropp 2011), with a Rayleigh-Ritz step at the end; the products run as ONNX graphs.
 */
import { momentsGraph, productGraph, projectionGraph, type Projected } from '../../models/operators/featureSpace';
import { SeedMaskError } from '../shared/errors';
import { floats, type GraphHost, type GraphRunner } from '../shared/graph';
import type { Maps } from '../shared/maps';
import { symmetricEigen } from './symmetricEigen';

/** How the vectors of one layer become coordinates. */
export interface SpaceLayer extends Projected {
  /** D */
  dimensions: number;
}

export interface FeatureSpace {
  layers: readonly SpaceLayer[];
  /** Square roots of the features, which are 0 or more, in place of them. */
  root: boolean;
  /** Lengths count: vectors are not brought to length 1. */
  plain?: boolean;
}

/** Directions beyond the wanted ones that iteration carries along: these converge last. */
const OVERSAMPLING = 8;
const ROUNDS = 8;
/** Vectors of one run of a graph. */
const MOMENTS_BLOCK = 1024;
const PROJECTION_BLOCK = 192;
/** Standard deviations below this share of the largest are noise: such directions are not made louder than that. */
const LEAST_DEVIATION = 0.01;

/** Mean and covariance of vectors that come in parts. */
export class Moments {
  private readonly block: Float32Array;
  private filled = 0;
  private readonly sums: Float64Array;
  private readonly products: Float64Array;
  private runner: GraphRunner | undefined;
  count = 0;

  constructor(
    private readonly host: GraphHost,
    readonly channels: number,
    private readonly root: boolean,
  ) {
    this.block = new Float32Array(channels * MOMENTS_BLOCK);
    this.sums = new Float64Array(channels);
    this.products = new Float64Array(channels * channels);
  }

  /** The vectors at `cells` of `maps` (C x h x w). @throws SeedMaskError 'numeric' if one is not finite */
  async add(maps: Maps, cells: Iterable<number>): Promise<void> {
    const size = maps.height * maps.width;
    for (const cell of cells) {
      let sum = 0;
      for (let c = 0; c < this.channels; c++) sum += this.block[c * MOMENTS_BLOCK + this.filled] = maps.data[c * size + cell];
      if (!Number.isFinite(sum)) throw new SeedMaskError('numeric', 'the features hold values that are not finite numbers');
      if (++this.filled === MOMENTS_BLOCK) await this.flush();
    }
  }

  /** The mean (C), and the covariance (C x C). @throws SeedMaskError 'nothing-to-learn' if there are fewer than two vectors */
  async finish(): Promise<{ mean: Float32Array; covariance: Float32Array }> {
    if (this.filled > 0) await this.flush();
    await this.release();
    const { channels, count } = this;
    if (count < 2) throw new SeedMaskError('nothing-to-learn', 'no photo with features to look at');
    const mean = this.sums.map(sum => sum / count);
    const covariance = new Float32Array(channels * channels);
    for (let i = 0; i < channels; i++) {
      for (let j = 0; j < channels; j++) covariance[i * channels + j] = this.products[i * channels + j] / count - mean[i] * mean[j];
    }
    return { mean: Float32Array.from(mean), covariance };
  }

  /** Where it is not finished. */
  async release(): Promise<void> {
    await this.runner?.release();
    this.runner = undefined;
  }

  private async flush(): Promise<void> {
    // Columns that are not filled count as zeros, whose root is 0.
    for (let c = 0; c < this.channels; c++) this.block.fill(0, c * MOMENTS_BLOCK + this.filled, (c + 1) * MOMENTS_BLOCK);
    this.runner ??= await this.host.open(momentsGraph(this.channels, MOMENTS_BLOCK, this.root));
    const out = await this.runner.run({ x: { dims: [this.channels, MOMENTS_BLOCK], data: this.block } });
    floats(out, 'moments').data.forEach((value, i) => (this.products[i] += value));
    floats(out, 'sum').data.forEach((value, i) => (this.sums[i] += value));
    this.count += this.filled;
    this.filled = 0;
  }
}

/** The layer's coordinates: at most `dimensions` main directions, fewer where the sample does not have as many. */
export async function fitLayer(host: GraphHost, moments: Moments, { dimensions, whiten, weight }: { dimensions: number; whiten: boolean; weight: number }): Promise<SpaceLayer> {
  const { channels } = moments;
  const { mean, covariance } = await moments.finish();
  const wanted = Math.min(dimensions, channels, moments.count - 1);
  const { values, vectors } = await mainDirections(host, covariance, channels, wanted);
  const largest = Math.sqrt(Math.max(0, values[0]));
  const rows = new Float32Array(wanted * channels);
  for (let d = 0; d < wanted; d++) {
    const scale = whiten ? 1 / Math.max(Math.sqrt(Math.max(0, values[d])), LEAST_DEVIATION * largest, Number.MIN_VALUE) : 1;
    for (let c = 0; c < channels; c++) rows[d * channels + c] = vectors[d * channels + c] * scale;
  }
  return { channels, dimensions: wanted, rows, mean, weight };
}

/** Puts features into a space. One run at a time. */
export class Projector {
  private runner: GraphRunner | undefined;
  readonly dimensions: number;

  constructor(
    private readonly host: GraphHost,
    private readonly space: FeatureSpace,
  ) {
    this.dimensions = space.layers.reduce((sum, { dimensions }) => sum + dimensions, 0);
  }

  /** Coordinates (D x h x w; unit vectors unless the space is plain) of a photo's layers, all on one grid, in the space's order. @throws SeedMaskError 'numeric' if they are not finite */
  async project(layers: readonly Maps[]): Promise<Maps> {
    const { height, width } = layers[0];
    const size = height * width;
    this.runner ??= await this.host.open(projectionGraph(this.space.layers, PROJECTION_BLOCK, this.space.root, !this.space.plain));
    const data = new Float32Array(this.dimensions * size);
    for (let from = 0; from < size; from += PROJECTION_BLOCK) {
      const count = Math.min(PROJECTION_BLOCK, size - from);
      const feeds = Object.fromEntries(layers.map((maps, i) => [`x${i}`, { dims: [maps.channels, PROJECTION_BLOCK], data: columns(maps, from, count) }]));
      const { data: found } = floats(await this.runner.run(feeds), 'y');
      for (let d = 0; d < this.dimensions; d++) data.set(found.subarray(d * PROJECTION_BLOCK, d * PROJECTION_BLOCK + count), d * size + from);
    }
    return { data, channels: this.dimensions, height, width };
  }

  async release(): Promise<void> {
    await this.runner?.release();
  }
}

function columns({ data, channels, height, width }: Maps, from: number, count: number): Float32Array {
  const size = height * width;
  const out = new Float32Array(channels * PROJECTION_BLOCK);
  for (let c = 0; c < channels; c++) out.set(data.subarray(c * size + from, c * size + from + count), c * PROJECTION_BLOCK);
  return out;
}

/** The largest `wanted` eigenvalues of a covariance, largest first, and their unit vectors, row by row. */
async function mainDirections(host: GraphHost, covariance: Float32Array, channels: number, wanted: number): Promise<{ values: Float64Array; vectors: Float64Array }> {
  const carried = Math.min(channels, wanted + OVERSAMPLING);
  const runner = await host.open(productGraph(channels, carried));
  try {
    const times = async (basis: readonly Float64Array[]): Promise<Float64Array[]> => {
      const block = new Float32Array(channels * carried);
      basis.forEach((row, k) => row.forEach((value, c) => (block[c * carried + k] = value)));
      const { data } = floats(await runner.run({ matrix: { dims: [channels, channels], data: covariance }, columns: { dims: [channels, carried], data: block } }), 'product');
      return basis.map((_, k) => Float64Array.from({ length: channels }, (_value, c) => data[c * carried + k]));
    };
    let basis = orthonormal(startingBasis(channels, carried));
    for (let round = 0; round < ROUNDS && carried < channels; round++) basis = orthonormal(await times(basis));
    const image = await times(basis);
    const small = new Float64Array(carried * carried);
    for (let i = 0; i < carried; i++) {
      for (let j = 0; j <= i; j++) small[i * carried + j] = small[j * carried + i] = (dot(basis[i], image[j]) + dot(basis[j], image[i])) / 2;
    }
    const { values, vectors: turns } = symmetricEigen(small, carried);
    const vectors = new Float64Array(wanted * channels);
    for (let d = 0; d < wanted; d++) {
      const row = vectors.subarray(d * channels, (d + 1) * channels);
      basis.forEach((direction, k) => direction.forEach((value, c) => (row[c] += turns[d * carried + k] * value)));
    }
    return { values: values.subarray(0, wanted), vectors };
  } finally {
    await runner.release();
  }
}

/** Fixed vectors without structure (a linear congruential generator): the same start everywhere. */
function startingBasis(channels: number, count: number): Float64Array[] {
  let state = 1;
  return Array.from({ length: count }, () => Float64Array.from({ length: channels }, () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 31 - 1;
  }));
}

/** Gram-Schmidt, twice over for the last digits. A vector that depends on those before it becomes zeros. */
function orthonormal(vectors: readonly Float64Array[]): Float64Array[] {
  const done: Float64Array[] = [];
  for (const vector of vectors) {
    const row = vector.slice();
    const before = Math.sqrt(dot(row, row));
    for (let pass = 0; pass < 2; pass++) {
      for (const other of done) {
        const along = dot(row, other);
        for (let c = 0; c < row.length; c++) row[c] -= along * other[c];
      }
    }
    const norm = Math.sqrt(dot(row, row));
    done.push(norm > 1e-9 * before ? row.map(value => value / norm) : row.fill(0));
  }
  return done;
}

function dot(a: Float64Array, b: Float64Array): number {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += a[i] * b[i];
  return sum;
}
