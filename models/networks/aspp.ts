/**
 * Atrous spatial pyramid pooling (Chen et al. 2017, "Rethinking Atrous Convolution", section 3.3): a 1 x 1 and several dilated 3 x 3 convolutions look at the same
 * features from near and far, and the mean of the whole picture stands beside them.
 *
 *     y = relu(norm(P [b_0; b_1; …; b_n; pooled]))       b_i = relu(norm(conv_i x)),  pooled = relu(norm(conv mean x)) at every cell
 *
 * P's columns for `pooled` are a weight of their own: their product is one number a channel, which is added, so that nothing of the picture's size stands in the graph.
 */
import type { Value } from '../graph/value';
import type { Layers, Norm } from './layers';

export interface AsppOptions extends Norm {
  channels: number;
  /** Dilations of the 3 x 3 convolutions. */
  rates: readonly number[];
}

/** N x C x h x w to N x channels x h x w. */
export function aspp(layers: Layers, x: Value, options: AsppOptions): Value {
  const { g } = layers;
  const { channels: out, rates } = options;
  const branch = (name: string, kernel: number, dilation: number): Value => layers.normRelu(`aspp.${name}`, layers.conv(`aspp.${name}`, x, { out, kernel, dilation }), options);
  const branches = [branch('near', 1, 1), ...rates.map(rate => branch(`rate${rate}`, 3, rate))];
  const pooled = layers.normRelu('aspp.pooled', layers.conv('aspp.pooled', g.mean(x, [2, 3]), { out }), options);
  const sum = g.add(layers.conv('aspp.project', g.concat(branches, 1), { out }), layers.conv('aspp.projectPooled', pooled, { out }));
  return layers.normRelu('aspp.project', sum, options);
}
