/**
 * Each class's cut for rule 'margin', without true masks. The scores of a class's own cells are a mixture of object and background; what background scores is known from
 * the background cells of the same photos. With F(t) and N(t) the shares of own and of background cells that score below t,
 *
 *     pi = min over t with 0.05 <= N(t) <= 0.9 of F(t) / N(t)              share of the class's cells that is background, at most
 *     lost(t) = (F(t) - pi N(t)) / (1 - pi)                               share of the object that a cut at t loses
 *     cut = the largest t with lost(t) <= loss + lossPerShare pi
 *
 * The more of a class is background, the more it is worth to lose a little of the object. A class with less background than the gate is left alone: it could only lose.
 *
 * The estimate holds for what can be told from backgrounds at all. Where it cannot (books among books that the mask misses), F follows N all the way, pi is F / N at
 * its lower end, far too large, and so is the budget. It shows in how far the cut gets: N(cut), the share of the backgrounds that it finds. Below `reach` the class is
 * left alone, too. What is left alone for either reason has a cut all the same, by which it saves pixels of other classes (similarityMap.ts).
 * (The mixture estimate is that of positive-unlabelled learning, Scott & Blanchard, 2009.)
 */
import type { LabelMap } from '../../shared/maps';
import { cellLabels } from './clusters';
import { marginScores } from './margin';
import type { ClassDecision, ClassDecisions, MarsSettings } from './marsTypes';
import type { CellFeatures } from './similarityMap';

/** Scores by class, in any order. */
export type ScoreSample = Map<number, { own: number[]; background: number[] }>;

/** Fewer cells of a kind than this tell nothing. */
const LEAST_CELLS = 50;
const MOST_SHARE = 0.95;
/** Quantiles of the background's scores at which F is looked at. */
const LEAST_QUANTILE = 0.02;
const MOST_QUANTILE = 0.9;
const STEP = 0.01;
/** N from which its share is told from noise. */
const SOUND = 0.05;

/** Photos to look at: of each class `perClass` spread evenly among those that have it. By name, each once. */
export function budgetPhotos(decisions: ClassDecisions, perClass = 48): string[] {
  const chosen = new Set<string>();
  for (const { places } of decisions.values()) {
    const photos = [...places.keys()].sort();
    const count = Math.min(perClass, photos.length);
    for (let i = 0; i < count; i++) chosen.add(photos[Math.floor((i * photos.length) / count)]);
  }
  return [...chosen].sort();
}

/** Adds a photo's scores. `tags`: its classes. */
export function sampleScores(sample: ScoreSample, photo: string, cells: CellFeatures, mask: LabelMap, tags: readonly number[], decisions: ClassDecisions, { margin }: Pick<MarsSettings, 'margin'>): void {
  const labels = cellLabels(mask, cells.features.height, cells.features.width);
  for (const tag of tags) {
    const decision = decisions.get(tag);
    const scores = decision && marginScores(cells, decision, photo, place => place < decision.selected, margin);
    if (!scores) continue;
    const known = sample.get(tag) ?? { own: [], background: [] };
    sample.set(tag, known);
    labels.forEach((label, cell) => {
      if (label === tag) known.own.push(scores[cell]);
      else if (label === 0) known.background.push(scores[cell]);
    });
  }
}

/** The decisions with each class's cut, the share of it that is background, and why it is left alone, if so. */
export function applyBudget(decisions: ClassDecisions, sample: ScoreSample, settings: Pick<MarsSettings, 'margin' | 'onlyBiased'>): ClassDecisions {
  return new Map([...decisions].map(([classId, decision]) => [classId, budgeted(decision, sample.get(classId), settings)]));
}

function budgeted(decision: ClassDecision, found: { own: number[]; background: number[] } | undefined, { margin, onlyBiased }: Pick<MarsSettings, 'margin' | 'onlyBiased'>): ClassDecision {
  if (!found || found.own.length < LEAST_CELLS || found.background.length < LEAST_CELLS) {
    const why = !found ? 'there are no other photos to compare it with, with the tag and without it' : 'too little of it, or of the backgrounds around it, is there to tell them apart';
    return { ...decision, biased: false, leftAlone: decision.leftAlone ?? why };
  }
  const { share, cut, reach } = cutOf(found.own, found.background, margin);
  const told = cut !== null && reach >= margin.reach;
  const biased = share >= margin.gate && told;
  return { ...decision, backgroundShare: share, calibration: cut, biased, leftAlone: decision.leftAlone ?? (cut === null || (onlyBiased && !biased) ? reasonOf(share, reach, margin) : null) };
}

function reasonOf(share: number, reach: number, { gate }: Pick<MarsSettings['margin'], 'gate'>): string {
  if (share < gate) return `no more than ${(100 * share).toFixed(1)} % of it look like backgrounds: nothing suggests that something else is painted with it`;
  return `it looks too much like its surroundings: no more than ${(100 * reach).toFixed(0)} % of these can be told from it without losing too much of it`;
}

/** pi, the cut, and the share of the backgrounds that it finds; null and 0 where each cut loses too much. */
export function cutOf(own: readonly number[], background: readonly number[], { loss, lossPerShare }: Pick<MarsSettings['margin'], 'loss' | 'lossPerShare'>): { share: number; cut: number | null; reach: number } {
  const ours = Float64Array.from(own).sort();
  const theirs = Float64Array.from(background).sort();
  const points = Array.from({ length: Math.round((MOST_QUANTILE - LEAST_QUANTILE) / STEP) + 1 }, (_, i) => {
    const t = theirs[Math.floor((LEAST_QUANTILE + i * STEP) * (theirs.length - 1))];
    return { t, f: shareBelow(ours, t), n: shareBelow(theirs, t) };
  });
  const share = Math.min(MOST_SHARE, ...points.flatMap(({ f, n }) => (n >= SOUND && n <= MOST_QUANTILE ? [f / n] : [])));
  const budget = loss + lossPerShare * share;
  // Points ascend in t.
  const last = points.findLast(({ f, n }) => (f - share * n) / (1 - share) <= budget);
  return { share, cut: last?.t ?? null, reach: last?.n ?? 0 };
}

/** Share of `sorted` below `t`. */
function shareBelow(sorted: Float64Array, t: number): number {
  let [low, high] = [0, sorted.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (sorted[middle] < t) low = middle + 1;
    else high = middle;
  }
  return low / sorted.length;
}
