/**
 * What the class page says: whether a class is biased, what was removed of it, and how far the two metrics agree. Groups of backgrounds have numbers, no names:
 * the system knows none.
 */
import type { ClassEvidence } from '../../shared/evidence';
import { group, plural } from '../../shared/runTexts';
import { distance, percent, pixels, score } from '../../shared/texts/words';

/** The verdict in one sentence. */
export function verdictText({ name, biased, leftAlone, gap, backgroundShare }: ClassEvidence): string {
  if (leftAlone !== null) return `Nothing was removed of ${name}: ${leftAlone}`;
  if (typeof backgroundShare === 'number') return `About ${percent(backgroundShare)} of ${name} look like backgrounds, by estimate: ${name} probably comes with something of its surroundings.`;
  const apart = `gap ${gap.toFixed(1)}`;
  return biased
    ? `The clusters of ${name} fall into two groups by distance to backgrounds (${apart}): ${name} probably comes with something of its surroundings.`
    : `The clusters of ${name} do not fall into two clear groups by distance to backgrounds (${apart}): ${name} is probably not biased. Look at what was removed before you keep it.`;
}

/** For lists: 'biased · 15 % removed · 7 fragile'. */
export function shortText({ biased, leftAlone, removed, before, fragile }: ClassEvidence): string {
  if (leftAlone !== null) return 'left alone';
  const parts = [biased ? 'biased' : 'no clear gap', `${percent(removed / Math.max(1, before))} removed`];
  if (fragile > 0) parts.push(`${group(fragile)} fragile`);
  return parts.join(' · ');
}

/** What was removed: pixels, photos, emptied ones. */
export function removedText({ removed, before, photos, photosChanged, photosEmptied, regions, fragile }: ClassEvidence): string {
  if (removed === 0) return `Of ${pixels(before)} in ${plural(photos, 'photo')}, none were removed.`;
  const emptied = photosEmptied === 0 ? 'none lost it entirely' : `${group(photosEmptied)} lost it entirely`;
  return `Of ${pixels(before)}, ${group(removed)} (${percent(removed / Math.max(1, before))}) were removed, in ${group(photosChanged)} of ${plural(photos, 'photo')}; ${emptied}. ${plural(regions, 'region')}, ${group(fragile)} of them fragile.`;
}

export function agreementText({ metricAgreement }: ClassEvidence): string {
  return metricAgreement === null
    ? 'The other metric has nothing to compare with.'
    : `Both metrics put ${percent(metricAgreement)} of the clusters on the same side of the cut.`;
}

/** Where the rule moved the class's cut from; null where it moves none. */
export function calibrationText({ calibration, name }: ClassEvidence): string | null {
  return typeof calibration === 'number' ? `A similarity of 0.5 stands for a cosine of ${score(calibration)} to the prototype of ${name}.` : null;
}

/** Alternative text of the distance curve. `own`: clusters of the open photo among them. */
export function curveAlt({ distances, selected, cut, name }: ClassEvidence, own: number): string {
  if (distances.length === 0) return `${name} has no clusters.`;
  const mine = own ? `; ${plural(own, 'cluster')} of this photo marked` : '';
  return `Distances of ${plural(distances.length, 'cluster')} of ${name} to backgrounds, falling from ${distance(distances[0])} to ${distance(distances[distances.length - 1])}; the first ${group(selected)} lie above the cut at ${distance(cut)}${mine}.`;
}

/** 'Background group 17: 80,000 pixels (67 % of what was removed)' */
export function groupText({ group: number, pixels: count }: ClassEvidence['groups'][number], removed: number): string {
  return `Background group ${number}: ${pixels(count)} (${percent(Math.min(1, count / Math.max(1, removed)))} of what was removed)`;
}

export const GROUPS_ARE = 'Backgrounds of all photos, gathered into groups of similar ones; a group counts the removed pixels that are nearest to it.';
