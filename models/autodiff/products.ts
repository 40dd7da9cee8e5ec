/** Gradients of matrix products. */
import { intAttribute, floatAttribute } from '../graph/shapeRule';
import { range, type Value } from '../graph/value';
import type { GraphBuilder } from '../graph/builder';
import { sumTo, type Backward, type GradientRule } from './rule';

function transposed(g: GraphBuilder, matrix: Value): Value {
  const axes = range(matrix.rank);
  return g.transpose(matrix, [...axes.slice(0, -2), matrix.rank - 1, matrix.rank - 2]);
}

/** Rows from which a transposed copy pays. */
const LONG = 512;

/**
 * a^T b over many rows. The runtime would make one product with a transposed operand of it, which its CPU provider computes 10 to 20 % slower than a copy and a plain
 * product: a further axis keeps the two apart.
 */
function overRows(g: GraphBuilder, a: Value, b: Value): Value {
  const turned = transposed(g, a);
  if (a.shape[a.rank - 2] < LONG) return g.matmul(turned, b);
  const apart = ({ shape }: Value): number[] => [...shape.slice(0, -2), 1, ...shape.slice(-2)];
  const products = g.matmul(g.reshape(turned, apart(turned)), g.reshape(b, apart(b)));
  return g.reshape(products, [...products.shape.slice(0, -3), ...products.shape.slice(-2)]);
}

function matmul({ g, inputs: [a, b], dy }: Backward): Value[] {
  const da = sumTo(g, g.matmul(dy, transposed(g, b)), a.shape);
  if (b.rank > 2 || a.rank === 2) return [da, sumTo(g, overRows(g, a, dy), b.shape)];
  // One weight matrix for a batch of matrices: one large product instead of a batch of products and their sum.
  const [inner, columns] = b.shape;
  return [da, overRows(g, g.reshape(a, [a.size / inner, inner]), g.reshape(dy, [dy.size / columns, columns]))];
}

function gemm({ g, node, inputs: [a, b, c], dy }: Backward): Value[] {
  const { attributes } = node;
  if (floatAttribute(attributes, 'alpha', 1) !== 1 || floatAttribute(attributes, 'beta', 1) !== 1) throw new Error('no gradient rule for Gemm with alpha or beta');
  const transA = intAttribute(attributes, 'transA', 0) === 1;
  const transB = intAttribute(attributes, 'transB', 0) === 1;
  const da = transA ? g.gemm(b, dy, undefined, { transA: transB, transB: true }) : g.gemm(dy, b, undefined, { transB: !transB });
  const db = transB ? g.gemm(dy, a, undefined, { transA: true, transB: transA }) : g.gemm(a, dy, undefined, { transA: !transA });
  return c ? [da, db, sumTo(g, dy, c.shape)] : [da, db];
}

export const productGradients: Record<string, GradientRule> = { MatMul: matmul, Gemm: gemm };
