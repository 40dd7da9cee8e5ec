/**
 * What a gradient rule is. A rule writes, as ordinary nodes, the gradient of the loss with respect to each input of a node from the
 * gradient with respect to its output. What nobody asks for costs nothing: the builder drops dead nodes.
 */
import type { GraphBuilder } from '../graph/builder';
import { range, sameShape, type GraphNode, type Shape, type Value } from '../graph/value';

export interface Backward {
  g: GraphBuilder;
  node: GraphNode;
  /** The node's inputs that are there. */
  inputs: readonly Value[];
  /** Its first output. */
  y: Value;
  /** Gradient of the loss with respect to `y`, of the same shape. */
  dy: Value;
  /** The same for every output of the node; undefined where the loss does not depend on one. */
  dys: readonly (Value | undefined)[];
}

/** One gradient per input, `undefined` where there is none (indices, axes, conditions). */
export type GradientRule = (backward: Backward) => readonly (Value | undefined)[];

/** Undoes broadcasting: the sum of `value` over what was broadcast from `shape`. */
export function sumTo(g: GraphBuilder, value: Value, shape: Shape): Value {
  if (sameShape(value.shape, shape)) return value;
  const added = value.rank - shape.length;
  const axes = range(value.rank).filter(i => i < added || (shape[i - added] === 1 && value.shape[i] !== 1));
  return g.reshape(g.sum(value, axes), shape);
}

export function zeros(g: GraphBuilder, shape: Shape): Value {
  return g.expand(g.scalar(0, shape.length), shape);
}
