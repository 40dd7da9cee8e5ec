/**
 * Gradients of poolings. Maximum: the gradient goes to the position that the forward pass found (the first of equal ones). Average: each output's share goes to
 * all positions of its window.
 */
import type { GraphBuilder } from '../graph/builder';
import { windowOf } from '../graph/linear';
import { intAttribute, intsAttribute } from '../graph/shapeRule';
import { product, range, type Attributes, type Value } from '../graph/value';
import { scatterAdd, type Backward, type GradientRule } from './rule';

function maxPool({ g, options, node, inputs: [x], y, dy }: Backward): Value[] {
  if (options.maxPool === 'masks') return [byMasks(g, node.attributes, x, y, dy)];
  const [, positions] = g.ops('MaxPool', [x], node.attributes, 2);
  const flat = (value: Value): Value => g.reshape(value, [value.size]);
  return [g.reshape(scatterAdd(g, [x.size], flat(positions), flat(dy), 0), x.shape)];
}

/** Each output's gradient goes to the first element of its window that equals it: a map for each place in the window, all put where they belong by one transposed convolution. */
function byMasks(g: GraphBuilder, attributes: Attributes, x: Value, y: Value, dy: Value): Value {
  const kernel = intsAttribute(attributes, 'kernel_shape', [1, 1]);
  const { strides, dilations, pads } = windowOf(attributes);
  const [photos, channels] = x.shape;
  const [, , outHeight, outWidth] = dy.shape;
  const around = g.integers([0, 0, pads[0], pads[1], 0, 0, pads[2], pads[3]]);
  const padded = pads.some(p => p > 0) ? g.op('Pad', [x, around, g.scalar(-Infinity, 0, x.dtype)], { mode: 'constant' }) : x;
  const places = product(kernel);
  let open: Value | undefined;
  const maps = range(places).map(k => {
    const start = [Math.floor(k / kernel[1]) * dilations[0], (k % kernel[1]) * dilations[1]];
    const end = [start[0] + (outHeight - 1) * strides[0] + 1, start[1] + (outWidth - 1) * strides[1] + 1];
    const found = g.equal(g.slice(padded, start, end, [2, 3], strides), y);
    const first = open ? g.op('And', [found, open]) : found;
    const others = g.op('Not', [found]);
    open = open ? g.op('And', [open, others]) : others;
    return g.reshape(g.mul(dy, g.cast(first, dy.dtype)), [photos * channels, 1, outHeight, outWidth]);
  });
  const placing = g.constant(Float32Array.from({ length: places * places }, (_, i) => (i % (places + 1) === 0 ? 1 : 0)), [places, 1, ...kernel]);
  const spread = g.op('ConvTranspose', [g.concat(maps, 1), g.cast(placing, dy.dtype)], { kernel_shape: kernel, strides, dilations, pads, output_padding: rest(x, dy, kernel, attributes) });
  return g.reshape(spread, x.shape);
}

/** Rows and columns of `x` behind the last window. */
function rest(x: Value, dy: Value, kernel: readonly number[], attributes: Attributes): number[] {
  const { strides, dilations, pads } = windowOf(attributes);
  return range(2).map(i => x.shape[2 + i] - ((dy.shape[2 + i] - 1) * strides[i] + dilations[i] * (kernel[i] - 1) + 1 - pads[i] - pads[i + 2]));
}

function averagePool({ g, node, inputs: [x], dy }: Backward): Value[] {
  const { attributes } = node;
  if (intAttribute(attributes, 'ceil_mode', 0)) throw new Error('no gradient rule for AveragePool with ceil_mode');
  const kernel = intsAttribute(attributes, 'kernel_shape', [1, 1]);
  const { strides, dilations, pads } = windowOf(attributes);
  const [photos, channels, height, width] = x.shape;
  const [, , outHeight, outWidth] = dy.shape;
  const inside = (axis: 0 | 1, length: number, out: number): number[] =>
    range(out).map(o => range(kernel[axis]).filter(k => {
      const position = o * strides[axis] - pads[axis] + k * dilations[axis];
      return position >= 0 && position < length;
    }).length);
  const counted = intAttribute(attributes, 'count_include_pad', 0) === 1;
  const rows = counted ? range(outHeight).map(() => kernel[0]) : inside(0, height, outHeight);
  const columns = counted ? range(outWidth).map(() => kernel[1]) : inside(1, width, outWidth);
  const shares = g.constant(Float32Array.from(rows.flatMap(r => columns.map(c => 1 / (r * c)))), [1, 1, outHeight, outWidth]);
  const single = g.reshape(g.mul(dy, g.cast(shares, dy.dtype)), [photos * channels, 1, outHeight, outWidth]);
  const ones = g.constant(new Float32Array(product(kernel)).fill(1), [1, 1, ...kernel]);
  return [g.reshape(g.op('ConvTranspose', [single, g.cast(ones, dy.dtype)], { kernel_shape: kernel, strides, dilations, pads, output_padding: rest(x, dy, kernel, attributes) }), x.shape)];
}

export const poolGradients: Record<string, GradientRule> = {
  MaxPool: maxPool,
  AveragePool: averagePool,
  GlobalAveragePool: ({ g, inputs: [x], dy }) => [g.expand(g.mul(dy, dy.size / x.size), x.shape)],
};
