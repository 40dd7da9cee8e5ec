/**
 * Dynamic loss scaling as nodes of the training graph. The state `scaling` is [scale, good steps since it changed, steps left out]:
 *
 *     gradients = d (scale loss) / scale;  finite = their squares add up to a number
 *     finite:      the step is made; after `growEvery` good ones in a row the scale doubles
 *     not finite:  all other state stays as it is; the scale halves
 */
import { SeedMaskError } from '../src/shared/errors';
import type { GraphBuilder } from './graph/builder';
import { range, type Value } from './graph/value';

export interface LossScale {
  start: number;
  /** Good steps in a row that double the scale. */
  growEvery: number;
}

export const LOSS_SCALE: LossScale = { start: 2 ** 16, growEvery: 1000 };

export const SCALING = 'scaling';
const LARGEST_SCALE = 2 ** 24;
/** Above all numbers that a training has, below infinity. */
const LARGEST = 3e38;

/** The state before the first step. */
export function scalingStart({ start }: LossScale): number[] {
  return [start, 0, 0];
}

/** The scale as a number of rank `rank`. @param scaling [3] */
export function scaleOf(g: GraphBuilder, scaling: Value, rank: number): Value {
  return g.reshape(g.slice(scaling, [0], [1], [0]), range(rank).map(() => 1));
}

/** Gradients of the scaled loss, of the loss itself; and whether all are numbers (bool []). Where one is not, all are 0. */
export function unscaled(g: GraphBuilder, gradients: readonly Value[], scaling: Value): { gradients: Value[]; finite: Value } {
  const factor = g.div(g.scalar(1, 1), g.slice(scaling, [0], [1], [0]));
  const plain = gradients.map(gradient => g.mul(gradient, factor));
  const squares = plain.map(gradient => g.reshape(g.sum(g.mul(gradient, gradient), range(gradient.rank)), [1]));
  const finite = isFinite(g, g.sum(g.concat(squares, 0), [0], false));
  return { gradients: plain.map(gradient => g.where(finite, gradient, 0)), finite };
}

/** `scaling` after a step. */
export function nextScaling(g: GraphBuilder, scaling: Value, finite: Value, { growEvery }: LossScale): Value {
  const [scale, good, left] = range(3).map(i => g.slice(scaling, [i], [i + 1], [0]));
  const row = g.add(good, 1);
  const full = g.greaterOrEqual(row, growEvery);
  const grown = g.concat([g.where(full, g.min(g.mul(scale, 2), LARGEST_SCALE), scale), g.where(full, 0, row), left], 0);
  return g.where(finite, grown, g.concat([g.mul(scale, 0.5), g.mul(good, 0), g.add(left, 1)], 0));
}

/** Bool of `x`'s shape; not a number is not finite. */
function isFinite(g: GraphBuilder, x: Value): Value {
  return g.less(g.abs(x), LARGEST);
}

/** What a graph may tell of a loss that ran over: 0 in place of what is no number. */
export function finiteOrZero(g: GraphBuilder, x: Value): Value {
  return g.where(isFinite(g, x), x, 0);
}

/** Steps that were left out so far. @throws SeedMaskError 'numeric' where scaling down no longer helps */
export function stepsLeftOut([scale, , left]: Float32Array): number {
  if (scale < 1) throw new SeedMaskError('numeric', 'the loss or its gradients do not fit half precision, however small they are scaled: train with precision "float32"');
  return left;
}
