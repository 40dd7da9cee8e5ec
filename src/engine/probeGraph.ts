/**
 * The graph that any device must get right before it is trusted with a model: convolutions (plain, dilated, strided), a resize, a matrix product
 * and a softmax, large enough for a real GPU to be faster than the CPU. Models are checked as themselves besides.
 */
import { GraphBuilder } from '../../models/graph/builder';
import type { Value } from '../../models/graph/value';
import { uniform } from '../../models/random';
import type { Tensor } from '../shared/graph';

/** A graph and what to feed it. */
export interface Probe {
  /** For people, in reports. */
  name: string;
  /** Bytes of an ONNX file, or its path. */
  model: Uint8Array | string;
  feeds: Record<string, Tensor>;
}

/** @param size height and width of its picture; 64 channels. */
export function basicProbe(size = 64): Probe {
  const channels = 64;
  const next = uniform(7);
  const g = new GraphBuilder('probe');
  const weights = (shape: readonly number[]): Value => {
    const length = shape.reduce((a, b) => a * b, 1);
    const scale = Math.sqrt(6 / (length / shape[0]));
    return g.constant(Float32Array.from({ length }, () => (next() - 0.5) * scale), shape);
  };
  const x = g.input('x', [1, channels, size, size]);
  const plain = g.relu(g.conv(x, weights([channels, channels, 3, 3]), weights([channels]), { pads: [1, 1, 1, 1] }));
  const dilated = g.relu(g.conv(plain, weights([channels, channels, 3, 3]), undefined, { pads: [2, 2, 2, 2], dilations: [2, 2] }));
  const strided = g.conv(dilated, weights([channels, channels, 3, 3]), undefined, { pads: [1, 1, 1, 1], strides: [2, 2] });
  const resized = g.resize(g.add(strided, weights([1, channels, 1, 1])), size / 4, size / 4);
  const rows = g.reshape(resized, [channels, (size / 4) ** 2]);
  g.output('y', g.softmax(g.matmul(weights([32, channels]), rows)));
  g.output('maps', strided);
  const data = Float32Array.from({ length: channels * size * size }, () => next() - 0.5);
  return { name: 'basic operators', model: g.toOnnx(), feeds: { x: { dims: x.shape, data } } };
}
