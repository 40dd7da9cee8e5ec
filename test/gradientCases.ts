/**
 * One case an operator (or its ways), each differentiated in `test/engine/gradients.test.ts` against finite differences and in `bench/gradients.ts` against PyTorch.
 */
import type { GraphBuilder } from '../models/graph/builder';
import { batchNorm, groupNorm, storedBatchNorm } from '../models/graph/normalise';
import type { Value } from '../models/graph/value';

/** Deterministic numbers in -1..1, away from 0 and from each other, so that no step crosses a kink. */
export function numbers(size: number, seed: number): Float32Array {
  let state = seed * 2654435761 + 1;
  return Float32Array.from({ length: size }, () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    const value = (state / 2 ** 31 - 1) * 0.9;
    return value + Math.sign(value) * 0.1;
  });
}

/** Shapes of the inputs, and what is made of them. */
export type Case = { shapes: number[][]; build: (g: GraphBuilder, ...x: Value[]) => Value };
const one = (shape: number[], build: (g: GraphBuilder, x: Value) => Value): Case => ({ shapes: [shape], build });
const two = (a: number[], b: number[], build: (g: GraphBuilder, a: Value, b: Value) => Value): Case => ({ shapes: [a, b], build });

export const CASES: Record<string, Case> = {
  'add, sub with broadcast': two([2, 3, 4], [3, 1], (g, a, b) => g.sub(g.add(a, b), g.mul(b, 3))),
  'mul with broadcast': two([2, 3, 4], [4], (g, a, b) => g.mul(a, b)),
  'div with broadcast': two([2, 3], [2, 1], (g, a, b) => g.div(a, g.add(g.mul(b, b), 1))),
  'one value used twice': one([3, 3], (g, x) => g.mul(g.matmul(x, x), x)),
  'a scalar parameter': two([2, 3, 1], [], (g, a, b) => g.mul(a, b)),
  'max and min': two([4, 3], [1, 3], (g, a, b) => g.add(g.max(a, g.mul(b, 0.3)), g.min(a, b))),
  'pow': one([5], (g, x) => g.add(g.pow(x, 2), g.pow(g.add(g.abs(x), 1), 1.5))),
  'where': two([4, 3], [3], (g, a, b) => g.where(g.greater(a, 0), g.mul(a, 2), b)),
  'clip': one([7], (g, x) => g.op('Clip', [x, g.scalar(-0.5), g.scalar(0.4)])),
  'clip from above': one([7], (g, x) => g.op('Clip', [x, undefined, g.scalar(0.4)])),
  'relu, abs, neg': one([9], (g, x) => g.add(g.relu(x), g.neg(g.abs(x)))),
  'exp, log, sqrt, reciprocal': one([6], (g, x) => g.log(g.add(g.sqrt(g.exp(x)), g.op('Reciprocal', [g.add(g.mul(x, x), 1)])))),
  'sigmoid, tanh, softplus': one([6], (g, x) => g.add(g.sigmoid(x), g.mul(g.op('Tanh', [x]), g.softplus(x)))),
  'softmax over the last axis': one([3, 5], (g, x) => g.softmax(x)),
  'softmax over channels': one([2, 4, 2, 2], (g, x) => g.softmax(x, 1)),
  'log softmax': one([3, 5], (g, x) => g.logSoftmax(x)),
  'sum, axes kept': one([2, 3, 4], (g, x) => g.mul(g.sum(x, [0, 2]), x)),
  'sum, axes dropped': one([2, 3, 4], (g, x) => g.sum(x, [-1], false)),
  'mean': one([2, 3, 4], (g, x) => g.mean(x, [1], false)),
  'max over axes': one([3, 4], (g, x) => g.reduceMax(x, [1])),
  'min over axes': one([3, 4], (g, x) => g.reduceMin(x, [0], false)),
  'sum of squares': one([3, 4], (g, x) => g.op('ReduceSumSquare', [x, g.integers([1])], { keepdims: 0 })),
  'global average': one([2, 3, 4, 5], (g, x) => g.op('GlobalAveragePool', [x])),
  'matmul': two([3, 4], [4, 2], (g, a, b) => g.matmul(a, b)),
  'batched matmul with one weight matrix': two([2, 3, 4], [4, 2], (g, a, b) => g.matmul(a, b)),
  'batched matmul with broadcast': two([2, 1, 3, 4], [5, 4, 2], (g, a, b) => g.matmul(a, b)),
  'matmul over many rows': two([600, 3], [3, 2], (g, a, b) => g.matmul(a, b)),
  'batched matmul over many rows, broadcast': two([2, 1, 520, 3], [2, 3, 2], (g, a, b) => g.matmul(a, b)),
  ...Object.fromEntries([[0, 0], [0, 1], [1, 0], [1, 1]].map(([ta, tb]) => [
    `gemm ${ta} ${tb}`,
    { shapes: [ta ? [4, 3] : [3, 4], tb ? [2, 4] : [4, 2], [2]], build: (g, a, b, c) => g.gemm(a, b, c, { transA: !!ta, transB: !!tb }) } satisfies Case,
  ])),
  'conv 1x1 with bias': { shapes: [[2, 3, 4, 4], [5, 3, 1, 1], [5]], build: (g, x, w, b) => g.conv(x, w, b) },
  'conv 3x3 padded': two([2, 3, 5, 4], [4, 3, 3, 3], (g, x, w) => g.conv(x, w, undefined, { pads: [1, 1, 1, 1] })),
  'conv 3x3 dilated, uneven padding': two([1, 2, 7, 6], [3, 2, 3, 3], (g, x, w) => g.conv(x, w, undefined, { dilations: [2, 1], pads: [2, 0, 1, 1] })),
  'conv 3x3 stride 2': two([1, 2, 8, 7], [3, 2, 3, 3], (g, x, w) => g.conv(x, w, undefined, { strides: [2, 2], pads: [1, 1, 1, 1] })),
  'conv of many channels, stride 2, dilated': two([2, 6, 9, 8], [3, 6, 3, 2], (g, x, w) => g.conv(x, w, undefined, { strides: [2, 1], dilations: [1, 2], pads: [1, 1, 0, 1] })),
  'conv of few channels, stride 2, dilated': two([2, 3, 9, 8], [4, 3, 3, 2], (g, x, w) => g.conv(x, w, undefined, { strides: [2, 3], dilations: [2, 1], pads: [1, 1, 0, 1] })),
  'conv 1x1 on a large map, stride 2, padded': two([2, 5, 11, 14], [6, 5, 1, 1], (g, x, w) => g.conv(x, w, undefined, { strides: [2, 2], pads: [1, 0, 0, 1] })),
  'conv 1x1 on a small map': two([3, 12, 2, 2], [10, 12, 1, 1], (g, x, w) => g.conv(x, w)),
  'conv with more padding than reach': two([1, 2, 4, 4], [3, 2, 2, 2], (g, x, w) => g.conv(x, w, undefined, { pads: [2, 2, 2, 2] })),
  'reshape, transpose': one([2, 3, 4], (g, x) => g.matmul(g.reshape(g.transpose(x, [2, 0, 1]), [4, 6]), g.reshape(x, [6, 4]))),
  'squeeze, unsqueeze, flatten': one([2, 1, 3], (g, x) => g.op('Flatten', [g.op('Unsqueeze', [g.op('Squeeze', [x, g.integers([1])]), g.integers([0])])])),
  'concat': two([2, 3], [2, 2], (g, a, b) => g.concat([a, b, g.mul(a, 2)], 1)),
  'slice with step': one([3, 9], (g, x) => g.slice(x, [1, 1], [3, 8], [0, 1], [1, 3])),
  'pad': one([2, 3], (g, x) => g.pad(x, [1, 0, 0, 2])),
  'gather with repeats': one([4, 3], (g, x) => g.gather(x, g.constant(BigInt64Array.of(2n, 0n, 2n, 3n), [2, 2]))),
  'resize up and down': one([1, 2, 4, 6], (g, x) => g.resize(x, 7, 3)),
  'resize with aligned corners': one([1, 2, 3, 4], (g, x) => g.resize(x, 6, 7, 'linear', 'align_corners')),
  'erf, gelu': one([6], (g, x) => g.add(g.op('Erf', [x]), g.mul(g.op('Gelu', [x]), g.op('Gelu', [g.mul(x, 0.7)], { approximate: 'tanh' })))),
  'leaky relu, elu': one([9], (g, x) => g.add(g.op('LeakyRelu', [x], { alpha: { float: 0.2 } }), g.op('Elu', [x], { alpha: { float: 0.7 } }))),
  'hard sigmoid, hard swish': one([12], (g, x) => g.add(g.op('HardSigmoid', [g.mul(x, 4)], { alpha: { float: 0.25 } }), g.op('HardSwish', [g.mul(x, 5)]))),
  'steps are flat': one([5], (g, x) => g.mul(g.op('Sign', [x]), g.add(x, g.op('Floor', [g.mul(x, 0.5)])))),
  'conv in groups': two([2, 6, 5, 5], [4, 3, 3, 3], (g, x, w) => g.conv(x, w, undefined, { pads: [1, 1, 1, 1], group: 2 })),
  'conv in groups, stride 2, dilated': two([1, 4, 9, 8], [6, 2, 3, 3], (g, x, w) => g.conv(x, w, undefined, { pads: [1, 2, 1, 2], strides: [2, 2], dilations: [1, 2], group: 2 })),
  'depthwise conv': two([2, 4, 5, 6], [4, 1, 3, 3], (g, x, w) => g.conv(x, w, undefined, { pads: [1, 1, 1, 1], group: 4 })),
  'transposed conv': { shapes: [[2, 3, 4, 5], [3, 2, 4, 4], [2]], build: (g, x, w, b) => g.op('ConvTranspose', [x, w, b], { kernel_shape: [4, 4], strides: [2, 2], pads: [1, 1, 1, 1] }) },
  'transposed conv with output padding': two([1, 2, 3, 3], [2, 3, 3, 3], (g, x, w) => g.op('ConvTranspose', [x, w], { kernel_shape: [3, 3], strides: [2, 2], pads: [1, 1, 1, 1], output_padding: [1, 1] })),
  'max pool': one([2, 3, 6, 7], (g, x) => g.op('MaxPool', [x], { kernel_shape: [3, 3], strides: [2, 2], pads: [1, 1, 1, 1] })),
  'average pool without the border': one([2, 2, 5, 6], (g, x) => g.op('AveragePool', [x], { kernel_shape: [3, 3], strides: [1, 1], pads: [1, 1, 1, 1] })),
  'average pool with the border, stride 2': one([1, 2, 7, 6], (g, x) => g.op('AveragePool', [x], { kernel_shape: [3, 2], strides: [2, 2], pads: [1, 0, 1, 0], count_include_pad: 1 })),
  'layer norm': { shapes: [[2, 3, 6], [6], [6]], build: (g, x, s, b) => g.op('LayerNormalization', [x, s, b], { axis: -1, epsilon: { float: 1e-3 } }) },
  'layer norm without shift, two axes': two([2, 3, 4], [3, 4], (g, x, s) => g.op('LayerNormalization', [x, s], { axis: 1 })),
  'instance norm': { shapes: [[2, 3, 4, 3], [3], [3]], build: (g, x, s, b) => g.op('InstanceNormalization', [x, s, b], { epsilon: { float: 1e-3 } }) },
  'batch norm, stored': { shapes: [[2, 3, 4, 3], [3], [3]], build: (g, x, s, b) => g.op('BatchNormalization', [x, s, b, g.constant(Float32Array.of(0.1, -0.2, 0.3), [3]), g.constant(Float32Array.of(0.5, 1, 2), [3])]) },
  'batch norm, stored, behind a conv': {
    shapes: [[2, 5, 4, 3], [3, 5, 3, 3], [3], [3], [3]],
    build: (g, x, w, bias, s, b) => storedBatchNorm(g, g.conv(x, w, bias, { pads: [1, 1, 1, 1] }), s, b, g.constant(Float32Array.of(0.1, -0.2, 0.3), [3]), g.constant(Float32Array.of(0.5, 1, 2), [3])),
  },
  'batch norm, trained': { shapes: [[3, 2, 3, 3], [2], [2]], build: (g, x, s, b) => batchNorm(g, x, s, b, { mean: g.constant(new Float32Array(2), [2]), variance: g.constant(new Float32Array(2), [2]) }).y },
  'group norm': { shapes: [[2, 6, 3, 3], [6], [6]], build: (g, x, s, b) => groupNorm(g, x, 3, s, b) },
  'pad by the edge': one([1, 2, 3, 4], (g, x) => g.pad(x, [0, 0, 1, 2, 0, 0, 2, 1], 'edge')),
  'pad by reflection': one([1, 2, 4, 5], (g, x) => g.pad(x, [0, 0, 2, 1, 0, 0, 1, 3], 'reflect')),
  'split': one([3, 7], (g, x) => { const [a, b, c] = g.ops('Split', [x, g.integers([2, 3, 2])], { axis: 1 }, 3); return g.mul(g.concat([a, c], 0), g.concat([c, g.slice(b, [0], [2], [1])], 0)); }),
  'split, the first part unused': one([6], (g, x) => g.ops('Split', [x, g.integers([2, 4])], { axis: 0 }, 2)[1]),
  'gather elements': one([3, 4], (g, x) => g.op('GatherElements', [x, g.constant(BigInt64Array.of(0n, 0n, 3n, 1n, 2n, 2n), [3, 2])], { axis: 1 })),
  'top k': one([3, 6], (g, x) => g.ops('TopK', [x, g.integers([2])], { axis: 1 }, 2)[0]),
  'resize nearest': one([1, 2, 3, 4], (g, x) => g.resize(x, 7, 6, 'nearest')),
  'resize nearest, asymmetric floor': one([1, 2, 4, 4], (g, x) => g.op('Resize', [x, undefined, undefined, g.integers([1, 2, 8, 6])], { mode: 'nearest', coordinate_transformation_mode: 'asymmetric', nearest_mode: 'floor' })),
  'attention': { shapes: [[2, 5, 4], [2, 5, 4], [2, 5, 3]], build: (g, q, k, v) => g.matmul(g.softmax(g.mul(g.matmul(q, g.transpose(k, [0, 2, 1])), 0.5)), v) },
  'expand': one([3, 1], (g, x) => g.expand(x, [2, 3, 4])),
};
