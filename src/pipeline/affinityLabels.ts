/**
 * What AffinityNet and IRNet learn pixel affinities from: confident labels where two runs agree, and pairs of them.
 *
 * A foreground label must win even against an amplified background, background must win even when weakened, all else is
 * ignored. PSA (CVPR 2018) amplifies and weakens by the exponent of (1 - max cam)^alpha (4 and 32), IRNet (CVPR 2019) by a constant
 * background score (0.30 and 0.05); both refine each run by a dense CRF before they are combined here.
 */
import { IGNORE, type LabelMap, type Maps } from '../shared/maps';
import { pairSources, type Affinity } from './randomWalk';
import type { Offset } from './stencil';

/** Background scores of the two runs. */
export interface Backgrounds {
  foreground: number;
  background: number;
}

/** Fits ResNet-50's CAMs; other maps want others, so a person may set them. */
export const IRN_BACKGROUNDS: Backgrounds = { foreground: 0.3, background: 0.05 };

/** The label of the foreground run where it is foreground; 0 where both runs are background; else 255. */
export function combineRuns(foregroundRun: LabelMap, backgroundRun: LabelMap): LabelMap {
  if (foregroundRun.height !== backgroundRun.height || foregroundRun.width !== backgroundRun.width) {
    throw new Error('confident labels: the two runs differ in size');
  }
  const data = foregroundRun.data.map((label, p) => label || (backgroundRun.data[p] === 0 ? 0 : IGNORE));
  return { ...foregroundRun, data };
}

/**
 * PSA's confident labels from its two runs of scores (channel 0 background, then classes; `ids[k]` the class of channel k, so
 * ids[0] = 0). As upstream, 0 wins where the weakened run says background, and pixels whose scores are all below 1e-5 are ignored.
 */
export function psaConfidentLabels(foregroundRun: Maps, backgroundRun: Maps, ids: readonly number[]): LabelMap {
  const foreground = argmax(foregroundRun, ids);
  const background = argmax(backgroundRun, ids);
  const size = foreground.data.length;
  const data = foreground.data.map((label, p) => {
    for (const run of [foregroundRun, backgroundRun]) {
      let best = -Infinity;
      for (let k = 0; k < run.channels; k++) best = Math.max(best, run.data[k * size + p]);
      if (best < 1e-5) return IGNORE;
    }
    if (background.data[p] === 0) return 0;
    return label === 0 ? IGNORE : label;
  });
  return { ...foreground, data };
}

/** Labels of `cams` (K x H x W, class of map k = ids[k]) against a constant background score, which wins ties. */
export function labelsAbove(cams: Maps, ids: readonly number[], background: number): LabelMap {
  const size = cams.height * cams.width;
  const data = new Float32Array(size * (cams.channels + 1)).fill(background, 0, size);
  data.set(cams.data, size);
  return argmax({ ...cams, data, channels: cams.channels + 1 }, [0, ...ids]);
}

/** IRNet's confident labels of `cams` without the CRF between. */
export function irnConfidentLabels(cams: Maps, ids: readonly number[], backgrounds: Backgrounds = IRN_BACKGROUNDS): LabelMap {
  return combineRuns(labelsAbove(cams, ids, backgrounds.foreground), labelsAbove(cams, ids, backgrounds.background));
}

/** What a pair is: both background, both of one class, of different labels, or not used because an end is 255. */
export const PAIR = { none: 0, background: 1, foreground: 2, negative: 3 } as const;

export interface PairLabels {
  /** `kinds[o * sources.length + s]`, a value of `PAIR`, for offset o and source s. */
  kinds: Uint8Array;
  /** Pixels where pairs start, as in `pairSources`. */
  sources: readonly number[];
  offsets: readonly Offset[];
  counts: { background: number; foreground: number; negative: number };
}

/** The kinds of all AffinityNet pairs of a label map. */
export function pairLabels(labels: LabelMap, offsets: readonly Offset[], radius: number): PairLabels {
  const sources = pairSources(labels.height, labels.width, radius);
  const kinds = new Uint8Array(offsets.length * sources.length);
  const totals = [0, 0, 0, 0];
  let at = 0;
  for (const { dy, dx } of offsets) {
    for (const p of sources) {
      const kind = pairKind(labels.data[p], labels.data[p + dy * labels.width + dx]);
      kinds[at++] = kind;
      totals[kind]++;
    }
  }
  return { kinds, sources, offsets, counts: { background: totals[1], foreground: totals[2], negative: totals[3] } };
}

function pairKind(a: number, b: number): number {
  if (a === IGNORE || b === IGNORE) return PAIR.none;
  if (a !== b) return PAIR.negative;
  return a === 0 ? PAIR.background : PAIR.foreground;
}

export interface PairLosses {
  background: number;
  foreground: number;
  negative: number;
}

/**
 * Mean losses of the predicted affinities, kind by kind: -log(a + 1e-5) for pairs that belong together, -log(1 + 1e-5 - a) for the
 * others, each over its pair count (+ 1e-5). PSA minimises background/4 + foreground/4 + negative/2, as does IRNet.
 */
export function pairLosses(affinity: Affinity, { kinds, sources }: PairLabels): PairLosses {
  const size = affinity.height * affinity.width;
  const sums = [0, 0, 0, 0];
  const counts = [0, 0, 0, 0];
  for (let i = 0; i < kinds.length; i++) {
    const a = affinity.values[Math.floor(i / sources.length) * size + sources[i % sources.length]];
    const kind = kinds[i];
    sums[kind] -= Math.log(kind === PAIR.negative ? 1 + 1e-5 - a : a + 1e-5);
    counts[kind]++;
  }
  const mean = (kind: number) => sums[kind] / (counts[kind] + 1e-5);
  return { background: mean(PAIR.background), foreground: mean(PAIR.foreground), negative: mean(PAIR.negative) };
}

function argmax(scores: Maps, ids: readonly number[]): LabelMap {
  if (ids.length !== scores.channels) throw new Error(`confident labels: ${ids.length} class ids for ${scores.channels} maps`);
  const size = scores.height * scores.width;
  const data = new Uint8Array(size);
  for (let p = 0; p < size; p++) {
    let best = 0;
    for (let k = 1; k < scores.channels; k++) if (scores.data[k * size + p] > scores.data[best * size + p]) best = k;
    data[p] = ids[best];
  }
  return { data, height: scores.height, width: scores.width };
}
