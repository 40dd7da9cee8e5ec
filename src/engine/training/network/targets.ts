/**
 * What a step of the single-stage network is taught, from what the network says of the batch itself (RecurSeed + EdgePredictMix, arXiv 2204.06754, without gradient):
 *
 *     M_rs  = PAMR(I, up(SCG(deep features, maxnorm(relu A) Y)))          M_seg = certain filter of M_rs
 *     M_dec = PAMR(I, up(softmax(P)[tags]))                               M_ep  = EdgePredict(certain filter of M_dec, M_dec)
 *
 * on a grid over the crop; outside of the valid box labels are 255 and scores 0. Pixels that a person decided have the last word in all of them.
 */
import { CAM_NORMALISATIONS } from '../../../pipeline/cam';
import { certainFilter, type CertainFilterOptions } from '../../../pipeline/certainFilter';
import { edgePredict } from '../../../pipeline/edgePredict';
import { decided } from '../../../pipeline/hints';
import { pamrAffinity, pamrIterate, type PamrAffinity } from '../../../pipeline/pamr';
import { recurSeedStep } from '../../../pipeline/recurSeed';
import { resizeBilinear } from '../../../pipeline/resize';
import type { Scg } from '../../../pipeline/scg';
import { IGNORE, plane, zeroMaps, type LabelMap, type Maps } from '../../../shared/maps';
import { insideBox, shrinkImage, validBox, type CropView } from './crops';
import type { Crop } from './imageBatches';
import type { NetworkView } from './networkModel';

/** A crop and what it teaches. */
export interface Lesson {
  crop: Crop;
  /** Channels of its tags (1..K), ascending in the tags' order. */
  channels: readonly number[];
  /** grid x grid: 1 inside of the valid box. */
  inside: Uint8Array;
  /** tags x grid x grid in [0, 1]: M_rs. */
  scores: Maps;
  /** grid x grid: channels, 255 undecided. */
  labels: LabelMap;
  /** Labels that mixes are made of: M_ep. */
  mixLabels?: LabelMap;
  /** What a person decided, 255 elsewhere. */
  certain?: LabelMap;
}

export interface TargetOptions {
  /** Side of the labels. */
  grid: number;
  pamr: { dilations: readonly number[]; iterations: number };
  filter: CertainFilterOptions;
}

/** A crop of which nothing is known but its tags and what a person decided. */
export function plainLesson(crop: Crop, channels: readonly number[], certain: LabelMap | undefined, grid: number): Lesson {
  const inside = insideBox(validBox(crop.view), crop.view.side, grid);
  const nothing = { data: new Uint8Array(grid * grid).fill(IGNORE), width: grid, height: grid };
  return { crop, channels, inside, scores: zeroMaps(channels.length, grid, grid), labels: certain ?? nothing, ...(certain && { certain }) };
}

/**
 * @param certain channels on the labels' grid, 255 where nobody said anything
 * @param edges whether M_ep is wanted: `view` must then have logits
 * @throws SeedMaskError 'numeric', 'out-of-memory'
 */
export async function recursiveLesson(crop: Crop, view: NetworkView, channels: readonly number[], certain: LabelMap | undefined, scg: Scg, options: TargetOptions, edges: boolean): Promise<Lesson> {
  const { grid, pamr, filter } = options;
  const plain = plainLesson(crop, channels, certain, grid);
  const { inside } = plain;
  if (channels.length === 0) {
    const background = decided({ ...plain.labels, data: Uint8Array.from(inside, seen => (seen ? 0 : IGNORE)) }, certain);
    return { ...plain, labels: background, ...(edges && { mixLabels: background }) };
  }
  const affinity = pamrAffinity(shrinkImage(crop.image, crop.view.side / grid), { dilations: pamr.dilations });
  try {
    const { refined, labels } = await recurSeedStep(scg, { cams: tagCams(view, channels, crop.view), levels: [present(view.deep)], affinity, ids: channels }, { iterations: pamr.iterations, filter });
    const scores = decidedScores(within(refined, inside), channels, certain);
    const recursive = { ...plain, scores, labels: decided(bounded(labels, inside), certain) };
    if (!edges) return recursive;
    const mixLabels = decided(bounded(edgeLabels(present(view.logits), channels, affinity, pamr.iterations, filter), inside), certain);
    return { ...recursive, mixLabels };
  } finally {
    affinity.release();
  }
}

/** M_ep before the box: labels of the decoder's probabilities. */
function edgeLabels(logits: Maps, channels: readonly number[], affinity: PamrAffinity, iterations: number, filter: CertainFilterOptions): LabelMap {
  const tagged = pick(softmax(logits), channels);
  const refined = pamrIterate(affinity, resizeBilinear(tagged, affinity.height, affinity.width), iterations);
  return edgePredict(certainFilter(refined, channels, filter), refined);
}

/** maxnorm(relu A) of the tags; 0 in the padding. */
function tagCams({ cams }: NetworkView, channels: readonly number[], view: CropView): Maps {
  const all = present(cams);
  const tagged = pick(all, channels.map(channel => channel - 1));
  return CAM_NORMALISATIONS.cam([within(tagged, insideBox(validBox(view), view.side, all.width))]);
}

/** Softmax over the channels at each cell. */
export function softmax(logits: Maps): Maps {
  const { channels, height, width } = logits;
  const size = height * width;
  const out = zeroMaps(channels, height, width);
  for (let p = 0; p < size; p++) {
    let most = -Infinity;
    for (let c = 0; c < channels; c++) most = Math.max(most, logits.data[c * size + p]);
    let sum = 0;
    for (let c = 0; c < channels; c++) sum += out.data[c * size + p] = Math.exp(logits.data[c * size + p] - most);
    for (let c = 0; c < channels; c++) out.data[c * size + p] /= sum;
  }
  return out;
}

/** Some channels of `maps`, in that order. */
export function pick(maps: Maps, channels: readonly number[]): Maps {
  const out = zeroMaps(channels.length, maps.height, maps.width);
  channels.forEach((channel, k) => plane(out, k).set(plane(maps, channel)));
  return out;
}

function decidedScores(scores: Maps, channels: readonly number[], certain: LabelMap | undefined): Maps {
  if (!certain) return scores;
  const size = scores.height * scores.width;
  const data = scores.data.map((score, i) => {
    const label = certain.data[i % size];
    return label === IGNORE ? score : Number(label === channels[Math.floor(i / size)]);
  });
  return { ...scores, data };
}

function within(maps: Maps, inside: Uint8Array): Maps {
  return { ...maps, data: maps.data.map((value, i) => value * inside[i % inside.length]) };
}

function bounded(labels: LabelMap, inside: Uint8Array): LabelMap {
  return { ...labels, data: labels.data.map((label, p) => (inside[p] ? label : IGNORE)) };
}

function present(maps: Maps | undefined): Maps {
  if (!maps) throw new Error('the network was not asked for these maps');
  return maps;
}
