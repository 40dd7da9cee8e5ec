/**
 * Gradients of 2-D convolutions (one group). For the input: at stride 1 a convolution with the flipped, transposed weights, else a
 * transposed convolution. For the weights: one matrix product per offset of the kernel, over the window of the padded input that
 * this offset sees; measured faster on the runtime's CPU provider than im2col (whose buffer is kernel-size times the input).
 */
import { windowOf, type Window } from '../graph/linear';
import { range, type Value } from '../graph/value';
import type { Backward, GradientRule } from './rule';

function convolution(backward: Backward): (Value | undefined)[] {
  const { g, node, inputs: [, , bias], dy } = backward;
  const window = windowOf(node.attributes);
  if (window.group !== 1) throw new Error('no gradient rule for Conv with groups');
  return [inputGradient(backward, window), weightGradient(backward, window), bias && g.sum(dy, [0, 2, 3], false)];
}

function inputGradient({ g, inputs: [x, w], dy }: Backward, { strides, dilations, pads }: Window): Value {
  const kernel = w.shape.slice(2);
  const reach = kernel.map((size, i) => dilations[i] * (size - 1));
  if (strides.every(stride => stride === 1)) {
    const flipped = reach.every(r => r === 0) ? w : g.slice(w, [-1, -1], kernel.map(size => -size - 1), [2, 3], [-1, -1]);
    const around = range(4).map(i => reach[i % 2] - pads[i]);
    if (around.every(p => p >= 0)) return g.conv(dy, g.transpose(flipped, [1, 0, 2, 3]), undefined, { dilations, pads: around });
  }
  const rest = range(2).map(i => x.shape[2 + i] - ((dy.shape[2 + i] - 1) * strides[i] + reach[i] + 1 - pads[i] - pads[i + 2]));
  return g.op('ConvTranspose', [dy, w], { kernel_shape: kernel, strides, dilations, pads, output_padding: rest });
}

function weightGradient({ g, inputs: [x, w], dy }: Backward, { strides, dilations, pads }: Window): Value {
  const [out, into, kernelHeight, kernelWidth] = w.shape;
  const [photos, , height, width] = dy.shape;
  const cells = photos * height * width;
  const byChannel = (value: Value): Value => g.reshape(g.transpose(value, [1, 0, 2, 3]), [value.shape[1], cells]);
  const dyRows = byChannel(dy);
  const padded = g.pad(x, [0, 0, pads[0], pads[1], 0, 0, pads[2], pads[3]]);
  const offsets = range(kernelHeight * kernelWidth).map(k => {
    const start = [Math.floor(k / kernelWidth) * dilations[0], (k % kernelWidth) * dilations[1]];
    const end = [start[0] + (height - 1) * strides[0] + 1, start[1] + (width - 1) * strides[1] + 1];
    const seen = byChannel(g.slice(padded, start, end, [2, 3], strides));
    return g.reshape(g.gemm(dyRows, seen, undefined, { transB: true }), [out, into, 1]);
  });
  return g.reshape(g.concat(offsets, 2), w.shape);
}

export const convolutionGradients: Record<string, GradientRule> = { Conv: convolution };
