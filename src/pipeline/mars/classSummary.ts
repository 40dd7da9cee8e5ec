/**
 * What MARS did to each class, over all photos: totals that are collected photo by photo (and merge from parts), and the class's evidence made of them.
 *
 * Recurring background groups: all backgrounds (or those of the photos that are compared) are clustered once by direction; a removed region belongs to the group of the background
 * cluster it is nearest to. So a reviewer sees that most of what was removed from a class is like the same stuff. Groups have no names: the system knows none.
 */
import type { ClassEvidence, ClusterRef, Evidence } from '../../shared/evidence';
import type { LabelMap } from '../../shared/maps';
import type { Backgrounds } from './distances';
import { kMeans } from './kMeans';
import type { ClassDecisions } from './marsTypes';
import { dot, unit } from './vectors';

const MOST_GROUPS = 50;
/** Groups need no last digit. */
const MOST_ROUNDS = 25;
/** Groups and samples of each that are shown. */
const SHOWN_GROUPS = 6;
const SHOWN_SAMPLES = 6;

interface Totals {
  before: number;
  removed: number;
  photosChanged: number;
  photosEmptied: number;
  regions: number;
  fragile: number;
  /** Pixels of removed regions by the background cluster they are nearest to. */
  nearest: Map<string, number>;
}

/** Totals by class. Parts merge to the whole. */
export class ClassTotals {
  private readonly classes = new Map<number, Totals>();

  /** Counts a photo: its mask before, and the records of what was removed from it. */
  add(mask: LabelMap, evidence: readonly Evidence[]): void {
    const pixels = new Int32Array(256);
    for (let p = 0; p < mask.data.length; p++) pixels[mask.data[p]]++;
    for (let classId = 1; classId < 255; classId++) {
      if (pixels[classId] === 0) continue;
      const totals = this.of(classId);
      const regions = evidence.filter(record => record.classId === classId);
      const removed = regions.reduce((sum, { area }) => sum + area, 0);
      totals.before += pixels[classId];
      totals.removed += removed;
      if (removed > 0) totals.photosChanged++;
      if (removed === pixels[classId]) totals.photosEmptied++;
      totals.regions += regions.length;
      totals.fragile += regions.filter(({ stable }) => !stable).length;
      for (const { area, background } of regions) {
        if (background.nearest.length > 0) increase(totals.nearest, nameOf(background.nearest[0]), area);
      }
    }
  }

  merge(other: ClassTotals): void {
    for (const [classId, theirs] of other.classes) {
      const ours = this.of(classId);
      ours.before += theirs.before;
      ours.removed += theirs.removed;
      ours.photosChanged += theirs.photosChanged;
      ours.photosEmptied += theirs.photosEmptied;
      ours.regions += theirs.regions;
      ours.fragile += theirs.fragile;
      for (const [name, pixels] of theirs.nearest) increase(ours.nearest, name, pixels);
    }
  }

  /** Evidence of the named classes, in their order. A class in no mask has no clusters, and says so. */
  evidence(classes: readonly { id: number; name: string }[], decisions: ClassDecisions, groups: BackgroundGroups): ClassEvidence[] {
    return classes.map(({ id, name }) => {
      const { nearest, ...totals } = this.of(id);
      const decision = decisions.get(id);
      const clusters = (decision?.ranking ?? []).map(({ photo, cluster, distance }): ClusterRef => ({ photo, cluster, distance }));
      return {
        classId: id,
        name,
        photos: decision?.photos ?? 0,
        leftAlone: decision ? decision.leftAlone : 'no mask holds a region of it that is large enough to compare',
        gap: decision?.gap ?? 0,
        biased: decision?.biased ?? false,
        backgroundShare: decision?.backgroundShare ?? null,
        // The same place holds a cosine for one rule, a margin for the other.
        calibration: decision?.neighbourhood ? null : (decision?.calibration ?? null),
        marginCut: decision?.neighbourhood ? decision.calibration : null,
        distances: clusters.map(({ distance }) => distance),
        clusters,
        selected: decision?.selected ?? 0,
        cut: decision?.cut ?? 0,
        ...totals,
        metricAgreement: decision?.metricAgreement ?? null,
        groups: groups.largest(nearest),
      };
    });
  }

  private of(classId: number): Totals {
    const totals = this.classes.get(classId) ?? { before: 0, removed: 0, photosChanged: 0, photosEmptied: 0, regions: 0, fragile: 0, nearest: new Map<string, number>() };
    this.classes.set(classId, totals);
    return totals;
  }
}

/** Groups of like backgrounds. */
export class BackgroundGroups {
  private readonly groupOf = new Map<string, number>();
  /** Members of each group, nearest to its centre first. */
  private readonly members: ClusterRef[][] = [];

  constructor(backgrounds: Backgrounds) {
    if (backgrounds.count === 0) return;
    const { dimensions } = backgrounds;
    const { centroids, labels, counts } = kMeans(backgrounds.units, dimensions, MOST_GROUPS, MOST_ROUNDS);
    const centres = Array.from(counts, (_, group) => unit(centroids.subarray(group * dimensions, (group + 1) * dimensions)));
    this.members = centres.map(() => []);
    labels.forEach((group, i) => {
      const member = backgrounds.at(i);
      this.groupOf.set(nameOf(member), group);
      this.members[group].push({ ...member, distance: (1 - dot(backgrounds.units, i * dimensions, centres[group], 0, dimensions)) / 2 });
    });
    for (const members of this.members) members.sort((a, b) => a.distance - b.distance);
  }

  /** The groups with the most of `pixels` (by background cluster), largest first. */
  largest(pixels: ReadonlyMap<string, number>): ClassEvidence['groups'] {
    const sums = new Map<number, number>();
    for (const [name, count] of pixels) {
      const group = this.groupOf.get(name);
      if (group !== undefined) increase(sums, group, count);
    }
    return [...sums]
      .sort(([a, most], [b, more]) => more - most || a - b)
      .slice(0, SHOWN_GROUPS)
      .map(([group, count]) => ({ group, pixels: count, samples: this.members[group].slice(0, SHOWN_SAMPLES) }));
  }
}

function nameOf({ photo, cluster }: { photo: string; cluster: number }): string {
  return `${cluster} ${photo}`;
}

function increase<K>(counts: Map<K, number>, key: K, by: number): void {
  counts.set(key, (counts.get(key) ?? 0) + by);
}
