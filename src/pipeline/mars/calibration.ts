/**
 * Where to cut the cosines of plain features (rule 'percentile'). They share a large common part, so that all their cosines are high and 0.5 means nothing; but the
 * cells of the very clusters that made a class's prototype are what is to be kept. t_c, a low percentile of their cosines to the prototype, is the class's cut.
 *
 * Some photos of each class are enough, and they are looked at once more, between the passes.
 */
import type { LabelMap, Maps } from '../../shared/maps';
import type { CentroidStore } from './centroidStore';
import { cellLabels, nearestClusters } from './clusters';
import type { ClassDecision, ClassDecisions } from './marsTypes';
import { CellFeatures } from './similarityMap';

/** Cosines by class, in any order: samples of parts may be put together. */
export type CosineSample = Map<number, number[]>;

/** Photos to look at: of each class `perClass` spread evenly among those that have a part in its prototype. By name, each once. */
export function calibrationPhotos(decisions: ClassDecisions, perClass = 64): string[] {
  const chosen = new Set<string>();
  for (const { ranking, selected } of decisions.values()) {
    const photos = [...new Set(ranking.slice(0, selected).map(({ photo }) => photo))].sort();
    const count = Math.min(perClass, photos.length);
    for (let i = 0; i < count; i++) chosen.add(photos[Math.floor((i * photos.length) / count)]);
  }
  return [...chosen].sort();
}

/** Adds the cosines of the photo's cells that belong to selected clusters: cells of the class that are nearest to such a centroid. */
export function sampleCosines(sample: CosineSample, photo: string, features: Maps, mask: LabelMap, store: CentroidStore, decisions: ClassDecisions): void {
  const cells = new CellFeatures(features);
  const labels = cellLabels(mask, features.height, features.width);
  for (const decision of decisions.values()) {
    const chosen = selectedClusters(decision, photo);
    if (chosen.size === 0) continue;
    const own = store.clustersOf(photo).filter(({ classId }) => classId === decision.classId);
    const nearest = nearestClusters(features, own);
    const cosines = cells.cosines(decision.prototype);
    const known = sample.get(decision.classId) ?? [];
    sample.set(decision.classId, known);
    labels.forEach((label, cell) => {
      if (label === decision.classId && chosen.has(own[nearest[cell]].cluster)) known.push(cosines[cell]);
    });
  }
}

/** The decisions with t_c where the sample has the class. `percentile`: 0..100, straight between neighbouring values. */
export function calibrate(decisions: ClassDecisions, sample: CosineSample, percentile: number): ClassDecisions {
  return new Map(
    [...decisions].map(([classId, decision]) => {
      const cosines = sample.get(classId) ?? [];
      return [classId, cosines.length === 0 ? decision : { ...decision, calibration: percentileOf(cosines, percentile) }];
    }),
  );
}

/** Numbers of the photo's clusters that have a part in the prototype. */
function selectedClusters({ places, ranking, selected }: ClassDecision, photo: string): Set<number> {
  return new Set((places.get(photo) ?? []).filter(place => place < selected).map(place => ranking[place].cluster));
}

function percentileOf(values: readonly number[], percentile: number): number {
  const sorted = Float64Array.from(values).sort();
  const place = (percentile / 100) * (sorted.length - 1);
  const below = Math.floor(place);
  const above = Math.min(below + 1, sorted.length - 1);
  return sorted[below] + (place - below) * (sorted[above] - sorted[below]);
}
