/**
 * Deciding again from records alone, without features: what shows that evidence tells how it was, and not a story about it.
 *
 * Of the data set: the distances of a class give its ranking, selection, cut and gap. Of a photo: the mask before, the recorded similarity map (one byte a cell), the settings of any
 * record and the classes that may lose pixels give the removed labels; with the CRF, the photo too.
 */
import type { ClassEvidence, ClusterRef, Evidence } from '../../shared/evidence';
import type { LabelMap, RgbImage } from '../../shared/maps';
import { debias, type Debiased } from './debias';
import type { SimilarityMap } from './marsTypes';
import { gapOf, selectedOf } from './prototypes';
import { settingsOfRecord } from './settingsRecord';

/** Classes that may lose pixels: of class evidence, or of decisions. */
export function removableOf(classes: Iterable<Pick<ClassEvidence, 'classId' | 'leftAlone'>>): Set<number> {
  return new Set([...classes].filter(({ leftAlone }) => leftAlone === null).map(({ classId }) => classId));
}

/** What `debias` decided about a photo of which something was removed. @throws ValiError if the settings are of another version */
export function decideAgain(mask: LabelMap, similarity: SimilarityMap, { provenance }: Evidence, classes: readonly ClassEvidence[], photo: RgbImage | null): Debiased {
  return debias(mask, similarity, removableOf(classes), settingsOfRecord(provenance.settings), photo);
}

/** The ranking of a class's clusters, how many of them made the prototype, the cut and the gap, from their distances. */
export function rankAgain({ clusters }: Pick<ClassEvidence, 'clusters'>, alpha: number): { ranking: ClusterRef[]; selected: number; cut: number; gap: number } {
  const ranking = [...clusters].sort((a, b) => b.distance - a.distance || (a.photo < b.photo ? -1 : a.photo > b.photo ? 1 : a.cluster - b.cluster));
  const selected = selectedOf(ranking.length, alpha);
  return { ranking, selected, cut: ranking[selected - 1]?.distance ?? 0, gap: gapOf(ranking.map(({ distance }) => distance)).gap };
}
