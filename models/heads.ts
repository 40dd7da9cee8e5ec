/**
 * The graph that teaches the tag heads: a linear classifier on pooled features of the frozen backbone, several tags per photo.
 *
 *   z = X W^T + b
 *   loss = sum_i weight_i sum_k [ softplus(z_ik) - y_ik z_ik ]  +  decay |W - anchor|^2
 *
 * (binary cross entropy in its stable form, summed over the classes). The anchor pulls towards given weights, the ImageNet
 * classifier's where a tag names one of its classes, instead of towards zero. One run gives loss and gradients of one chunk of photos;
 * both are sums, so a data set of any size is a sum over chunks. Biases are not decayed.
 */
import { gradients } from './autodiff/gradients';
import { GraphBuilder } from './graph/builder';

export interface HeadSizes {
  /** Photos per chunk. */
  photos: number;
  channels: number;
  classes: number;
}

/**
 * Inputs: features [photos, channels], targets [photos, classes] (0..1), photoWeights [photos], weights and anchor [classes, channels],
 * bias [classes], decay []. Outputs: loss [], dWeights [classes, channels], dBias [classes].
 */
export function headLossGraph({ photos, channels, classes }: HeadSizes): Uint8Array {
  const g = new GraphBuilder('heads');
  const features = g.input('features', [photos, channels]);
  const targets = g.input('targets', [photos, classes]);
  const photoWeights = g.input('photoWeights', [photos]);
  const weights = g.input('weights', [classes, channels]);
  const bias = g.input('bias', [classes]);
  const anchor = g.input('anchor', [classes, channels]);
  const decay = g.input('decay', []);

  const logits = g.gemm(features, weights, bias, { transB: true });
  const perPhoto = g.sum(g.sub(g.softplus(logits), g.mul(targets, logits)), [1], false);
  const data = g.sum(g.mul(perPhoto, photoWeights), [0], false);
  const away = g.sub(weights, anchor);
  const pull = g.mul(g.sum(g.mul(away, away), [0, 1], false), decay);
  const loss = g.add(data, pull);

  g.output('loss', loss);
  const [dWeights, dBias] = gradients(g, loss, [weights, bias]);
  g.output('dWeights', dWeights);
  g.output('dBias', dBias);
  return g.toOnnx();
}
