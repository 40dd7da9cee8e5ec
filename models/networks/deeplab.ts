/**
 * DeepLabv3+'s decoder (Chen et al. 2018, "Encoder-Decoder with Atrous Separable Convolution", section 3.1, here with plain convolutions as RecurSeed + EdgePredictMix and
 * Puzzle-CAM have it): the pyramid of deep features is enlarged to a shallow layer's grid, joined with it and read by two convolutions.
 *
 *     d = drop(aspp(deep));  l = relu(norm(conv1x1 low));  x = [up(d); l]
 *     logits = conv_k(drop(relu(norm(conv3x3(drop(relu(norm(conv3x3 x))))))))          background and classes, at the grid of `low`
 *
 * Two variants differ in numbers alone: RS+EPM's single-stage network has 256 shallow channels and k = 3 without bias; the textbook's final stage 48 and k = 1.
 */
import type { DeeplabOptions } from '../networkPreset';
import type { Value } from '../graph/value';
import { aspp } from './aspp';
import type { Layers } from './layers';

/** Scores N x outputs x h' x w' at the grid of `low` (N x C' x h' x w') from `deep` (N x C x h x w). */
export function deeplab(layers: Layers, deep: Value, low: Value, outputs: number, options: DeeplabOptions): Value {
  const { g } = layers;
  const { channels: out, lowChannels, finalKernel, dropout } = options;
  const pyramid = layers.drop('kept.aspp', aspp(layers, deep, options), dropout[0]);
  const shallow = layers.normRelu('decoder.low', layers.conv('decoder.low', low, { out: lowChannels }), options);
  const joined = g.concat([g.resize(pyramid, low.shape[2], low.shape[3]), shallow], 1);
  const first = layers.drop('kept.first', layers.normRelu('decoder.first', layers.conv('decoder.first', joined, { out, kernel: 3 }), options), dropout[1]);
  const second = layers.drop('kept.second', layers.normRelu('decoder.second', layers.conv('decoder.second', first, { out, kernel: 3 }), options), dropout[2]);
  return layers.conv('decoder.final', second, { out: outputs, kernel: finalKernel }, 'xavier');
}

/** Class activation maps N x classes x h x w: a 1 x 1 convolution without bias. */
export function classifier(layers: Layers, deep: Value, classes: number): Value {
  return layers.conv('classifier', deep, { out: classes }, 'xavier');
}
