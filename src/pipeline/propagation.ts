/**
 * Propagation: the scores of a photo's tags walk along its affinities (`randomWalk.ts`), so that they fill objects up and stop at their edges. It may follow any
 * seed. Where the affinities come from:
 *
 *     edges         made by hand: likeness of colours and of features, without training
 *     irnet         edges of a trained branch (IRNet, CVPR 2019)
 *     affinityNet   trained features (PSA, CVPR 2018)
 *
 * What becomes of the background is one of two rules. AffinityNet's: a background score (1 - max_k m_k)^a walks along, and a tag wins where its score is the larger;
 * a is such that both are equal at the chain's threshold t, (1 - t)^a = t, and what comes out is brought to it. IRNet's: scores times (1 - edge) walk, the background is
 * a constant, here the chain's own.
 *
 *     walks      out_k = t q_k / (t q_k + (1 - t) q_0),   q = [(1 - max m)^a, m_1 .. m_K] T^steps          (= t where q_k = q_0)
 *     constant   out_k = (m_k (1 - edge)) T^steps, times (largest m / largest of these)
 */
import { labMaps } from './colours';
import { edgeAffinity, featureAffinity, pairOffsets, randomWalk, type Affinity } from './randomWalk';
import { resizeArea, resizeBilinear } from './resize';
import { withBackground } from './withBackground';
import { plane, zeroMaps, type Maps, type RgbImage } from '../shared/maps';

/** What scores walk along. */
export interface Transition {
  affinity: Affinity;
  /** 1 x h x w in [0, 1] of the affinity's grid, where it is made of edges: scores on edges do not walk where the background is constant. */
  edges?: Maps;
}

/** A walk whose affinities are made by hand. */
export interface HandWalk extends WalkSettings, HandMade {
  radius: number;
  /** Along the longer side of the photo. */
  cells: number;
}

export interface WalkSettings {
  background: 'walks' | 'constant';
  /** Exponent of the affinities. */
  beta: number;
  /** The papers' t = 2^8. */
  steps: number;
}

/** Affinities of pairs closer than `radius` along an edge map, 1 x h x w in [0, 1]. */
export function edgeTransition(edges: Maps, radius: number): Transition {
  return { affinity: edgeAffinity(edges, radius), edges };
}

/** Affinities of pairs of trained features, D x h x w. @throws where the grid is too small to have a pair. */
export function featureTransition(features: Maps, radius: number): Transition {
  return { affinity: featureAffinity(features, radius) };
}

/**
 * Scores after the walk, at their own size.
 * @param scores K x H x W in [0, 1], of any size over the photo
 * @param threshold background score that decides over `scores`, and over the result
 */
export function propagate(scores: Maps, { affinity, edges }: Transition, { background, beta, steps }: WalkSettings, threshold: number): Maps {
  const start = resizeArea(scores, affinity.height, affinity.width);
  if (background === 'walks') {
    // At 0 and 1 there is no exponent.
    const even = Math.min(Math.max(threshold, 0.01), 0.99);
    const walked = randomWalk(affinity, withBackground(start, Math.log(even) / Math.log(1 - even)), beta, steps);
    return againstBackground(resizeBilinear(walked, scores.height, scores.width), even);
  }
  const size = affinity.height * affinity.width;
  const inside = edges ? { ...start, data: start.data.map((value, i) => value * (1 - edges.data[i % size])) } : start;
  const walked = randomWalk(affinity, inside, beta, steps);
  const factor = largest(scores) / Math.max(largest(walked), 1e-12);
  const out = resizeBilinear(walked, scores.height, scores.width);
  return { ...out, data: out.data.map(value => Math.min(1, value * factor)) };
}

/** The whole of it with affinities made by hand, on a grid over the photo. @param features D x any size */
export function propagateByHand(scores: Maps, photo: RgbImage, features: Maps, walk: HandWalk, threshold: number): Maps {
  const scale = walk.cells / Math.max(photo.height, photo.width);
  const [height, width] = [photo.height, photo.width].map(side => Math.max(1, Math.round(side * scale)));
  return propagate(scores, handTransition(photo, features, height, width, walk, walk.radius), walk, threshold);
}

/** K maps of K + 1, the first of them the background's. */
function againstBackground(walked: Maps, threshold: number): Maps {
  const out = zeroMaps(walked.channels - 1, walked.height, walked.width);
  const background = plane(walked, 0);
  for (let k = 0; k < out.channels; k++) {
    const from = plane(walked, k + 1);
    const to = plane(out, k);
    for (let i = 0; i < to.length; i++) {
      const own = threshold * from[i];
      to[i] = own === 0 ? 0 : own / (own + (1 - threshold) * background[i]);
    }
  }
  return out;
}

function largest({ data }: Maps): number {
  return data.reduce((most, value) => Math.max(most, value), 0);
}

export interface HandMade {
  /** Deviation of colour, in units of Lab: 2.3 is a difference one just sees. */
  colour: number;
  /** How unlike features may be, as 1 - cosine. */
  features: number;
}

/**
 * Affinities made by hand: exp(-|lab_i - lab_j|^2 / (2 colour^2) - (1 - cos(f_i, f_j)) / features), for all pairs closer than `radius` on a grid of height x width.
 * @param features D x any size, bilinear
 */
export function handTransition(photo: RgbImage, features: Maps, height: number, width: number, settings: HandMade, radius: number): Transition {
  const size = height * width;
  const colours = resizeArea(labMaps(photo), height, width).data;
  const units = unitLength(resizeBilinear(features, height, width)).data;
  const offsets = pairOffsets(radius);
  const values = new Float32Array(offsets.length * size);
  offsets.forEach(({ dy, dx }, o) => {
    const step = dy * width + dx;
    const [left, right] = [Math.max(0, -dx), Math.min(width, width - dx)];
    const alike = new Float32Array(size);
    for (let y = 0; y + dy < height; y++) {
      const [from, to] = [y * width + left, y * width + right];
      for (let c = 0; c < features.channels; c++) for (let p = from, at = c * size + from; p < to; p++, at++) alike[p] += units[at] * units[at + step];
      for (let p = from; p < to; p++) {
        let distance = 0;
        for (let at = p; at < 3 * size; at += size) distance += (colours[at] - colours[at + step]) ** 2;
        values[o * size + p] = Math.exp(-distance / (2 * settings.colour ** 2) - (1 - alike[p]) / settings.features);
      }
    }
  });
  return { affinity: { height, width, offsets, values } };
}

/** Each cell's vector divided by its length. */
function unitLength(maps: Maps): Maps {
  const { channels, height, width } = maps;
  const size = height * width;
  const squares = new Float64Array(size);
  for (let c = 0; c < channels; c++) for (let p = 0; p < size; p++) squares[p] += maps.data[c * size + p] ** 2;
  return { ...maps, data: maps.data.map((value, i) => value / Math.max(Math.sqrt(squares[i % size]), 1e-12)) };
}
