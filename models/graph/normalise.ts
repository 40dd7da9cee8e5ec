/**
 * Normalisations made of simpler operators (images are N x C x H x W; scale and shift have one number a channel): batch normalisation with the statistics of the batch
 * (Ioffe and Szegedy 2015) and its running averages, the same with stored statistics, and group normalisation (Wu and He 2018).
 */
import type { GraphBuilder } from './builder';
import type { Value } from './value';

export interface BatchNorm {
  y: Value;
  /** The running statistics after this batch: (1 - momentum) old + momentum batch; the variance unbiased, as PyTorch keeps it. */
  mean: Value;
  variance: Value;
}

const byChannel = (g: GraphBuilder, value: Value): Value => g.reshape(value, [1, value.size, 1, 1]);

export function batchNorm(g: GraphBuilder, x: Value, scale: Value, shift: Value, running: { mean: Value; variance: Value }, { momentum = 0.1, epsilon = 1e-5 } = {}): BatchNorm {
  const mean = g.mean(x, [0, 2, 3]);
  const centred = g.sub(x, mean);
  const variance = g.mean(g.mul(centred, centred), [0, 2, 3]);
  const y = g.add(g.mul(g.div(centred, g.sqrt(g.add(variance, epsilon))), byChannel(g, scale)), byChannel(g, shift));
  const count = x.size / x.shape[1];
  const moved = (old: Value, now: Value): Value => g.add(g.mul(old, 1 - momentum), g.mul(g.reshape(now, old.shape), momentum));
  return { y, mean: moved(running.mean, mean), variance: moved(running.variance, g.mul(variance, count / Math.max(1, count - 1))) };
}

/**
 * Batch normalisation with stored statistics. Behind a convolution it becomes part of that: W scale / sqrt(var + eps) is computed at each run, from weights that may all
 * learn, and no map of the image's size is gone over, forward or backward.
 */
export function storedBatchNorm(g: GraphBuilder, x: Value, scale: Value, shift: Value, mean: Value, variance: Value, epsilon = 1e-5): Value {
  if (x.node?.op !== 'Conv') return g.op('BatchNormalization', [x, scale, shift, mean, variance], { epsilon: { float: epsilon } });
  const [image, weights, bias] = x.node.inputs;
  if (!weights) throw new Error('a convolution without weights');
  const factor = g.div(scale, g.sqrt(g.add(variance, epsilon)));
  const moved = g.sub(shift, g.mul(bias ? g.sub(mean, bias) : mean, factor));
  return g.op('Conv', [image, g.mul(weights, g.reshape(factor, [factor.size, 1, 1, 1])), moved], x.node.attributes);
}

/** @throws where the channels do not divide into `groups`. */
export function groupNorm(g: GraphBuilder, x: Value, groups: number, scale: Value, shift: Value, epsilon = 1e-5): Value {
  const [, channels] = x.shape;
  if (channels % groups) throw new Error(`${channels} channels do not divide into ${groups} groups`);
  const grouped = g.reshape(x, [0, groups, -1, 1]);
  const ones = g.constant(new Float32Array(groups).fill(1), [groups]);
  const zeros = g.constant(new Float32Array(groups), [groups]);
  const normal = g.reshapeLike(g.op('InstanceNormalization', [grouped, ones, zeros], { epsilon: { float: epsilon } }), x);
  return g.add(g.mul(normal, byChannel(g, scale)), byChannel(g, shift));
}
