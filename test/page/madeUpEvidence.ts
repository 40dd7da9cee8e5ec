/**
 * Evidence that looks like that of a debiasing run and is made up: one removed ellipse beside each mask, and one summary for each class. For the stand-alone page alone.
 */
import type { ClassEvidence, ClusterRef, Evidence } from '../../src/shared/evidence';
import type { LabelMap } from '../../src/shared/maps';

export interface Removal {
  before: LabelMap;
  removed: LabelMap;
  evidence: Evidence;
}

/** A region of the mask's largest class as if it had been removed; nothing for an empty mask. */
export function madeUpRemoval(photo: string, photos: readonly string[], mask: LabelMap): Removal | undefined {
  const { width, height, data } = mask;
  const counts = new Array<number>(255).fill(0);
  for (const id of data) if (id > 0 && id < 255) counts[id]++;
  const classId = counts.indexOf(Math.max(...counts));
  if (counts[classId] === 0) return undefined;
  const removed = { data: new Uint8Array(data.length), width, height };
  const before = { data: data.slice(), width, height };
  const [cx, cy, rx, ry] = [Math.floor(width * 0.25), Math.floor(height * 0.78), Math.floor(width * 0.2), Math.floor(height * 0.15)];
  let area = 0;
  for (let y = Math.max(0, cy - ry); y < Math.min(height, cy + ry); y++) {
    for (let x = Math.max(0, cx - rx); x < cx + rx; x++) {
      if (((x - cx) / rx) ** 2 + ((y - cy) / ry) ** 2 > 1 || data[y * width + x] !== 0) continue;
      removed.data[y * width + x] = classId;
      before.data[y * width + x] = classId;
      area++;
    }
  }
  const box: [number, number, number, number] = [cx - rx, cy - ry, 2 * rx, 2 * ry];
  const others = photos.filter(other => other !== photo);
  const references = (from: number): ClusterRef[] => others.slice(0, 4).map((other, i) => ({ photo: other, cluster: i, distance: from - i * 0.02 }));
  return {
    before,
    removed,
    evidence: {
      id: `${photo}#${classId}@${box.join(',')}`,
      photo,
      classId,
      box,
      area,
      decision: {
        meanSimilarity: 0.31,
        histogram: [0, 2, 8, 20, 46, 80, 60, 31, 12, 5, 2, 1, 0, 0, 0, 0].map(part => Math.round((part * area) / 267)),
        threshold: 0.5,
        rule: 'sigmoid-calibrated',
        flippedByCrf: Math.round(area * 0.03),
        bestTags: [{ classId, share: 1 }],
      },
      prototype: { metric: 'paper-mean', selected: 7, of: 12, cut: 0.42, contributes: true, above: references(0.6), below: references(0.4) },
      clusters: [
        { cluster: 0, share: 0.82, distance: 0.36, otherDistance: 0.33, rank: 10, of: 12, selected: false },
        { cluster: 1, share: 0.18, distance: 0.58, otherDistance: null, rank: 2, of: 12, selected: true },
      ],
      situation: 'split',
      background: {
        photos: others.slice(0, 3).map((other, i) => ({ photo: other, distance: 0.2 + i * 0.05, share: 0.3 - i * 0.08 })),
        nearest: others.slice(0, 4).map((other, i) => ({ photo: other, cluster: i, distance: 0.11 + i * 0.04, tags: [i % 2 ? classId : 1], strength: i % 2 ? ('weak' as const) : ('strong' as const), samePhoto: false })),
      },
      counterfactual: { alphaLower: 0.94, alphaHigher: 0.71, withoutThisPhoto: 1, otherMetric: 0.88, thresholdLower: 0.63, thresholdHigher: 1 },
      stable: true,
      provenance: { run: '20261122-113513-186-8b33', source: 'a'.repeat(64), mask: 'b'.repeat(64), model: 'c'.repeat(64), grid: [28, 28], settings: { alpha: 0.5, metric: 'paper-mean', clusters: 8 }, version: '1' },
    },
  };
}

/** One summary a class; the last class is left alone. */
export function madeUpClasses(classes: readonly { id: number; name: string }[], photos: readonly string[]): ClassEvidence[] {
  return classes.filter(({ id }) => id > 0).map(({ id, name }, place, all) => {
    const leftAlone = place === all.length - 1;
    const clusters = Array.from({ length: 12 }, (_, i) => ({ photo: photos[(i + place) % photos.length], cluster: i % 3, distance: i < 7 ? 0.66 - i * 0.02 : 0.42 - (i - 7) * 0.03 }));
    return {
      classId: id,
      name,
      photos: 4,
      leftAlone: leftAlone ? 'its distances do not fall into two groups' : null,
      gap: leftAlone ? 0.1 : 0.72,
      biased: !leftAlone,
      distances: clusters.map(({ distance }) => distance),
      clusters,
      selected: 7,
      cut: 0.48,
      removed: leftAlone ? 0 : 18_400,
      before: 96_000,
      photosChanged: leftAlone ? 0 : 3,
      photosEmptied: 0,
      regions: leftAlone ? 0 : 3,
      fragile: leftAlone ? 0 : 1,
      metricAgreement: 0.9,
      groups: leftAlone ? [] : [{ group: 0, pixels: 12_000, samples: clusters.slice(8, 11) }, { group: 1, pixels: 4_100, samples: clusters.slice(9, 12) }],
    };
  });
}
