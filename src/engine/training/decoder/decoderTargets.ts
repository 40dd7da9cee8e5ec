/**
 * What the cells of a photo should be, at the beginning of an epoch:
 *
 *     first       the seed's mask, or a certain filter of its scores; what debiasing took away is background, undecided, or filled in by the network's average (complementing)
 *     later       in rounds after the first: the mask that the round before would make, without what debiasing took away in the seed
 *     recursion   class activation map of the classifier -> SCG -> PAMR, weighted by how sure the heads are of each tag = M_rs -> certain filter = M_seg   (RecurSeed);
 *                 before it, the seed's scores in the place of M_rs
 *     mixing      prediction -> PAMR -> certain filter -> EdgePredict, or the plain prediction for ClassMix; pasted into another photo, which then goes through the
 *                 frozen backbone like any photo (EdgePredictMix)
 *
 * A person's certain pixels stand above all of these.
 */
import type { Preset } from '../../../../models/presets';
import type { DecoderPreset } from '../../../../models/trainingPreset';
import { CAM_NORMALISATIONS } from '../../../pipeline/cam';
import { certainFilter } from '../../../pipeline/certainFilter';
import { chooseClasses, chooseForeground, classesOf, classMask, mixImages, mixLabels, type Random } from '../../../pipeline/classMix';
import { edgePredict } from '../../../pipeline/edgePredict';
import { argmaxLabels, complement } from '../../../pipeline/mars/complement';
import { pamr, pamrAffinity } from '../../../pipeline/pamr';
import { scaleEach } from '../../../pipeline/photoMask';
import { recurSeedStep } from '../../../pipeline/recurSeed';
import { areaMeans, resizeBilinear, resizeLabels } from '../../../pipeline/resize';
import type { Scg } from '../../../pipeline/scg';
import { IGNORE, zeroMaps, type LabelMap, type Maps, type RgbImage } from '../../../shared/maps';
import { resizePhoto } from '../../images';
import { workingSize } from '../../jobs/photoMaker';
import type { PhotoFeatures } from '../../photoFeatures';
import type { Seed } from '../trainingStage';
import { onCells } from './decoderInputs';
import { activationMaps } from './decoderScorer';
import type { LabelledPixels } from './cellTargets';

export type Recursion = NonNullable<DecoderPreset['recursion']>;

/** Labels of a photo from its seed. @param teacher what the network's average says of it (complementing): (1 + ids.length) x any size */
export function seedPixels({ scores, mask, removed }: Seed, ids: readonly number[], { labels: kind, foreground, background, removed: rule }: DecoderPreset['seeds'], teacher?: Maps): LabelledPixels {
  const labels = kind === 'mask' ? mask : certainFilter(scores, ids, { foreground, background });
  if (!removed) return { labels };
  if (rule === 'complemented' && teacher) return complemented(labels, removed, ids, resizeBilinear(teacher, labels.height, labels.width));
  const instead = rule === 'background' ? 0 : IGNORE;
  return { labels: { ...labels, data: labels.data.map((label, p) => (removed.data[p] > 0 ? instead : label)) } };
}

/** Labels of a later round: the mask that the round before would make, without what debiasing took away of that class in the seed. */
export function taughtPixels(mask: LabelMap, removed: LabelMap | undefined, rule: DecoderPreset['seeds']['removed']): LabelledPixels {
  if (!removed) return { labels: mask };
  const instead = rule === 'ignored' ? IGNORE : 0;
  return { labels: { ...mask, data: mask.data.map((label, p) => (label !== 0 && removed.data[p] === label ? instead : label)) } };
}

/** Complementing counts channels by class id; here they are the photo's own. */
function complemented(labels: LabelMap, removed: LabelMap, ids: readonly number[], teacher: Maps): LabelledPixels {
  const own = { ...labels, data: labels.data.map(label => (label === 0 || label === IGNORE ? label : ids.indexOf(label) + 1)) };
  const filled = complement(own, removed, teacher, argmaxLabels(teacher), ids.map((_, k) => k + 1));
  return { labels: { ...labels, data: filled.labels.data.map(label => (label === 0 || label === IGNORE ? label : ids[label - 1])) }, weights: filled.weights.data };
}

/** The photo at the size PAMR works at. */
function pamrPhoto(image: RgbImage, preset: Preset): Promise<RgbImage> {
  return resizePhoto(image, ...workingSize(image, preset));
}

/**
 * What the classifier's maps should be before the recursion begins: those of the seed, each as high as 1, as the linear heads' own were before they were refined. A classifier
 * that begins with chance numbers otherwise shows little but single cells after a few epochs, and the recursion has nothing to grow from (docs/quality.md).
 */
export function firstTargets({ scores }: Seed): Maps {
  return CAM_NORMALISATIONS.cam([scores]);
}

/**
 * One step of RecurSeed from a photo's class activation maps. `refined` is M_rs at PAMR's size.
 * @param weights of the tags among each other, in [0, 1], one a map
 */
export async function recursed(scg: Scg, maps: Maps, features: PhotoFeatures, image: RgbImage, { ids, weights }: { ids: readonly number[]; weights: readonly number[] }, recursion: Recursion, preset: Preset): Promise<{ refined: Maps; labels: LabelMap }> {
  const cams = activationMaps(maps, recursion);
  const level = (features.layers.get('middle') ?? [...features.layers.values()][0])[0];
  const affinity = pamrAffinity(await pamrPhoto(image, preset), { dilations: preset.pamr.dilations });
  try {
    const step = await recurSeedStep(scg, { cams, levels: [onCells(level, cams)], affinity, ids }, { iterations: preset.pamr.iterations });
    const refined = scaleEach(step.refined, weights);
    return { refined, labels: certainFilter(refined, ids, recursion.certainFilter) };
  } finally {
    affinity.release();
  }
}

/** Labels of a photo from the decoder's own prediction, for mixing. */
export async function predictedLabels(probabilities: Maps, image: RgbImage, ids: readonly number[], { mix, certainFilter: filter }: Recursion, preset: Preset): Promise<LabelMap> {
  const photo = await pamrPhoto(image, preset);
  const { dilations, iterations } = preset.pamr;
  const refined = pamr(photo, resizeBilinear(probabilities, photo.height, photo.width), { dilations, iterations });
  if (mix === 'classMix') {
    const labels = argmaxLabels(refined);
    return { ...labels, data: labels.data.map(channel => (channel === 0 ? 0 : ids[channel - 1])) };
  }
  const size = photo.height * photo.width;
  const own = { ...refined, data: refined.data.subarray(size), channels: ids.length };
  return edgePredict(certainFilter(own, ids, filter), own);
}

/** One side of a mix. */
export interface MixSide {
  image: RgbImage;
  ids: readonly number[];
  /** At PAMR's size. */
  labels: LabelMap;
  /** M_rs on its cells. */
  maps: Maps;
}

export interface Mixed {
  image: RgbImage;
  /** Tags of the mix. */
  ids: readonly number[];
  labels: LabelMap;
  /** M_rs of the mix on the target's cells. */
  maps: Maps;
}

/** Pastes classes of `source` into `target`, which keeps its size; nothing where there is no class to paste. @param longSide of the picture that is made */
export async function mixed(source: MixSide, target: MixSide, mix: 'edgePredict' | 'classMix', longSide: number, random: Random): Promise<Mixed | undefined> {
  const chosen = (mix === 'classMix' ? chooseClasses : chooseForeground)(source.labels, random);
  if (chosen.length === 0) return undefined;
  const { height, width } = target.labels;
  const pasted = resizeLabels(source.labels, height, width);
  const mask = classMask(pasted, chosen);
  const scale = Math.min(1, longSide / Math.max(target.image.width, target.image.height));
  const [w, h] = [Math.max(1, Math.round(target.image.width * scale)), Math.max(1, Math.round(target.image.height * scale))];
  const image = mixImages(resizeLabels({ data: mask, height, width }, h, w).data, await resizePhoto(source.image, w, h), await resizePhoto(target.image, w, h));
  const labels = mixLabels(mask, pasted, target.labels);
  const ids = [...new Set([...target.ids, ...classesOf(pasted).filter(id => id !== 0 && chosen.includes(id))])].sort((a, b) => a - b);
  return { image, ids, labels, maps: mixedMaps(source, target, mask, ids) };
}

/** m source + (1 - m) target on the target's cells, m the share of a cell that was pasted; a class that a side has not is 0 there. */
function mixedMaps(source: MixSide, target: MixSide, mask: Uint8Array, ids: readonly number[]): Maps {
  const { height, width } = target.maps;
  const pasted = areaMeans({ data: Float32Array.from(mask), channels: 1, height: target.labels.height, width: target.labels.width }, height, width).data;
  const from = onCells(source.maps, target.maps);
  const out = zeroMaps(ids.length, height, width);
  const size = height * width;
  ids.forEach((id, k) => {
    const [a, b] = [target.ids.indexOf(id), source.ids.indexOf(id)];
    for (let i = 0; i < size; i++) {
      out.data[k * size + i] = (a < 0 ? 0 : (1 - pasted[i]) * target.maps.data[a * size + i]) + (b < 0 ? 0 : pasted[i] * from.data[b * size + i]);
    }
  });
  return out;
}
