/** Shape rules of the operators that move elements without computing: reshape, transpose, slice, gather, pad, resize, … */
import { constantNumbers, intAttribute, intsAttribute, like, required, type ShapeRule } from './shapeRule';
import { broadcast, positiveAxes, product, range, type Shape, type Value } from './value';

export interface SliceRange {
  axis: number;
  start: number;
  /** Elements taken. */
  length: number;
  step: number;
}

/** The ranges that a Slice takes, with negative positions and missing axes resolved. */
export function sliceRanges(inputs: readonly (Value | undefined)[]): SliceRange[] {
  const x = required(inputs, 0);
  const starts = constantNumbers(required(inputs, 1));
  const ends = constantNumbers(required(inputs, 2));
  const axes = inputs[3] ? positiveAxes(constantNumbers(inputs[3]), x.rank) : range(starts.length);
  const steps = inputs[4] ? constantNumbers(inputs[4]) : starts.map(() => 1);
  return axes.map((axis, i) => {
    const size = x.shape[axis];
    const step = steps[i];
    const [low, high] = step > 0 ? [0, size] : [-1, size - 1];
    const clamp = (position: number): number => Math.min(Math.max(position < 0 ? position + size : position, low), high);
    const start = clamp(starts[i]);
    return { axis, start, step, length: Math.max(0, Math.ceil((clamp(ends[i]) - start) / step)) };
  });
}

function reshaped(from: Shape, target: readonly number[]): number[] {
  const shape = target.map((d, i) => (d === 0 ? from[i] : d));
  const free = shape.indexOf(-1);
  if (free >= 0) shape[free] = product(from) / -product(shape);
  if (product(shape) !== product(from)) throw new Error(`[${from}] cannot be reshaped to [${target}]`);
  return shape;
}

export const layoutRules = {
  Reshape: inputs => {
    const x = required(inputs, 0);
    return [{ shape: reshaped(x.shape, constantNumbers(required(inputs, 1))), dtype: x.dtype }];
  },
  Shape: inputs => [{ shape: [required(inputs, 0).rank], dtype: 'int64' }],
  Flatten: (inputs, attributes) => {
    const x = required(inputs, 0);
    const axis = intAttribute(attributes, 'axis', 1);
    return [{ shape: [product(x.shape.slice(0, axis)), product(x.shape.slice(axis))], dtype: x.dtype }];
  },
  Transpose: (inputs, attributes) => {
    const x = required(inputs, 0);
    return [{ shape: intsAttribute(attributes, 'perm', range(x.rank).reverse()).map(i => x.shape[i]), dtype: x.dtype }];
  },
  Squeeze: inputs => {
    const x = required(inputs, 0);
    const axes = inputs[1] ? positiveAxes(constantNumbers(inputs[1]), x.rank) : range(x.rank).filter(i => x.shape[i] === 1);
    return [{ shape: x.shape.filter((_, i) => !axes.includes(i)), dtype: x.dtype }];
  },
  Unsqueeze: inputs => {
    const x = required(inputs, 0);
    const added = constantNumbers(required(inputs, 1));
    const shape = [...x.shape];
    for (const axis of positiveAxes(added, x.rank + added.length).sort((a, b) => a - b)) shape.splice(axis, 0, 1);
    return [{ shape, dtype: x.dtype }];
  },
  Expand: inputs => {
    const x = required(inputs, 0);
    return [{ shape: broadcast(x.shape, constantNumbers(required(inputs, 1))), dtype: x.dtype }];
  },
  Tile: inputs => {
    const x = required(inputs, 0);
    const repeats = constantNumbers(required(inputs, 1));
    return [{ shape: x.shape.map((d, i) => d * repeats[i]), dtype: x.dtype }];
  },
  Concat: (inputs, attributes) => {
    const first = required(inputs, 0);
    const [axis] = positiveAxes([intAttribute(attributes, 'axis', 0)], first.rank);
    let length = 0;
    inputs.forEach((_, i) => {
      const { shape } = required(inputs, i);
      if (shape.length !== first.rank || shape.some((d, k) => k !== axis && d !== first.shape[k])) throw new Error(`[${shape}] does not continue [${first.shape}] along ${axis}`);
      length += shape[axis];
    });
    return [{ shape: first.shape.map((d, i) => (i === axis ? length : d)), dtype: first.dtype }];
  },
  /** By sizes (second input). */
  Split: (inputs, attributes) => {
    const x = required(inputs, 0);
    const [axis] = positiveAxes([intAttribute(attributes, 'axis', 0)], x.rank);
    const sizes = constantNumbers(required(inputs, 1));
    if (sizes.reduce((a, b) => a + b, 0) !== x.shape[axis]) throw new Error(`[${sizes}] are not the parts of ${x.shape[axis]}`);
    return sizes.map(size => ({ shape: x.shape.map((d, i) => (i === axis ? size : d)), dtype: x.dtype }));
  },
  Slice: inputs => {
    const x = required(inputs, 0);
    const shape = [...x.shape];
    for (const { axis, length } of sliceRanges(inputs)) shape[axis] = length;
    return [{ shape, dtype: x.dtype }];
  },
  Pad: inputs => {
    const x = required(inputs, 0);
    const pads = constantNumbers(required(inputs, 1));
    return [{ shape: x.shape.map((d, i) => d + pads[i] + pads[i + x.rank]), dtype: x.dtype }];
  },
  Gather: (inputs, attributes) => {
    const x = required(inputs, 0);
    const [axis] = positiveAxes([intAttribute(attributes, 'axis', 0)], x.rank);
    const shape = [...x.shape];
    shape.splice(axis, 1, ...required(inputs, 1).shape);
    return [{ shape, dtype: x.dtype }];
  },
  GatherElements: inputs => [{ shape: required(inputs, 1).shape, dtype: required(inputs, 0).dtype }],
  ScatterElements: inputs => [like(required(inputs, 0))],
  ScatterND: inputs => [like(required(inputs, 0))],
  Trilu: inputs => [like(required(inputs, 0))],
  /** By sizes (fourth input) or scales (third). */
  Resize: inputs => {
    const x = required(inputs, 0);
    if (inputs[3]) return [{ shape: constantNumbers(inputs[3]), dtype: x.dtype }];
    const scales = constantNumbers(required(inputs, 2));
    return [{ shape: x.shape.map((d, i) => Math.floor(d * scales[i])), dtype: x.dtype }];
  },
} satisfies Record<string, ShapeRule>;
