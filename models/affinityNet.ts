/**
 * What AffinityNet (Ahn and Kwak, CVPR 2018) and IRNet's edge branch (Ahn et al., CVPR 2019) are taught with: affinities of pixel pairs, from features or from an
 * edge map, and their loss against pairs of confident labels (`src/pipeline/affinityLabels.ts`).
 *
 *     features:  a_ij = exp(-mean_c |f_i - f_j|)
 *     edges:     a_ij = 1 - max of the edge map along the path from i to j
 *     loss = L_bg / 4 + L_fg / 4 + L_neg / 2,    L_bg, L_fg = -mean log(a + 1e-5),    L_neg = -mean log(1 + 1e-5 - a)
 *
 * Pairs start at rows 0 .. H - r and columns r - 1 .. W - r (radius r), so that every partner lies inside.
 */
import type { GraphBuilder } from './graph/builder';
import type { Value } from './graph/value';

/** From one pixel of a pair to the other (or to a pixel between): rows down, columns to the right. */
export interface Step {
  dy: number;
  dx: number;
}

/** The pixels that lie `step` away from the pairs' sources: B x C x (H - r + 1) x (W - 2r + 2). */
function shifted(g: GraphBuilder, maps: Value, { dy, dx }: Step, radius: number): Value {
  const [, , height, width] = maps.shape;
  if (height < radius || width < 2 * radius - 1) throw new Error(`a map of ${height} x ${width} has no pairs of radius ${radius}`);
  return g.slice(maps, [dy, radius - 1 + dx], [height - radius + 1 + dy, width - radius + 1 + dx], [2, 3]);
}

/** B x D x H x W features -> B x P x h x w affinities, one plane an offset. */
export function featureAffinities(g: GraphBuilder, features: Value, offsets: readonly Step[], radius: number): Value {
  const sources = shifted(g, features, { dy: 0, dx: 0 }, radius);
  return g.concat(offsets.map(offset => g.exp(g.neg(g.mean(g.abs(g.sub(shifted(g, features, offset, radius), sources)), [1])))), 1);
}

/** B x 1 x H x W edges in [0, 1] -> B x P x h x w affinities. `paths`: for each offset the steps to all pixels of its path, both ends included. */
export function edgeAffinities(g: GraphBuilder, edges: Value, paths: readonly (readonly Step[])[], radius: number): Value {
  return g.concat(paths.map(path => g.sub(1, g.reduceMax(g.concat(path.map(step => shifted(g, edges, step, radius)), 1), [1]))), 1);
}

/** Which pairs are both background, both of one class, or of different labels: 0 and 1, shaped as the affinities. The other pairs do not count. */
export interface PairMasks {
  background: Value;
  foreground: Value;
  negative: Value;
}

export interface AffinityLosses {
  background: Value;
  foreground: Value;
  negative: Value;
  /** Their weighted sum. */
  total: Value;
}

/** @param counts of each kind of pair, numbers of shape [], where the masks are a part of a batch only: what the means are over */
export function affinityLosses(g: GraphBuilder, affinities: Value, pairs: PairMasks, counts?: PairMasks): AffinityLosses {
  const axes = [0, 1, 2, 3];
  const meanOver = (values: Value, kind: keyof PairMasks): Value => {
    const mask = pairs[kind];
    return g.neg(g.div(g.sum(g.mul(values, mask), axes, false), g.add(counts?.[kind] ?? g.sum(mask, axes, false), 1e-5)));
  };
  const alike = g.log(g.add(affinities, 1e-5));
  const background = meanOver(alike, 'background');
  const foreground = meanOver(alike, 'foreground');
  const negative = meanOver(g.log(g.sub(1 + 1e-5, affinities)), 'negative');
  const total = g.add(g.mul(g.add(background, foreground), 0.25), g.mul(negative, 0.5));
  return { background, foreground, negative, total };
}
