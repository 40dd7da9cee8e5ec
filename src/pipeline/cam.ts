/**
 * Class activation maps (Zhou et al., CVPR 2016) of a head without bias on pooled features, and their relatives that need no gradients,
 * since for such a head they are known: d score_k / d a_d = W_kd / (h w).
 *
 *     A_k = sum_d W_kd F_d          logit_k = mean over positions of A_k
 *
 * Raw maps have any sign. They become scores in [0, 1] by one of the `CAM_NORMALISATIONS`, and maps of untagged classes become 0.
 */
import { plane, zeroMaps, type Maps } from '../shared/maps';

/** K maps from D x h x w `features` and K x D `weights`. @throws if the weights do not fit. */
export function rawCams(features: Maps, weights: Float32Array): Maps {
  const { channels: depth, height, width } = features;
  const classes = weights.length / depth;
  if (!Number.isInteger(classes)) throw new Error(`CAM: ${weights.length} weights for ${depth} channels`);
  const out = zeroMaps(classes, height, width);
  for (let k = 0; k < classes; k++) plane(out, k).set(combine(features, weights.subarray(k * depth, (k + 1) * depth)));
  return out;
}

/** Mean of each map: the logits, for raw maps. */
export function pooled(maps: Maps): Float32Array {
  return Float32Array.from({ length: maps.channels }, (_, c) => mean(plane(maps, c)));
}

/** Mirrored left to right: turns a map of a mirrored photo back. */
export function flipHorizontally(maps: Maps): Maps {
  const { data, width } = maps;
  const out = zeroMaps(maps.channels, maps.height, width);
  for (let row = 0; row < data.length; row += width) {
    for (let x = 0; x < width; x++) out.data[row + x] = data[row + width - 1 - x];
  }
  return out;
}

/** Sum of maps of one size, which may be scales and (turned back) mirrorings of one photo. @throws if there are none or sizes differ. */
export function sumViews(views: readonly Maps[]): Maps {
  const [first] = views;
  if (!first) throw new Error('CAM: no views');
  const out = zeroMaps(first.channels, first.height, first.width);
  for (const view of views) {
    if (view.channels !== out.channels || view.height !== out.height || view.width !== out.width) throw new Error('CAM: views differ in size');
    for (let i = 0; i < out.data.length; i++) out.data[i] += view.data[i];
  }
  return out;
}

/** What is added to a maximum before dividing by it. */
const EPSILON = 1e-5;

/**
 * The normalisations found in published code, from the raw maps of one or several views of a photo (of one size) to maps in [0, 1], each class by
 * itself (r = relu A):
 *
 *     makeCam    relu(r - 1e-5) / (max r + 1e-5)                 Puzzle-CAM, training; views are summed first
 *     cam        r / (max r + 1e-5), r summed over views         RS+EPM; Puzzle-CAM's inference (strided and high resolution) is the same
 *     normalize  A / (max A + 1e-5), A summed over views         RS+EPM, for probabilities (no relu)
 */
export const CAM_NORMALISATIONS = {
  makeCam: (views: readonly Maps[]): Maps => perClass(sumViews(views), (value, maximum) => relu(relu(value) - EPSILON) / (relu(maximum) + EPSILON)),
  cam: (views: readonly Maps[]): Maps => perClass(sumViews(views.map(reluMaps)), (value, maximum) => value / (maximum + EPSILON)),
  normalize: (views: readonly Maps[]): Maps => perClass(sumViews(views), (value, maximum) => value / (maximum + EPSILON)),
} as const;

/** Only the tagged maps; the others 0. `tagged[k]` says whether class k is a tag. @throws if there is not one tag a map. */
export function keepTagged(maps: Maps, tagged: readonly boolean[]): Maps {
  if (tagged.length !== maps.channels) throw new Error(`CAM: ${tagged.length} tags for ${maps.channels} maps`);
  const out = { ...maps, data: maps.data.slice() };
  tagged.forEach((isTagged, k) => isTagged || plane(out, k).fill(0));
  return out;
}

/**
 * Maps of one class before relu, from D x h x w features and the class's D weights (names of pytorch-grad-cam; scaled as its gradients are).
 * GradCAM, HiResCAM and XGradCAM are `cam` here.
 *
 *     cam          sum_d g_d a_d                    g_d = W_d / (h w)
 *     layerCam     sum_d relu(g_d) a_d
 *     elementWise  sum_d relu(g_d a_d)              GradCAMElementWise
 *     ablationCam  sum_d w_d a_d,  w_d = (s - s without channel d) / s = W_d mean(a_d) / s;  s = sum_d W_d mean(a_d)
 *     eigenCam     first principal component of the positions in the space of channels; needs no class
 */
export const CAM_VARIANTS = {
  cam: (features: Maps, weights: Float32Array): Float32Array => combine(features, gradients(features, weights)),
  layerCam: (features: Maps, weights: Float32Array): Float32Array => combine(features, gradients(features, weights).map(relu)),
  elementWise: (features: Maps, weights: Float32Array): Float32Array => combine(features, gradients(features, weights), relu),
  ablationCam: (features: Maps, weights: Float32Array): Float32Array => {
    const shares = pooled(features).map((average, d) => average * weights[d]);
    const score = shares.reduce((a, b) => a + b, 0);
    return combine(features, shares.map(share => (score === 0 ? 0 : share / score)));
  },
  eigenCam,
} as const;
export type CamVariant = keyof typeof CAM_VARIANTS;

/**
 * relu, then minimum 0 and maximum 1 (divisor max - min + 1e-7), as pytorch-grad-cam shows its maps. Several layers: the mean of their maps, then
 * once more.
 */
export function reluMinMax(map: Float32Array): Float32Array {
  const positive = map.map(relu);
  const low = positive.reduce((a, b) => Math.min(a, b), Infinity);
  const high = positive.reduce((a, b) => Math.max(a, b), 0);
  return positive.map(value => (value - low) / (1e-7 + (high - low)));
}

const EIGEN_ITERATIONS = 200;

/**
 * EigenCAM: channels centred over positions, X = U S V^T; the map is X v_1, by power iteration on X^T X. The sign of v_1 is free: here more
 * activation means a higher value.
 */
function eigenCam(features: Maps): Float32Array {
  const positions = features.height * features.width;
  const centred = Array.from({ length: features.channels }, (_, d) => {
    const channel = Float64Array.from(plane(features, d));
    const average = mean(channel);
    return channel.map(value => value - average);
  });
  const energies = centred.map(channel => channel.reduce((sum, value) => sum + value * value, 0));
  // Starting at the channel that varies most: hardly ever orthogonal to the component that is sought.
  let map = centred[energies.indexOf(Math.max(...energies))];
  let loadings = 0;
  for (let i = 0; i < EIGEN_ITERATIONS; i++) {
    const direction = centred.map(channel => channel.reduce((sum, value, p) => sum + value * map[p], 0));
    const length = Math.hypot(...direction);
    if (length === 0) return new Float32Array(positions);
    loadings = direction.reduce((a, b) => a + b, 0);
    const next = new Float64Array(positions);
    centred.forEach((channel, d) => channel.forEach((value, p) => (next[p] += value * (direction[d] / length))));
    const moved = Math.hypot(...next.map((value, p) => value - map[p]));
    map = next;
    if (moved < 1e-7 * Math.hypot(...next)) break;
  }
  return Float32Array.from(map, value => (loadings < 0 ? -value : value));
}

/** sum_d weights_d a_d, each term through `each`. */
function combine(features: Maps, weights: Float32Array, each?: (term: number) => number): Float32Array {
  if (weights.length !== features.channels) throw new Error(`CAM: ${weights.length} weights for ${features.channels} channels`);
  const sum = new Float64Array(features.height * features.width);
  for (let d = 0; d < features.channels; d++) {
    const weight = weights[d];
    const channel = plane(features, d);
    if (each) for (let p = 0; p < sum.length; p++) sum[p] += each(weight * channel[p]);
    else if (weight !== 0) for (let p = 0; p < sum.length; p++) sum[p] += weight * channel[p];
  }
  return Float32Array.from(sum);
}

function gradients(features: Maps, weights: Float32Array): Float32Array {
  return weights.map(weight => weight / (features.height * features.width));
}

function perClass(maps: Maps, value: (value: number, maximum: number) => number): Maps {
  const out = zeroMaps(maps.channels, maps.height, maps.width);
  for (let k = 0; k < maps.channels; k++) {
    const from = plane(maps, k);
    const maximum = from.reduce((a, b) => Math.max(a, b), -Infinity);
    plane(out, k).set(from.map(v => value(v, maximum)));
  }
  return out;
}

function reluMaps(maps: Maps): Maps {
  return { ...maps, data: maps.data.map(relu) };
}

function relu(value: number): number {
  return Math.max(value, 0);
}

function mean(values: Float32Array | Float64Array): number {
  let sum = 0;
  for (const value of values) sum += value;
  return sum / values.length;
}
