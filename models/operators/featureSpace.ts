/**
 * The heavy parts of a feature space (`src/pipeline/featureSpace.ts`) as ONNX graphs: second moments of many vectors, products with a covariance, and the projection of
 * a block of vectors. Vectors are columns.
 */
import { GraphBuilder } from '../graph/builder';
import type { Value } from '../graph/value';

/** What is added to each norm. */
const EPSILON = 1e-10;

/** Input `x` [C, N]; outputs `moments` [C, C] = y y^T and `sum` [C, 1], y = sqrt(relu(x)) if `root`, else x. */
export function momentsGraph(channels: number, vectors: number, root: boolean): Uint8Array {
  const g = new GraphBuilder('moments');
  const x = prepared(g, g.input('x', [channels, vectors]), root);
  g.output('moments', g.gemm(x, x, undefined, { transB: true }));
  g.output('sum', g.sum(x, [1]));
  return g.toOnnx();
}

/** Inputs `matrix` [C, C] and `columns` [C, K]; output `product` [C, K]. */
export function productGraph(channels: number, columns: number): Uint8Array {
  const g = new GraphBuilder('product');
  g.output('product', g.matmul(g.input('matrix', [channels, channels]), g.input('columns', [channels, columns])));
  return g.toOnnx();
}

export interface Projected {
  channels: number;
  /** D x C, row by row. */
  rows: Float32Array;
  /** C */
  mean: Float32Array;
  /** Of this layer's unit vectors among those of the others. */
  weight: number;
}

/**
 * Inputs `x0` [C0, N], `x1` [C1, N] …; output `y` [D0 + D1 + …, N]: each layer's projection times its weight; with `units`, as unit vectors before that, and as unit
 * vectors together.
 */
export function projectionGraph(layers: readonly Projected[], vectors: number, root: boolean, units: boolean): Uint8Array {
  const g = new GraphBuilder('projection');
  const parts = layers.map(({ channels, rows, mean, weight }, i) => {
    const x = prepared(g, g.input(`x${i}`, [channels, vectors]), root);
    const centred = g.sub(x, g.constant(mean, [channels, 1]));
    const projected = g.matmul(g.constant(rows, [rows.length / channels, channels]), centred);
    return g.mul(units ? unit(g, projected) : projected, weight);
  });
  const together = parts.length === 1 ? parts[0] : g.concat(parts, 0);
  g.output('y', units ? unit(g, together) : together);
  return g.toOnnx();
}

function prepared(g: GraphBuilder, x: Value, root: boolean): Value {
  return root ? g.sqrt(g.relu(x)) : x;
}

/** Columns of length 1; zeros stay. */
function unit(g: GraphBuilder, x: Value): Value {
  return g.div(x, g.add(g.sqrt(g.sum(g.mul(x, x), [0])), EPSILON));
}
