/**
 * What a gradient rule is. A rule writes, as ordinary nodes, the gradient of the loss with respect to each input of a node from the
 * gradient with respect to its output. What nobody asks for costs nothing: the builder drops dead nodes.
 */
import type { GraphBuilder } from '../graph/builder';
import { range, sameShape, type DType, type GraphNode, type Shape, type Value } from '../graph/value';

export interface GradientOptions {
  /** What the gradients are multiplied by, of the loss's shape; default: 1. */
  scale?: Value;
  /** How a maximum's place is found again: by the positions that MaxPool tells (faster on a CPU), or by comparing (where a provider has none: WebGPU). */
  maxPool?: 'positions' | 'masks';
}

export interface Backward {
  g: GraphBuilder;
  options: GradientOptions;
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
  return g.reshape(wideSum(g, value, axes), shape);
}

/** A sum that is added up in single precision, in the type of `value`, its axes kept. */
export function wideSum(g: GraphBuilder, value: Value, axes: readonly number[]): Value {
  return g.cast(g.sum(g.cast(value, 'float32'), axes), value.dtype);
}

export function zeros(g: GraphBuilder, shape: Shape, dtype: DType = 'float32'): Value {
  return g.expand(g.scalar(0, shape.length, dtype), shape);
}

/** `values` added up at their `positions` along `axis` of zeros of `shape`, in single precision, which is the only one the runtime's CPU provider does this in. */
export function scatterAdd(g: GraphBuilder, shape: Shape, positions: Value, values: Value, axis: number): Value {
  const sums = g.op('ScatterElements', [zeros(g, shape), positions, g.cast(values, 'float32')], { axis, reduction: 'add' });
  return g.cast(sums, values.dtype);
}
