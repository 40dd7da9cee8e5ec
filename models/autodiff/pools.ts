/**
 * Gradients of poolings. Maximum: the gradient goes to the position that the forward pass found (the first of equal ones). Average: each output's share goes to
 * all positions of its window.
 */
import { windowOf } from '../graph/linear';
import { intAttribute, intsAttribute } from '../graph/shapeRule';
import { product, range, type Value } from '../graph/value';
import { scatterAdd, type Backward, type GradientRule } from './rule';

function maxPool({ g, node, inputs: [x], dy }: Backward): Value[] {
  // The runtime merges this with the forward node where that has its positions, too.
  const [, positions] = g.ops('MaxPool', [x], node.attributes, 2);
  const flat = (value: Value): Value => g.reshape(value, [value.size]);
  return [g.reshape(scatterAdd(g, [x.size], flat(positions), flat(dy), 0), x.shape)];
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
  const rest = range(2).map(i => x.shape[2 + i] - ((dy.shape[2 + i] - 1) * strides[i] + dilations[i] * (kernel[i] - 1) + 1 - pads[i] - pads[i + 2]));
  return [g.reshape(g.op('ConvTranspose', [single, g.cast(ones, dy.dtype)], { kernel_shape: kernel, strides, dilations, pads, output_padding: rest }), x.shape)];
}

export const poolGradients: Record<string, GradientRule> = {
  MaxPool: maxPool,
  AveragePool: averagePool,
  GlobalAveragePool: ({ g, inputs: [x], dy }) => [g.expand(g.mul(dy, dy.size / x.size), x.shape)],
};
