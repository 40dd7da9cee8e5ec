/**
 * The heavy part of SCG (self-correlation map generating; Pan et al., "Unveiling the Potential of Structure Preserving for Weakly
 * Supervised Object Localization", CVPR 2021, section 3.3) as an ONNX graph: similarities of all N positions, first and second order,
 * but only the columns of the seeds, which here are rows (the similarity S is symmetric):
 *
 *     u_i = f_i / (|f_i| + e);   S = relu(U U^T), values below t1 are 0             e = 1e-10
 *     S1 = S / (column sum + e);   T = S without diagonal / (column sum + e)
 *     S2 = T T / (column sum + e)      (again: S2 T / ..., `iterations` times in all);  values below t2 / N are 0
 *     M = max(S1, omega S2) / (column sum + e);   H = sum of M over the levels
 *     spread(c) = sum over the seeds i of c of minmax(H[:, i])
 *
 * Seeds only: with D_q the normalisation after q products, S2[:, seeds] = T T D_1 T ... T D_r[:, seeds] is multiplied from the right,
 * and the column sums that D_q needs are themselves products of a vector with T. So the cost is N x N x D + iterations x seeds x N x N.
 */
import { GraphBuilder } from '../graph/builder';
import { range, type Value } from '../graph/value';

export interface ScgCorrelation {
  /** t1: similarities (cosines) below are 0. */
  firstThreshold: number;
  /** t2: second order similarities below t2 / N are 0. */
  secondThreshold: number;
  /** omega: weight of the second order. */
  secondWeight: number;
  /** r: 1 is what the paper calls second order. */
  iterations: number;
}

export interface ScgGraphSize {
  /** N = height x width of the grid. */
  positions: number;
  /** D of each level. */
  depths: readonly number[];
  seeds: number;
  /** Rows of `members`. */
  groups: number;
}

/** What is added to each divisor. */
const EPSILON = 1e-10;

/**
 * Inputs: `features<level>` [D, N], `seeds` int32 [seeds] positions, `members` [groups, seeds] (1 where the seed belongs to the group).
 * Output: `spread` [groups, N], finite for finite features.
 */
export function scgGraph(size: ScgGraphSize, correlation: ScgCorrelation): Uint8Array {
  const { positions, depths, seeds: count, groups } = size;
  const g = new GraphBuilder('scg');
  const levels = depths.map((depth, level) => g.input(`features${level}`, [depth, positions]));
  const seeds = g.input('seeds', [count], 'int32');
  const members = g.input('members', [groups, count]);

  const isSelf = g.equal(g.reshape(seeds, [count, 1]), g.constant(Int32Array.from(range(positions)), [1, positions]));
  const columns = levels.map(features => seedColumns(g, features, seeds, isSelf, correlation)).reduce((a, b) => g.add(a, b));

  // minmax(H) m = (H - low) (m / (high - low + e)): one product, without a matrix of normalised columns.
  const low = g.reduceMin(columns, [1]);
  const spans = g.add(g.sub(g.reduceMax(columns, [1]), low), EPSILON);
  const weights = g.div(members, g.reshape(spans, [1, count]));
  g.output('spread', g.sub(g.matmul(weights, columns), g.matmul(weights, low)));
  return g.toOnnx();
}

/** M of one level, its seed columns as rows: [seeds, N]. */
function seedColumns(g: GraphBuilder, features: Value, seeds: Value, isSelf: Value, correlation: ScgCorrelation): Value {
  const { firstThreshold, secondThreshold, secondWeight, iterations } = correlation;
  const positions = features.shape[1];
  const norm = g.add(g.sqrt(g.sum(g.mul(features, features), [0])), EPSILON);
  const units = g.div(features, norm);
  const similarity = keepFrom(g, g.gemm(units, units, undefined, { transA: true }), firstThreshold);
  const self = keepFrom(g, g.sum(g.mul(units, units), [0]), firstThreshold);

  const rows = g.gather(similarity, seeds, 0);
  const others = g.where(isSelf, 0, rows);
  const columnSums = g.sub(g.sum(similarity, [0]), self);
  const perColumn = g.div(1, g.add(g.max(columnSums, 0), EPSILON));
  /** x^T -> (T x)^T, T being S without its diagonal, columns divided by their sums. */
  const step = (x: Value) => {
    const scaled = g.mul(x, perColumn);
    return g.sub(g.matmul(scaled, similarity), g.mul(scaled, self));
  };

  const normalisations: Value[] = [];
  let sums = g.mul(columnSums, perColumn);
  for (let q = 1; q < iterations; q++) {
    const next = g.mul(g.sub(g.matmul(sums, similarity), g.mul(sums, self)), perColumn);
    normalisations.unshift(g.div(1, g.add(next, EPSILON)));
    sums = g.mul(next, normalisations[0]);
  }
  let second = normalised(g, others);
  for (const normalisation of normalisations) second = g.mul(step(second), normalisation);
  second = keepFrom(g, normalised(g, step(second)), secondThreshold / positions);

  return normalised(g, g.max(normalised(g, rows), secondWeight === 1 ? second : g.mul(second, secondWeight)));
}

/** Rows divided by their sums. */
function normalised(g: GraphBuilder, rows: Value): Value {
  return g.div(rows, g.add(g.sum(rows, [1]), EPSILON));
}

/** relu, and 0 below `threshold`. */
function keepFrom(g: GraphBuilder, x: Value, threshold: number): Value {
  return threshold > 0 ? g.where(g.greaterOrEqual(x, threshold), x, 0) : g.relu(x);
}
