/**
 * The evidence behind a removed region, in plain sentences. They keep to what the algorithm did: a removal compares pixels with class prototypes, and distances to
 * backgrounds act only through the choice of the prototype; or, by rule 'margin', with clusters of the class and of backgrounds. Neighbours are illustrations. So no sentence says that a photo caused anything, and nothing is called
 * by a name that the system does not know.
 */
import type { Evidence, MarsMetric } from '../evidence';
import { group, plural } from '../runTexts';
import { className, distance, list, percent, pixels, placeText, rankText, score, type ClassNames } from './words';

/** Rule 'margin' has no prototypes: pixels are compared with clusters one by one, those of the class and those of backgrounds. */
const isMargin = ({ decision }: Evidence): boolean => decision.rule === 'margin';

/** The decision in one sentence. `photo`: size of the photo. */
export function decisionText(evidence: Evidence, names: ClassNames, photo: { width: number; height: number }): string {
  const { decision, area, box, classId } = evidence;
  const own = `${pixels(area)} of ${className(classId, names)} (${placeText(box, photo)}) were removed`;
  const { meanSimilarity, threshold } = decision;
  if (isMargin(evidence)) {
    return meanSimilarity > threshold
      ? `${own}, although on average they are unlike enough to backgrounds of other photos (${score(meanSimilarity)}, the cut is ${score(threshold)}): the CRF followed the photo's colours.`
      : `${own}: weighed against what stands for the photo's tags, they are on average more like backgrounds of other photos than the cut allows (${score(meanSimilarity)}, the cut is ${score(threshold)}).`;
  }
  return meanSimilarity > threshold
    ? `${own}, although on average they are similar enough to the prototype of one of the photo's tags (${score(meanSimilarity)}, the cut is ${score(threshold)}): the CRF followed the photo's colours.`
    : `${own}: on average they are too unlike the prototypes of the photo's tags (similarity ${score(meanSimilarity)}, the cut is ${score(threshold)}).`;
}

/** What the evidence's parts are called under the rule that decided. */
export function headings(evidence: Evidence): { value: string; standsFor: string } {
  return isMargin(evidence) ? { value: 'Likeness against backgrounds', standsFor: 'What stands for the class' } : { value: 'Similarity to the prototypes', standsFor: 'The prototype' };
}

/** How many pixels the CRF decided against their own similarity; null if none. */
export function crfText({ decision: { flippedByCrf }, area }: Evidence): string | null {
  if (flippedByCrf === 0) return null;
  return `${pixels(flippedByCrf)} (${percent(flippedByCrf / area)}) would have stayed by their own similarity; the CRF took them along because their colours go with their surroundings.`;
}

/** Which tag's prototype was the best match, by share of pixels. */
export function bestTagsText(evidence: Evidence, names: ClassNames): string {
  const { bestTags } = evidence.decision;
  const best = isMargin(evidence) ? 'tag with the highest value' : 'most similar prototype';
  const of = (classId: number): string => (isMargin(evidence) ? className(classId, names) : `that of ${className(classId, names)}`);
  if (bestTags.length === 0) return isMargin(evidence) ? 'No tag of this photo can be judged.' : 'No tag of this photo has a prototype.';
  if (bestTags.length === 1) return `The ${best} is ${of(bestTags[0].classId)} everywhere.`;
  return `The ${best} is ${list(bestTags.map(({ classId, share }) => `${of(classId)} for ${percent(share)}`))} of the pixels.`;
}

/** What the rule does to a cosine before it is cut; null for a rule that is not known here. */
export function ruleText(rule: string): string | null {
  switch (rule) {
    case 'absolute':
      return 'Similarity is the cosine between a pixel\'s feature and the prototype; negative ones count as 0.';
    case 'percentile':
      return 'Similarity is the cosine, moved so that the class\'s own lower limit falls on 0.5.';
    case 'two-prototypes':
      return 'Similarity says whether a pixel is closer to the prototype or to the mean of the class\'s other clusters; 0.5 is half-way.';
    case 'margin':
      return 'The value sets the likeness to the nearest clusters that stand for the class, weighed low, against the likeness to the nearest backgrounds of other photos; the class\'s own cut falls on 0.5.';
    default:
      return null;
  }
}

export function metricText(metric: MarsMetric): string {
  return metric === 'paper-mean' ? 'mean distance to all backgrounds' : 'mean distance to the nearest backgrounds of photos without the tag';
}

/** The special situation of the photo's clusters, worded. */
export function situationText(evidence: Evidence, names: ClassNames): string {
  const { situation, classId } = evidence;
  const name = className(classId, names);
  switch (situation) {
    case 'split':
      return `Most of the region lies in a cluster of ${name} that is near backgrounds (below the cut), while another cluster of ${name} in this photo is far from them (above it). This is the case that the method is made for.`;
    case 'all-above':
      if (isMargin(evidence)) return `Every cluster of ${name} in this photo, taken as a whole, is far from backgrounds (above the cut); only parts of them are like backgrounds: look twice.`;
      return `Every cluster of ${name} in this photo is far from backgrounds (above the cut). The region went because it is unlike the prototype, not because it is like backgrounds: look twice.`;
    case 'all-below':
      return `Every cluster of ${name} in this photo is near backgrounds (below the cut). The whole ${name} here is doubtful, not this region alone.`;
    case 'spread':
      return `The region lies across clusters on both sides of the cut, so it follows neither of them.`;
  }
}

export function prototypeText(evidence: Evidence, names: ClassNames): string {
  const { prototype, classId } = evidence;
  const { selected, of, cut, contributes, metric } = prototype;
  const start = isMargin(evidence) ? `What stands for ${className(classId, names)} is` : `The prototype of ${className(classId, names)} is the mean of`;
  return (
    `${start} the ${group(selected)} of ${plural(of, 'cluster')} that are farthest from backgrounds ` +
    `(${metricText(metric)}; the cut is ${distance(cut)}). This photo ${contributes ? 'has a part in it' : 'has no part in it'}${isMargin(evidence) && contributes ? '; its own clusters do not count for it' : ''}.`
  );
}

export type ClusterEvidence = Evidence['clusters'][number];

/** One cluster of the photo: '96 % of the region · distance 0.290, rank 97 of 120, below the cut · 0.220 by the other metric'. */
export function clusterText({ share, distance: own, otherDistance, rank, of, selected }: ClusterEvidence): string {
  const parts = [`${percent(share)} of the region`, `distance ${distance(own)}, ${rankText(rank, of)}, ${selected ? 'above' : 'below'} the cut`];
  if (otherDistance !== null) parts.push(`${distance(otherDistance)} by the other metric`);
  return parts.join(' · ');
}

export type Neighbour = Evidence['background']['nearest'][number];

/** How much a neighbour says: strong without the tag, weak with it, and why. */
export function strengthText({ strength, samePhoto }: Neighbour, classId: number, names: ClassNames): string {
  const name = className(classId, names);
  if (strength === 'strong') return `strong: this photo has no tag ${name}`;
  return samePhoto ? `weak: background of this very photo; it may be ${name} itself, missed by the mask` : `weak: this photo is tagged ${name} too; it may be ${name} itself, missed by the mask`;
}

/** Alternative text of a neighbour's thumbnail. */
export function neighbourAlt(neighbour: Neighbour, names: ClassNames): string {
  const tags = neighbour.tags.length ? `tags ${list(neighbour.tags.map(id => className(id, names)))}` : 'no tags';
  return `Background cluster ${neighbour.cluster + 1} of ${neighbour.photo}, outlined; distance ${distance(neighbour.distance)}; ${tags}; ${neighbour.strength}`;
}

/** What the list of neighbours is, and is not. */
export const NEIGHBOURS_ARE = 'Backgrounds most like the region\'s main cluster, to see what it resembles. They illustrate: each pixel was decided by its own similarity, and no photo decides alone.';

/** Heading of the table of photos by mean distance. */
export function photosText({ prototype: { metric } }: Evidence): string {
  return metric === 'paper-mean'
    ? 'Photos whose backgrounds are nearest to the region\'s main cluster on average. Share: their part in how far its distance lies under 0.5.'
    : 'Photos whose backgrounds are nearest to the region\'s main cluster on average. The distance in use looks at the nearest backgrounds only, so these shares are those of the other metric.';
}

export interface WhatIf {
  key: keyof Evidence['counterfactual'];
  /** The change, after 'with'. */
  text: string;
  /** Share of the region that would still be removed; null: cannot be told. */
  removed: number | null;
  /** Most of the region would stay. */
  overturns: boolean;
}

/** The counterfactuals, the most overturning ones first. */
export function whatIfs(evidence: Evidence): WhatIf[] {
  const { counterfactual, prototype: { metric }, decision: { threshold } } = evidence;
  const clusters = isMargin(evidence) ? 'clusters that stand for the class' : 'clusters in the prototype';
  const texts: Record<WhatIf['key'], string> = {
    alphaLower: `fewer ${clusters} (alpha − 0.1)`,
    alphaHigher: `more ${clusters} (alpha + 0.1)`,
    withoutThisPhoto: isMargin(evidence) ? 'nothing of this photo standing for the class' : 'a prototype without this photo',
    otherMetric: `clusters ranked by the ${metricText(metric === 'paper-mean' ? 'knn-untagged' : 'paper-mean')}`,
    thresholdLower: `the cut at ${score(threshold - 0.05)} instead of ${score(threshold)}`,
    thresholdHigher: `the cut at ${score(threshold + 0.05)} instead of ${score(threshold)}`,
  };
  return (Object.keys(texts) as WhatIf['key'][])
    .map(key => ({ key, text: texts[key], removed: counterfactual[key], overturns: (counterfactual[key] ?? 1) < 0.5 }))
    .sort((a, b) => (a.removed ?? 2) - (b.removed ?? 2));
}

/** The change, after 'would still be removed with'; its share stands before it. */
export function whatIfText({ text, removed }: WhatIf): string {
  return removed === null ? `${text} (there is nothing to compare with)` : text;
}

export function stabilityText(evidence: Evidence): string {
  if (evidence.stable) return 'Stable: under every change that was tried, most of the region is removed.';
  const overturning = whatIfs(evidence).filter(({ overturns }) => overturns);
  if (overturning.length === 0) return 'Fragile: a small change of the settings changes what happens to the region.';
  return `Fragile: most of the region would stay with ${list(overturning.map(({ text }) => text))}.`;
}

/**
 * Share of the region's pixels whose own similarity is above `threshold` (0..1), from the histogram's bins of equal width over 0..1; within a bin pixels are taken as
 * evenly spread.
 */
export function shareAbove(histogram: readonly number[], threshold: number): number {
  const total = histogram.reduce((sum, count) => sum + count, 0);
  if (total === 0) return 0;
  const at = Math.min(1, Math.max(0, threshold)) * histogram.length;
  const bin = Math.min(histogram.length - 1, Math.floor(at));
  const above = histogram.slice(bin + 1).reduce((sum, count) => sum + count, 0) + histogram[bin] * (bin + 1 - at);
  return above / total;
}

/** What another cut would do to the region, by similarity alone. */
export function otherThresholdText({ decision: { histogram }, area }: Evidence, threshold: number): string {
  const stays = shareAbove(histogram, threshold);
  return `With the cut at ${score(threshold)}, ${percent(stays)} of the region (about ${pixels(Math.round(stays * area))}) would stay.`;
}

/** 'what was it' for the histogram's picture. */
export function histogramAlt({ decision: { histogram, threshold, meanSimilarity } }: Evidence): string {
  return `Histogram of similarity: mean ${score(meanSimilarity)}, cut at ${score(threshold)}; ${percent(1 - shareAbove(histogram, threshold))} of the pixels lie below the cut.`;
}

/** Provenance as name and value, ready for a table. */
export function provenanceRows({ provenance, decision, id }: Evidence): [string, string][] {
  const { run, source, mask, model, features, grid, settings, version } = provenance;
  return [
    ['region', id],
    ['run', run],
    ['SeedMask', version],
    ['photo (sha256)', source],
    ['mask before (sha256)', mask],
    ...(features ? [['features', features.name], ['model of features (sha256)', features.model]] satisfies [string, string][] : []),
    ['feature space (sha256)', model],
    ['grid', `${grid[0]} × ${grid[1]} (rows × columns)`],
    ['rule', decision.rule],
    ...Object.entries(settings).map(([name, value]): [string, string] => [name, String(value)]),
  ];
}
