/**
 * New layers of a network on a backbone: convolutions, group normalisation and dropout by whole channels, whose weights have names, shapes and starts. What a weight is
 * in the graph (an input that is trained, a constant of an exported file) is the caller's choice, so that one description of a network serves both.
 *
 * Starts: He (He et al. 2015) before a ReLU, normal with variance 2 / inputs; Xavier (Glorot and Bengio 2010) where scores come out, uniform in
 * +-sqrt(6 / (inputs + outputs)). Chance comes from a seed and the weight's name alone.
 */
import type { GraphBuilder } from '../graph/builder';
import { groupNorm } from '../graph/normalise';
import { product, type Shape, type Value } from '../graph/value';
import { mixSeed, normal, uniform } from '../random';

export type Start = 'he' | 'xavier' | 'zeros' | 'ones';

export interface LayerWeight {
  name: string;
  shape: Shape;
  start: Start;
}

/** Channels that a training step drops: the graph's input `name`, items x channels x 1 x 1, holds 0 or 1 / (1 - share). */
export interface Drop {
  name: string;
  channels: number;
  share: number;
}

export interface Norm {
  norm: 'group' | 'none';
  groups: number;
}

export interface ConvShape {
  out: number;
  kernel?: number;
  dilation?: number;
}

export class Layers {
  readonly weights: LayerWeight[] = [];
  readonly drops: Drop[] = [];

  /**
   * @param weight the value of a weight in the graph
   * @param drops whether channels are dropped (in training)
   */
  constructor(
    readonly g: GraphBuilder,
    private readonly weight: (name: string, shape: Shape) => Value,
    private readonly dropping: boolean,
  ) {}

  /** A convolution that keeps the size, without bias. */
  conv(name: string, x: Value, { out, kernel = 1, dilation = 1 }: ConvShape, start: Start = 'he'): Value {
    const margin = (dilation * (kernel - 1)) / 2;
    return this.g.conv(x, this.take(name, [out, x.shape[1], kernel, kernel], start), undefined, { dilations: [dilation, dilation], pads: [margin, margin, margin, margin] });
  }

  /** relu(norm(x)); without a norm, a bias a channel. */
  normRelu(name: string, x: Value, { norm, groups }: Norm): Value {
    const channels = x.shape[1];
    const shift = this.take(`${name}.shift`, [channels], 'zeros');
    if (norm === 'group') return this.g.relu(groupNorm(this.g, x, groups, this.take(`${name}.scale`, [channels], 'ones'), shift));
    return this.g.relu(this.g.add(x, this.g.reshape(shift, [1, channels, 1, 1])));
  }

  drop(name: string, x: Value, share: number): Value {
    if (!this.dropping || share === 0) return x;
    const [items, channels] = x.shape;
    this.drops.push({ name, channels, share });
    return this.g.mul(x, this.g.input(name, [items, channels, 1, 1]));
  }

  take(name: string, shape: Shape, start: Start): Value {
    this.weights.push({ name, shape, start });
    return this.weight(name, shape);
  }
}

/** What a weight starts from. Of a convolution's weights out x in x height x width, inputs and outputs are those of one cell. */
export function startOf({ name, shape, start }: LayerWeight, seed: number): Float32Array {
  const size = product(shape);
  if (start === 'zeros') return new Float32Array(size);
  if (start === 'ones') return new Float32Array(size).fill(1);
  const random = uniform(mixSeed(seed, ...Array.from(name, letter => letter.charCodeAt(0))));
  const [out, into, ...kernel] = shape;
  const inputs = into * product(kernel);
  if (start === 'he') {
    const deviation = Math.sqrt(2 / inputs);
    return Float32Array.from({ length: size }, () => deviation * normal(random));
  }
  const reach = Math.sqrt(6 / (inputs + out * product(kernel)));
  return Float32Array.from({ length: size }, () => reach * (2 * random() - 1));
}

/** What the inputs of `drops` hold for `items` items. */
export function dropped(drops: readonly Drop[], items: number, random: () => number): Record<string, { dims: Shape; data: Float32Array }> {
  return Object.fromEntries(drops.map(({ name, channels, share }) => {
    const data = Float32Array.from({ length: items * channels }, () => (random() < share ? 0 : 1 / (1 - share)));
    return [name, { dims: [items, channels, 1, 1], data }];
  }));
}
