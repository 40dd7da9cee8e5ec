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

/** One layer of one photo. */
export interface CamLayer {
  /** Features by view, the first view's grid is the result's: D x h x w each. */
  views: readonly Maps[];
  /** K x D. */
  weights: Float32Array;
  /** Which of the K classes have a head on this layer. */
  has: readonly boolean[];
}

/** K x h x w in [0, 1] on the grid of the first layer's first view. A class without a head on any layer is 0. */
export function tagCam(layers: readonly CamLayer[]): Maps {
  const [first] = layers;
  if (!first) throw new Error('tagCam: no layers');
  const { height, width } = first.views[0];
  const classes = first.has.length;
  const product = zeroMaps(classes, height, width);
  const factors = new Uint8Array(classes);
  for (const { views, weights, has } of layers) {
    const maps = CAM_NORMALISATIONS.cam(views.map(view => resizeBilinear(rawCams(view, weights), height, width)));
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
