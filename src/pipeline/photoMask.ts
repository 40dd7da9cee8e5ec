/**
 * From the features of one photo to its mask, the whole chain:
 *
 *     heads -> CAM -> mean(CAM, SCG) -> PAMR along the photo's colours -> weight by how sure the heads are of each tag
 *           -> saliency cue (if there is one) -> [dense CRF] -> mask: the best tag where it beats the background score
 *
 * and beside it the seed: the certain filter on the refined maps. Only the photo's own tags take part, so no other class can appear. Constants are
 * the preset's. A person's hints hold at each step (`hints.ts`). What each step is worth: `docs/quality.md`.
 */
import { certainFilter } from './certainFilter';
import { saliencyByTag, type LookCloser } from './closerLook';
import { denseCrf } from './denseCrf';
import { edgePredict } from './edgePredict';
import { hintedMask, hintedScores, pinnedClasses } from './hints';
import { pamr } from './pamr';
import { resizeBilinear } from './resize';
import { weighBySaliency, type SaliencyCue } from './saliencyCue';
import type { Scg } from './scg';
import { tagCam, type CamLayer } from './tagCam';
import type { Preset } from '../../models/presets';
import { plane, zeroMaps, type LabelMap, type Maps, type RgbImage } from '../shared/maps';
import type { Hints } from '../shared/review';

export interface PhotoMaskInput {
  /** Class id of each tag, 1..254. */
  ids: readonly number[];
  layers: readonly CamLayer[];
  /** Features that SCG spreads seeds along, on any grid. */
  similarity: Maps;
  /** How sure the heads are of each tag, in (0, 1]. */
  sureness: readonly number[];
  /** The photo at the size PAMR works at. */
  photo: RgbImage;
  /** 1 x any size, in [0, 1]. */
  saliency?: Maps;
  /** Where the salience of the whole photo shows nothing of a tag, its part of the photo is looked at by itself. */
  lookCloser?: LookCloser;
  /** Carries refined scores along affinities that were trained (`propagation.ts`). */
  propagate?(scores: Maps): Promise<Maps>;
  crf: boolean;
  /** Boxes, points and scribbles of a person, in pixels of the mask. */
  hints?: Hints;
  /** Size of the mask. */
  height: number;
  width: number;
}

export interface PhotoMask {
  /** K x h x w on the feature grid. */
  cam: Maps;
  /** K x H' x W' at PAMR's size, before the saliency cue. */
  refined: Maps;
  /** The same after the saliency cue, where there is one: what the mask was decided by. */
  scores: Maps;
  /** H' x W', 255 where undecided. */
  seed: LabelMap;
  /** height x width. */
  mask: LabelMap;
}

/** Rows of a large mask that are made at once. */
const ROWS_AT_ONCE = 512;

/** @throws SeedMaskError 'numeric' if the features hold NaN or infinity, 'out-of-memory'. */
export async function photoMask(input: PhotoMaskInput, preset: Preset, scg: Scg): Promise<PhotoMask> {
  const { cam, refined } = await chainMaps(input, preset, scg);
  const scores = input.saliency ? await weighed(refined, preset.mask.threshold, preset.saliency, input) : refined;
  const threshold = input.saliency ? preset.saliency.threshold : preset.mask.threshold;
  return { cam, refined, scores, seed: certainFilter(refined, input.ids, preset.certainFilter), mask: decide(scores, threshold, input, preset) };
}

/** The chain until the saliency cue: K x h x w on the feature grid, and K x H' x W' at PAMR's size. @throws as `photoMask` */
export async function chainMaps(input: PhotoMaskInput, preset: Preset, scg: Scg): Promise<Pick<PhotoMask, 'cam' | 'refined'>> {
  const { ids, photo, hints } = input;
  const hinted = (maps: Maps): Maps => (hints ? hintedScores(maps, ids, hints, input) : maps);
  const cam = hinted(tagCam(input.layers));
  const { share } = preset.scg;
  const grown = share > 0 ? blend(cam, await scg.run([resizeBilinear(input.similarity, cam.height, cam.width)], cam), share) : cam;
  const weights = tagWeights(surenessWith(hints, input), preset.tagWeight);
  const start = hinted(resizeBilinear(grown, photo.height, photo.width));
  const { dilations, iterations } = preset.pamr;
  const refined = hinted(scaleEach(pamr(photo, start, { dilations, iterations }), weights));
  return { cam: scaleEach(cam, weights), refined: input.propagate ? hinted(await input.propagate(refined)) : refined };
}

/** Scores after the saliency cue, with closer looks and hints; as they are where there is no salience. @param own background score that fits them without the cue */
async function weighed(refined: Maps, own: number, cue: SaliencyCue, { ids, saliency, lookCloser, hints, ...size }: PhotoMaskInput): Promise<Maps> {
  if (!saliency) return refined;
  const whole = resizeBilinear(saliency, refined.height, refined.width);
  const scores = weighBySaliency(refined, lookCloser ? await saliencyByTag(refined, whole, cue, lookCloser) : whole, cue, own);
  return hints ? hintedScores(scores, ids, hints, size) : scores;
}

/** The mask of scores and a background score, at its size. */
function decide(scores: Maps, threshold: number, input: PhotoMaskInput, preset: Preset): LabelMap {
  const { ids, hints } = input;
  const mask =
    input.crf ? crfMask(scores, input, threshold * preset.crf.backgroundScale, preset)
    : preset.mask.fill === 'edgePredict' ? edgeMask(resizeBilinear(scores, input.height, input.width), ids, threshold, preset)
    : maskAtSize(scores, ids, threshold, input.height, input.width);
  return hints ? hintedMask(mask, hints) : mask;
}

/** A class that a person pointed at is there, as sure as the surest. */
function surenessWith(hints: Hints | undefined, { ids, sureness }: PhotoMaskInput): readonly number[] {
  if (!hints) return sureness;
  const pinned = pinnedClasses(hints);
  return sureness.map((value, k) => (pinned.has(ids[k]) ? Math.max(...sureness) : value));
}

/** The best-scoring id of each pixel, background where no score is above `threshold`. Shapes: K x H x W -> H x W. */
export function thresholdMask(scores: Maps, ids: readonly number[], threshold: number): LabelMap {
  const size = scores.height * scores.width;
  const data = new Uint8Array(size);
  const best = new Float32Array(size).fill(threshold);
  for (let k = 0; k < scores.channels; k++) {
    const map = plane(scores, k);
    for (let i = 0; i < size; i++) {
      if (map[i] > best[i]) {
        best[i] = map[i];
        data[i] = ids[k];
      }
    }
  }
  return { data, height: scores.height, width: scores.width };
}

/**
 * `thresholdMask` of the scores resized (bilinear) to height x width, some rows at a time: the scores of a photo of 100 megapixels would take 400 MB a tag.
 */
export function maskAtSize(scores: Maps, ids: readonly number[], threshold: number, height: number, width: number): LabelMap {
  const data = new Uint8Array(height * width);
  for (let from = 0; from < height; from += ROWS_AT_ONCE) {
    const rows = [from, Math.min(height, from + ROWS_AT_ONCE)] as const;
    data.set(thresholdMask(resizeBilinear(scores, height, width, { rows }), ids, threshold).data, from * width);
  }
  return { data, height, width };
}

/** Certain pixels, uncertain ones region by region (EdgePredict), and the background score for what is still undecided. */
function edgeMask(scores: Maps, ids: readonly number[], threshold: number, preset: Preset): LabelMap {
  const filled = edgePredict(certainFilter(scores, ids, preset.certainFilter), scores);
  const fallback = thresholdMask(scores, ids, threshold);
  return { ...filled, data: filled.data.map((label, i) => (label === 255 ? fallback.data[i] : label)) };
}

/** Scores become probabilities that equal the background's at the threshold; the CRF decides at PAMR's size. */
function crfMask(scores: Maps, { ids, photo, height, width }: PhotoMaskInput, threshold: number, preset: Preset): LabelMap {
  const { height: h, width: w } = scores;
  const probabilities = zeroMaps(scores.channels + 1, h, w);
  for (let i = 0; i < h * w; i++) {
    let total = threshold;
    for (let k = 0; k < scores.channels; k++) total += scores.data[k * h * w + i];
    probabilities.data[i] = threshold / total;
    for (let k = 0; k < scores.channels; k++) probabilities.data[(k + 1) * h * w + i] = scores.data[k * h * w + i] / total;
  }
  return maskAtSize(denseCrf(photo, probabilities, preset.crf), [0, ...ids], 0, height, width);
}

/** (sureness / largest sureness) ^ exponent; all 1 where the heads are sure of none. */
export function tagWeights(sureness: readonly number[], exponent: number): number[] {
  const largest = Math.max(...sureness);
  return sureness.map(value => (largest > 0 ? (value / largest) ** exponent : 1));
}

function blend(a: Maps, b: Maps, share: number): Maps {
  return { ...a, data: a.data.map((value, i) => (1 - share) * value + share * b.data[i]) };
}

/** Each map times a factor of its own. */
export function scaleEach(maps: Maps, factors: readonly number[]): Maps {
  const out = zeroMaps(maps.channels, maps.height, maps.width);
  for (let k = 0; k < maps.channels; k++) {
    const source = plane(maps, k);
    const target = plane(out, k);
    for (let i = 0; i < source.length; i++) target[i] = source[i] * factors[k];
  }
  return out;
}
