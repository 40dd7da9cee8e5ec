/** Gradients of the operators that move elements: the same move backwards. */
import { sliceRanges } from '../graph/layout';
import { constantNumbers, intAttribute, intsAttribute, stringAttribute } from '../graph/shapeRule';
import { positiveAxes, range, type Value } from '../graph/value';
import { sumTo, zeros, type Backward, type GradientRule } from './rule';

const reshape: GradientRule = ({ g, inputs: [x], dy }) => [g.reshape(dy, x.shape)];

function transpose({ g, node, inputs: [x], dy }: Backward): Value[] {
  const perm = intsAttribute(node.attributes, 'perm', range(x.rank).reverse());
  return [g.transpose(dy, range(x.rank).map(axis => perm.indexOf(axis)))];
}

function concat({ g, node, inputs, dy }: Backward): Value[] {
  const [axis] = positiveAxes([intAttribute(node.attributes, 'axis', 0)], dy.rank);
  let start = 0;
  return inputs.map(part => {
    const end = start + part.shape[axis];
    const gradient = g.slice(dy, [start], [end], [axis]);
    start = end;
    return gradient;
  });
}

/** Zeros everywhere but in the slice. A step is undone by putting zeros behind each row. */
function slice({ g, node, inputs: [x], dy }: Backward): Value[] {
  const pads = new Array<number>(2 * x.rank).fill(0);
  let spread = dy;
  for (const { axis, start, step, length } of sliceRanges(node.inputs)) {
    if (step < 1) throw new Error('no gradient rule for Slice with a negative step');
    if (step > 1) spread = spaced(g, spread, axis, step);
    pads[axis] = start;
    pads[axis + x.rank] = x.shape[axis] - start - (length - 1) * step - 1;
  }
  return [g.pad(spread, pads)];
}

/** Rows of `value` along `axis` with step - 1 rows of zeros between them. */
function spaced(g: Backward['g'], value: Value, axis: number, step: number): Value {
  const length = value.shape[axis];
  const split = value.shape.flatMap((d, i) => (i === axis ? [d, 1] : [d]));
  const pads = new Array<number>(2 * split.length).fill(0);
  pads[split.length + axis + 1] = step - 1;
  const filled = g.reshape(g.pad(g.reshape(value, split), pads), value.shape.map((d, i) => (i === axis ? d * step : d)));
  return g.slice(filled, [0], [(length - 1) * step + 1], [axis]);
}

function pad({ g, node, inputs: [x, pads], dy }: Backward): Value[] {
  if (stringAttribute(node.attributes, 'mode', 'constant') !== 'constant') throw new Error('no gradient rule for Pad other than with a constant');
  const before = constantNumbers(pads).slice(0, x.rank);
  return [g.slice(dy, before, x.shape.map((d, i) => before[i] + d), range(x.rank))];
}

function gather({ g, node, inputs: [x, indices], dy }: Backward): (Value | undefined)[] {
  const [axis] = positiveAxes([intAttribute(node.attributes, 'axis', 0)], x.rank);
  const shape = x.shape.map((d, i) => (i === axis ? indices.size : d));
  const positions = g.expand(g.reshape(indices, shape.map((d, i) => (i === axis ? d : 1))), shape);
  return [g.op('ScatterElements', [zeros(g, x.shape), positions, g.reshape(dy, shape)], { axis, reduction: 'add' }), undefined];
}

export const layoutGradients: Record<string, GradientRule> = {
  Reshape: reshape,
  Flatten: reshape,
  Squeeze: reshape,
  Unsqueeze: reshape,
  Transpose: transpose,
  Concat: concat,
  Slice: slice,
  Pad: pad,
  Gather: gather,
  Expand: ({ g, inputs: [x], dy }) => [sumTo(g, dy, x.shape)],
};
