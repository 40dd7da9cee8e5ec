/** Queue items, evidence and open photos for tests of the review page: plausible, with what a test cares about set by it. */
import type { Evidence, ClassEvidence } from '../../../src/shared/evidence';
import type { QueueItem } from '../../../src/shared/review';

export function queueItem(some: Partial<QueueItem>): QueueItem {
  return {
    photo: 'a.jpg',
    mask: 'a.mask.png',
    state: 'auto',
    tags: [],
    areas: null,
    uncertainty: { ignore: null, entropy: null, fragile: null, size: null },
    change: null,
    removedRegions: 0,
    ...some,
  };
}

/** Class 1 removed from 'sea/1.jpg': split, stable. */
export function evidence(some: Partial<Evidence> = {}): Evidence {
  return {
    id: 'sea/1.jpg#1@10,300,200,60',
    photo: 'sea/1.jpg',
    classId: 1,
    box: [10, 300, 200, 60],
    area: 4210,
    decision: {
      meanSimilarity: 0.312,
      histogram: [0, 10, 200, 800, 1200, 1000, 600, 300, 60, 40, 0, 0, 0, 0, 0, 0],
      threshold: 0.5,
      rule: 'absolute',
      flippedByCrf: 100,
      bestTags: [
        { classId: 1, share: 0.8 },
        { classId: 2, share: 0.2 },
      ],
    },
    prototype: {
      metric: 'paper-mean',
      selected: 48,
      of: 120,
      cut: 0.431,
      contributes: true,
      above: [{ photo: 'sea/3.jpg', cluster: 0, distance: 0.52 }],
      below: [{ photo: 'sea/4.jpg', cluster: 1, distance: 0.43 }],
    },
    clusters: [
      { cluster: 0, share: 0.04, distance: 0.47, otherDistance: 0.46, rank: 12, of: 120, selected: true },
      { cluster: 1, share: 0.96, distance: 0.29, otherDistance: 0.22, rank: 97, of: 120, selected: false },
    ],
    situation: 'split',
    background: {
      photos: [{ photo: 'sea/7.jpg', distance: 0.21, share: 0.03 }],
      nearest: [
        { photo: 'sea/7.jpg', cluster: 0, distance: 0.05, tags: [2], strength: 'strong', samePhoto: false },
        { photo: 'sea/1.jpg', cluster: 1, distance: 0.08, tags: [1], strength: 'weak', samePhoto: true },
      ],
    },
    counterfactual: { alphaLower: 0.97, alphaHigher: 0.9, withoutThisPhoto: 0.95, otherMetric: 0.88, thresholdLower: 0.8, thresholdHigher: 0.99 },
    stable: true,
    provenance: { run: '2026-11-22', source: 'a'.repeat(64), mask: 'b'.repeat(64), model: 'c'.repeat(64), grid: [24, 32], settings: { alpha: 0.4 }, version: '0.1.0' },
    ...some,
  };
}

export function classEvidence(some: Partial<ClassEvidence> = {}): ClassEvidence {
  return {
    classId: 1,
    name: 'boat',
    photos: 60,
    leftAlone: null,
    gap: 4.2,
    biased: true,
    distances: [0.52, 0.5, 0.47, 0.43, 0.3, 0.28],
    clusters: [0, 1, 2, 3, 4, 5].map(i => ({ photo: `sea/${i}.jpg`, cluster: i % 2, distance: [0.52, 0.5, 0.47, 0.43, 0.3, 0.28][i] })),
    selected: 4,
    cut: 0.43,
    removed: 120_000,
    before: 800_000,
    photosChanged: 41,
    photosEmptied: 2,
    regions: 55,
    fragile: 7,
    metricAgreement: 0.93,
    groups: [{ group: 17, pixels: 80_000, samples: [{ photo: 'sea/7.jpg', cluster: 0, distance: 0.05 }] }],
    ...some,
  };
}
