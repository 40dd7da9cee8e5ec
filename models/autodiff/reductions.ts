/** Gradients of sums, means and maxima along axes. Where several elements share a maximum, they share its gradient. */
import { reductionAxes } from '../graph/reductions';
import type { Value } from '../graph/value';
import type { Backward, GradientRule } from './rule';

/** `value` (of the reduced shape, axes kept or not) with the axes kept. */
function kept({ g, node, inputs: [x] }: Backward, value: Value): Value {
  const axes = reductionAxes(node);
  return g.reshape(value, x.shape.map((d, i) => (axes.includes(i) ? 1 : d)));
}

const sum: GradientRule = backward => [backward.g.expand(kept(backward, backward.dy), backward.inputs[0].shape)];

const mean: GradientRule = backward => {
  const { g, inputs: [x], dy } = backward;
  return [g.expand(g.mul(kept(backward, dy), dy.size / x.size), x.shape)];
};

const extreme: GradientRule = backward => {
  const { g, inputs: [x], y, dy } = backward;
  const reached = g.cast(g.equal(x, kept(backward, y)), 'float32');
  return [g.mul(reached, g.div(kept(backward, dy), g.sum(reached, reductionAxes(backward.node))))];
};

export const reductionGradients: Record<string, GradientRule> = {
  ReduceSum: sum,
  ReduceMean: mean,
  ReduceMax: extreme,
  ReduceMin: extreme,
  ReduceSumSquare: backward => [backward.g.mul(backward.g.mul(kept(backward, backward.dy), 2), backward.inputs[0])],
};
