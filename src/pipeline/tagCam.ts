/**
 * The CAM of a photo's tags from heads on several layers. Deep features know the class but see only its most telling part; middle features
 * place it better but confuse classes. Their maps, multiplied, keep what both see:
 *
 *     CAM_k = norm( prod_l norm(sum_v relu(W_lk F_lv))^(1/L) ),   norm = division by the class's maximum
 *
 * over layers l (of those that class k has a head on) and views v.
 */
import { CAM_NORMALISATIONS, rawCams } from './cam';
import { resizeBilinear } from './resize';
import { plane, zeroMaps, type Maps } from '../shared/maps';

/** One layer of one photo under a linear head. */
export interface LinearLayer {
  /** Features by view, the first view's grid is the result's: D x h x w each. */
  views: readonly Maps[];
  /** K x D. */
  weights: Float32Array;
  /** Which of the K classes have a head on this layer. */
  has: readonly boolean[];
}

/** The same under a head of any other kind (`puzzleHeads.ts`), which has said what it thinks. */
export interface ScoredLayer {
  /** Raw maps by view, K x h x w each. */
  scores: readonly Maps[];
  has: readonly boolean[];
}

export type CamLayer = LinearLayer | ScoredLayer;

/** K x h x w in [0, 1] on the grid of the first layer's first view. A class without a head on any layer is 0. */
export function tagCam(layers: readonly CamLayer[]): Maps {
  const [first] = layers;
  if (!first) throw new Error('tagCam: no layers');
  const { height, width } = 'scores' in first ? first.scores[0] : first.views[0];
  const classes = first.has.length;
  const product = zeroMaps(classes, height, width);
  const factors = new Uint8Array(classes);
  for (const layer of layers) {
    const { has } = layer;
    const raw = 'scores' in layer ? layer.scores : layer.views.map(view => rawCams(view, layer.weights));
    const maps = CAM_NORMALISATIONS.cam(raw.map(view => resizeBilinear(view, height, width)));
    for (let k = 0; k < classes; k++) {
      if (!has[k]) continue;
      const target = plane(product, k);
      const map = plane(maps, k);
      for (let i = 0; i < map.length; i++) target[i] = factors[k] === 0 ? map[i] : target[i] * map[i];
      factors[k]++;
    }
  }
  for (let k = 0; k < classes; k++) {
    const target = plane(product, k);
    for (let i = 0; i < target.length; i++) target[i] **= 1 / Math.max(factors[k], 1);
  }
  return CAM_NORMALISATIONS.cam([product]);
}
