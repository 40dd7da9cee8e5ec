/** Shape rules of matrix products, convolutions, poolings and normalisations (images are N x C x H x W). */
import { intAttribute, intsAttribute, like, required, stringAttribute, type OutputType, type ShapeRule } from './shapeRule';
import { broadcast, positiveAxes, range, type Attributes, type Shape } from './value';

export interface Window {
  strides: readonly number[];
  dilations: readonly number[];
  group: number;
  /** Top, left, bottom, right. */
  pads: readonly number[];
}

/** The window of a 2-D convolution or pooling, with its defaults. @throws on auto_pad: write explicit pads (the runtime refuses SAME with dilation). */
export function windowOf(attributes: Attributes): Window {
  if (stringAttribute(attributes, 'auto_pad', 'NOTSET') !== 'NOTSET') throw new Error('auto_pad is not supported: write explicit pads');
  return {
    strides: intsAttribute(attributes, 'strides', [1, 1]),
    dilations: intsAttribute(attributes, 'dilations', [1, 1]),
    group: intAttribute(attributes, 'group', 1),
    pads: intsAttribute(attributes, 'pads', [0, 0, 0, 0]),
  };
}

function windowOutput(image: Shape, kernel: Shape, attributes: Attributes): number[] {
  const { strides, dilations, pads } = windowOf(attributes);
  return range(2).map(i => {
    const free = image[2 + i] + pads[i] + pads[i + 2] - (dilations[i] * (kernel[i] - 1) + 1);
    if (free < 0) throw new Error(`a ${kernel.join(' x ')} window does not fit in [${image}]`);
    return Math.floor(free / strides[i]) + 1;
  });
}

const pool: ShapeRule = (inputs, attributes) => {
  const x = required(inputs, 0);
  const shape = [x.shape[0], x.shape[1], ...windowOutput(x.shape, intsAttribute(attributes, 'kernel_shape', []), attributes)];
  return [{ shape, dtype: x.dtype }, { shape, dtype: 'int64' }];
};

const same: ShapeRule = inputs => [like(required(inputs, 0))];

export const linearRules = {
  MatMul: inputs => {
    const a = required(inputs, 0);
    const b = required(inputs, 1);
    if (a.rank < 2 || b.rank < 2 || a.shape[a.rank - 1] !== b.shape[b.rank - 2]) throw new Error(`[${a.shape}] x [${b.shape}]`);
    return [{ shape: [...broadcast(a.shape.slice(0, -2), b.shape.slice(0, -2)), a.shape[a.rank - 2], b.shape[b.rank - 1]], dtype: a.dtype }];
  },
  Gemm: (inputs, attributes) => {
    const a = required(inputs, 0);
    const b = required(inputs, 1);
    const [rows, inner] = intAttribute(attributes, 'transA', 0) ? [a.shape[1], a.shape[0]] : [a.shape[0], a.shape[1]];
    const [innerB, columns] = intAttribute(attributes, 'transB', 0) ? [b.shape[1], b.shape[0]] : [b.shape[0], b.shape[1]];
    if (a.rank !== 2 || b.rank !== 2 || inner !== innerB) throw new Error(`[${a.shape}] x [${b.shape}]`);
    return [{ shape: [rows, columns], dtype: a.dtype }];
  },
  Conv: (inputs, attributes) => {
    const x = required(inputs, 0);
    const w = required(inputs, 1);
    if (x.rank !== 4 || w.rank !== 4 || x.shape[1] !== w.shape[1] * windowOf(attributes).group) throw new Error(`[${x.shape}] * [${w.shape}]`);
    return [{ shape: [x.shape[0], w.shape[0], ...windowOutput(x.shape, w.shape.slice(2), attributes)], dtype: x.dtype }];
  },
  ConvTranspose: (inputs, attributes) => {
    const x = required(inputs, 0);
    const w = required(inputs, 1);
    const { strides, dilations, group, pads } = windowOf(attributes);
    const extra = intsAttribute(attributes, 'output_padding', [0, 0]);
    const spatial = range(2).map(i => strides[i] * (x.shape[2 + i] - 1) + extra[i] + dilations[i] * (w.shape[2 + i] - 1) + 1 - pads[i] - pads[i + 2]);
    return [{ shape: [x.shape[0], w.shape[1] * group, ...spatial], dtype: x.dtype }];
  },
  MaxPool: pool,
  AveragePool: (inputs, attributes) => pool(inputs, attributes).slice(0, 1),
  GlobalAveragePool: inputs => {
    const x = required(inputs, 0);
    return [{ shape: [x.shape[0], x.shape[1], 1, 1], dtype: x.dtype }];
  },
  InstanceNormalization: same,
  /** With the stored statistics (the trained kind is made of simpler operators: see normalise.ts). */
  BatchNormalization: same,
  LayerNormalization: (inputs, attributes) => {
    const x = required(inputs, 0);
    const [axis] = positiveAxes([intAttribute(attributes, 'axis', -1)], x.rank);
    const statistics: OutputType = { shape: x.shape.map((d, i) => (i >= axis ? 1 : d)), dtype: x.dtype };
    return [like(x), statistics, statistics];
  },
} satisfies Record<string, ShapeRule>;
