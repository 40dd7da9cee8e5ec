/** Gradients of the operators that move elements: the same move backwards. */
import { sliceRanges } from '../graph/layout';
import { constantNumbers, intAttribute, intsAttribute, stringAttribute } from '../graph/shapeRule';
import { positiveAxes, range, type Value } from '../graph/value';
import { scatterAdd, sumTo, zeros, type Backward, type GradientRule } from './rule';

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

/** Each element of the border belongs to the element that it repeats ('edge', 'reflect'), or to nobody. */
function pad({ g, node, inputs: [x, pads], dy }: Backward): Value[] {
  const mode = stringAttribute(node.attributes, 'mode', 'constant');
  const before = constantNumbers(pads).slice(0, x.rank);
  if (mode === 'constant') return [g.slice(dy, before, x.shape.map((d, i) => before[i] + d), range(x.rank))];
  if (mode !== 'edge' && mode !== 'reflect') throw new Error(`no gradient rule for Pad '${mode}'`);
  let gradient = dy;
  x.shape.forEach((length, axis) => {
    if (dy.shape[axis] === length) return;
    const sources = range(dy.shape[axis]).map(i => {
      const position = i - before[axis];
      if (mode === 'edge') return Math.min(Math.max(position, 0), length - 1);
      return position < 0 ? -position : position >= length ? 2 * (length - 1) - position : position;
    });
    const shape = gradient.shape.map((d, i) => (i === axis ? length : d));
    const positions = g.reshape(g.integers(sources), gradient.shape.map((d, i) => (i === axis ? d : 1)));
    gradient = scatterAdd(g, shape, g.expand(positions, gradient.shape), gradient, axis);
  });
  return [gradient];
}

function split({ g, node, dys }: Backward): Value[] {
  return [g.concat(dys.map((dy, i) => dy ?? zeros(g, node.outputs[i].shape, node.outputs[i].dtype)), intAttribute(node.attributes, 'axis', 0))];
}

function gather({ g, node, inputs: [x, indices], dy }: Backward): (Value | undefined)[] {
  const [axis] = positiveAxes([intAttribute(node.attributes, 'axis', 0)], x.rank);
  const shape = x.shape.map((d, i) => (i === axis ? indices.size : d));
  const positions = g.expand(g.reshape(indices, shape.map((d, i) => (i === axis ? d : 1))), shape);
  return [scatterAdd(g, x.shape, positions, g.reshape(dy, shape), axis), undefined];
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
  GatherElements: ({ g, node, inputs: [x, indices], dy }) => [scatterAdd(g, x.shape, indices, dy, intAttribute(node.attributes, 'axis', 0)), undefined],
  TopK: ({ g, node, inputs: [x], dy }) => [scatterAdd(g, x.shape, g.ops('TopK', node.inputs, node.attributes, 2)[1], dy, intAttribute(node.attributes, 'axis', -1)), undefined],
  Split: split,
  Expand: ({ g, inputs: [x], dy }) => [sumTo(g, dy, x.shape)],
};
