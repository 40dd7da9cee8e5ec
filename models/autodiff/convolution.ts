/**
 * Gradients of 2-D convolutions and their transposes, with groups. For a convolution's input: at stride 1 a convolution with the flipped weights whose in and out
 * channels change places, else a transposed convolution. For the weights: one matrix product per offset of the kernel, over the window of the padded input that
 * this offset sees; measured faster on the runtime's CPU provider than im2col (whose buffer is kernel-size times the input). Two shapes have faster ways: a first
 * layer's few channels, and 1 x 1 kernels on large maps.
 */
import type { GraphBuilder } from '../graph/builder';
import { windowOf, type Window } from '../graph/linear';
import { range, type Value } from '../graph/value';
import { wideSum, type Backward, type GradientRule } from './rule';

function convolution({ g, node, inputs: [x, w, bias], dy }: Backward): (Value | undefined)[] {
  const window = windowOf(node.attributes);
  return [inputGradient(g, x, w, dy, window), weightGradient(g, x, w, dy, window), bias && g.reshape(wideSum(g, dy, [0, 2, 3]), bias.shape)];
}

/** A transposed convolution is what takes a convolution's output gradient back to its input: the two change their parts. */
function transposedConvolution({ g, node, inputs: [x, w, bias], dy }: Backward): (Value | undefined)[] {
  const window = windowOf(node.attributes);
  const { strides, dilations, pads, group } = window;
  return [g.conv(dy, w, undefined, { strides, dilations, pads, group }), weightGradient(g, dy, w, x, window), bias && g.reshape(wideSum(g, dy, [0, 2, 3]), bias.shape)];
}

function inputGradient(g: GraphBuilder, x: Value, w: Value, dy: Value, { strides, dilations, pads, group }: Window): Value {
  const kernel = w.shape.slice(2);
  const reach = kernel.map((size, i) => dilations[i] * (size - 1));
  if (strides.every(stride => stride === 1)) {
    const around = range(4).map(i => reach[i % 2] - pads[i]);
    if (around.every(p => p >= 0)) return g.conv(dy, exchanged(g, w, group), undefined, { dilations, pads: around, group });
  }
  const rest = range(2).map(i => x.shape[2 + i] - ((dy.shape[2 + i] - 1) * strides[i] + reach[i] + 1 - pads[i] - pads[i + 2]));
  return g.op('ConvTranspose', [dy, w], { kernel_shape: kernel, strides, dilations, pads, group, output_padding: rest });
}

/** Weights upside down, their in and out channels exchanged within each group. */
function exchanged(g: GraphBuilder, w: Value, group: number): Value {
  const [out, into, ...kernel] = w.shape;
  const flipped = kernel.every(size => size === 1) ? w : g.slice(w, [-1, -1], kernel.map(size => -size - 1), [2, 3], [-1, -1]);
  const grouped = g.reshape(flipped, [group, out / group, into, ...kernel]);
  return g.reshape(g.transpose(grouped, [0, 2, 1, 3, 4]), [group * into, out / group, ...kernel]);
}

/** Channels of the input up to which the batch changes places with them: products with so few columns are slow. */
const FEW = 4;

function weightGradient(g: GraphBuilder, x: Value, w: Value, dy: Value, window: Window): Value {
  const { pads, group } = window;
  const padded = g.pad(x, [0, 0, pads[0], pads[1], 0, 0, pads[2], pads[3]]);
  if (group === 1 && w.shape[1] <= FEW) return batchAsChannels(g, padded, w, dy, window);
  const pointwise = group === 1 && w.shape[2] * w.shape[3] === 1;
  // Photo by photo nothing must be laid out anew, but there are as many products to be added up; they are small where the photos are large.
  if (pointwise && 4 * w.shape[0] * w.shape[1] <= (w.shape[0] + w.shape[1]) * dy.shape[2] * dy.shape[3]) return photoByPhoto(g, padded, w, dy, window);
  return offsetByOffset(g, padded, w, dy, window);
}

/** A convolution whose photos are the input's channels, whose channels are the photos and whose kernel is `dy`, spread by the stride: its output is the gradient. */
function batchAsChannels(g: GraphBuilder, padded: Value, w: Value, dy: Value, { strides, dilations }: Window): Value {
  const [, , kernelHeight, kernelWidth] = w.shape;
  const all = g.conv(g.transpose(padded, [1, 0, 2, 3]), g.transpose(dy, [1, 0, 2, 3]), undefined, { strides: dilations, dilations: strides });
  return g.transpose(g.slice(all, [0, 0], [kernelHeight, kernelWidth], [2, 3]), [1, 0, 2, 3]);
}

/** Of 1 x 1 kernels. */
function photoByPhoto(g: GraphBuilder, padded: Value, w: Value, dy: Value, { strides }: Window): Value {
  const [photos, out, height, width] = dy.shape;
  const seen = g.slice(padded, [0, 0], [(height - 1) * strides[0] + 1, (width - 1) * strides[1] + 1], [2, 3], strides);
  const rows = (value: Value): Value => g.reshape(value, [photos, value.shape[1], height * width]);
  const products = g.matmul(rows(dy), g.transpose(rows(seen), [0, 2, 1]));
  return g.reshape(wideSum(g, products, [0]), [out, w.shape[1], 1, 1]);
}

function offsetByOffset(g: GraphBuilder, padded: Value, w: Value, dy: Value, { strides, dilations, group }: Window): Value {
  const [out, into, kernelHeight, kernelWidth] = w.shape;
  const [photos, , height, width] = dy.shape;
  const cells = photos * height * width;
  const rows = (value: Value, channels: number): Value => g.reshape(value, group === 1 ? [channels, cells] : [group, channels, cells]);
  const byChannel = g.transpose(padded, [1, 0, 2, 3]);
  const dyRows = rows(g.transpose(dy, [1, 0, 2, 3]), out / group);
  const offsets = range(kernelHeight * kernelWidth).map(k => {
    const start = [Math.floor(k / kernelWidth) * dilations[0], (k % kernelWidth) * dilations[1]];
    const end = [start[0] + (height - 1) * strides[0] + 1, start[1] + (width - 1) * strides[1] + 1];
    const seen = rows(g.slice(byChannel, start, end, [2, 3], strides), into);
    const products = group === 1 ? g.gemm(dyRows, seen, undefined, { transB: true }) : g.matmul(dyRows, g.transpose(seen, [0, 2, 1]));
    return g.reshape(products, [out, into, 1]);
  });
  return g.reshape(g.concat(offsets, 2), w.shape);
}

export const convolutionGradients: Record<string, GradientRule> = { Conv: convolution, ConvTranspose: transposedConvolution };
