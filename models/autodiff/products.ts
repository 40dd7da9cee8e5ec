/** Gradients of matrix products. */
import { intAttribute, floatAttribute } from '../graph/shapeRule';
import { range, type Value } from '../graph/value';
import type { GraphBuilder } from '../graph/builder';
import { sumTo, type Backward, type GradientRule } from './rule';

function transposed(g: GraphBuilder, matrix: Value): Value {
  const axes = range(matrix.rank);
  return g.transpose(matrix, [...axes.slice(0, -2), matrix.rank - 1, matrix.rank - 2]);
}

function matmul({ g, inputs: [a, b], dy }: Backward): Value[] {
  const da = sumTo(g, g.matmul(dy, transposed(g, b)), a.shape);
  if (b.rank > 2 || a.rank === 2) return [da, sumTo(g, g.matmul(transposed(g, a), dy), b.shape)];
  // One weight matrix for a batch of matrices: one large product instead of a batch of products and their sum.
  const [inner, columns] = b.shape;
  return [da, g.gemm(g.reshape(a, [a.size / inner, inner]), g.reshape(dy, [dy.size / columns, columns]), undefined, { transA: true })];
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
