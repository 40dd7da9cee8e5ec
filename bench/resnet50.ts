/**
 * ResNet-50 (He et al. 2016; stride in the 3 x 3 convolutions) as a graph, with batch normalisation that keeps its statistics, as fine-tuning on small batches has it:
 * what the benches take for a backbone of usual make.
 */
import type { GraphBuilder } from '../models/graph/builder';
import { range, type Value } from '../models/graph/value';

const STAGES = [[64, 3, 1], [128, 4, 2], [256, 6, 2], [512, 3, 2]] as const;

/** Batch normalisation with stored statistics. */
export type Norm = (g: GraphBuilder, x: Value, scale: Value, shift: Value, mean: Value, variance: Value) => Value;

/** @returns features at stride 32 (2048 channels) and all kernels; scales and shifts do not learn. */
export function resnet50(g: GraphBuilder, image: Value, norm: Norm): { features: Value; parameters: Value[] } {
  const parameters: Value[] = [];
  const conv = (x: Value, channels: number, kernel: number, stride: number, scale = 1): Value => {
    const weights = g.input(`conv${parameters.length}`, [channels, x.shape[1], kernel, kernel]);
    parameters.push(weights);
    const pad = (kernel - 1) / 2;
    const y = g.conv(x, weights, undefined, { strides: [stride, stride], pads: [pad, pad, pad, pad] });
    const vector = (value: number): Value => g.constant(new Float32Array(channels).fill(value), [channels]);
    return norm(g, y, vector(scale), vector(0.01), vector(0), vector(1));
  };
  let x = g.relu(conv(image, 64, 7, 2));
  x = g.op('MaxPool', [x], { kernel_shape: [3, 3], strides: [2, 2], pads: [1, 1, 1, 1] });
  for (const [width, blocks, first] of STAGES) {
    for (const block of range(blocks)) {
      const stride = block === 0 ? first : 1;
      const inner = g.relu(conv(g.relu(conv(x, width, 1, 1)), width, 3, stride));
      // A last scale of 0.2 keeps the sum of many blocks in bounds.
      const outer = conv(inner, 4 * width, 1, 1, 0.2);
      x = g.relu(g.add(outer, block === 0 ? conv(x, 4 * width, 1, stride) : x));
    }
  }
  return { features: x, parameters };
}
