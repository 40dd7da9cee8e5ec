/**
 * How far a cluster is from backgrounds (MARS, equation 1, and a variant):
 *
 *     S(a, b) = a.b / |a||b|     D(a, b) = (1 - S) / 2, in [0, 1]
 *     paper-mean      mean of D over the background centroids of all photos, the photo's own included; with mu, the mean of the unit backgrounds, it is
 *                     (1 - v.mu / |v|) / 2, so that one vector stands for all backgrounds
 *     knn-untagged    mean of D to the k nearest background centroids of photos that do not have the class's tag: the paper's motive in place of its equation
 *
 * A vector of zeros has D = 0.5 to everything.
 */
import type { CentroidStore } from './centroidStore';
import { dot, unit, type Floats } from './vectors';

export function cosineDistance(a: Floats, b: Floats): number {
  return (1 - dot(unit(a), 0, unit(b), 0, a.length)) / 2;
}

/** Mean distance to backgrounds whose unit vectors have the mean `meanUnit`. */
export function meanDistance(vector: Floats, meanUnit: Floats): number {
  return (1 - dot(unit(vector), 0, meanUnit, 0, vector.length)) / 2;
}

/** The same from the definition. @throws if there is no background. */
export function meanDistanceReference(vector: Floats, backgrounds: readonly Floats[]): number {
  if (backgrounds.length === 0) throw new Error('distances: no background');
  return backgrounds.reduce((sum, background) => sum + cosineDistance(vector, background), 0) / backgrounds.length;
}

export interface NearBackground {
  photo: string;
  cluster: number;
  distance: number;
}

/** Background centroids of some photos of a store, to be compared one by one. A snapshot: it does not follow the store. */
export class Backgrounds {
  /** Photos that have background, by name. */
  readonly photos: readonly string[];
  /** N x D unit vectors, by photo and cluster. */
  readonly units: Float32Array;
  /** Index into `photos`, and number within the photo, of each. */
  private readonly photoOf: Int32Array;
  private readonly clusters: Uint8Array;
  readonly count: number;
  private readonly cosines: Float64Array;

  /** Of all photos with background whose tags are `wanted`, or of `most` spread evenly among them. */
  constructor(
    store: CentroidStore,
    most: number,
    wanted: (tags: readonly number[]) => boolean = () => true,
    private readonly dimensions = store.dimensions,
  ) {
    const all = store.photos().filter(photo => wanted(store.get(photo)?.tags ?? []) && store.backgroundRows(photo).length > 0);
    this.photos = all.length <= most ? all : Array.from({ length: most }, (_, i) => all[Math.floor((i * all.length) / most)]);
    const rows = this.photos.flatMap((photo, index) => store.backgroundRows(photo).map(({ row, cluster }) => ({ row, cluster, index })));
    this.count = rows.length;
    this.units = new Float32Array(rows.length * dimensions);
    rows.forEach(({ row }, i) => this.units.set(unit(store.centroid(row)), i * dimensions));
    this.photoOf = Int32Array.from(rows, ({ index }) => index);
    this.clusters = Uint8Array.from(rows, ({ cluster }) => cluster);
    this.cosines = new Float64Array(rows.length);
  }

  /** Mean distance to the `k` nearest (to all, where there are fewer); null where there is none. */
  nearestMean(vector: Floats, k: number): number | null {
    if (this.count === 0) return null;
    const cosines = this.cosinesTo(vector);
    const largest = indicesOfLargest(cosines, k);
    return (1 - largest.reduce((sum, index) => sum + cosines[index], 0) / largest.length) / 2;
  }

  /** The `k` nearest, nearest first; of equals those of the photo that comes first. */
  nearest(vector: Floats, k: number): (NearBackground & { index: number })[] {
    const cosines = this.cosinesTo(vector);
    return indicesOfLargest(cosines, k).map(index => ({ ...this.at(index), distance: distanceOf(cosines[index]), index }));
  }

  /**
   * The `k` photos whose backgrounds are nearest on average, nearest first, each with its share of 0.5 - d, d the mean distance to all backgrounds here: exactly how
   * 'paper-mean' adds up (shares of all photos sum to 1, some may be negative). Shares are 0 where d is 0.5 or more.
   */
  nearestPhotos(vector: Floats, k: number): { photo: string; distance: number; share: number }[] {
    const cosines = this.cosinesTo(vector);
    const sums = new Float64Array(this.photos.length);
    const counts = new Int32Array(this.photos.length);
    let total = 0;
    cosines.forEach((cosine, i) => {
      sums[this.photoOf[i]] += cosine;
      counts[this.photoOf[i]]++;
      total += cosine;
    });
    const means = sums.map((sum, index) => sum / counts[index]);
    return indicesOfLargest(means, k).map(index => ({ photo: this.photos[index], distance: distanceOf(means[index]), share: total > 1e-9 ? sums[index] / total : 0 }));
  }

  at(index: number): { photo: string; cluster: number } {
    return { photo: this.photos[this.photoOf[index]], cluster: this.clusters[index] };
  }

  /** Valid until the next call. */
  private cosinesTo(vector: Floats): Float64Array {
    const { units, dimensions, cosines } = this;
    const direction = Float32Array.from(unit(vector));
    for (let i = 0, at = 0; i < cosines.length; i++, at += dimensions) {
      let s0 = 0;
      let s1 = 0;
      let s2 = 0;
      let s3 = 0;
      let d = 0;
      for (; d + 3 < dimensions; d += 4) {
        s0 += units[at + d] * direction[d];
        s1 += units[at + d + 1] * direction[d + 1];
        s2 += units[at + d + 2] * direction[d + 2];
        s3 += units[at + d + 3] * direction[d + 3];
      }
      for (; d < dimensions; d++) s0 += units[at + d] * direction[d];
      cosines[i] = s0 + s1 + s2 + s3;
    }
    return cosines;
  }
}

function distanceOf(cosine: number): number {
  return Math.min(1, Math.max(0, (1 - cosine) / 2));
}

/** Of the `k` largest values, largest first, the first of equals first. */
function indicesOfLargest(values: Float64Array, k: number): number[] {
  const best: number[] = [];
  for (let i = 0; i < values.length; i++) {
    if (best.length === k && values[i] <= values[best[k - 1]]) continue;
    if (best.length === k) best.pop();
    let place = best.length;
    while (place > 0 && values[best[place - 1]] < values[i]) place--;
    best.splice(place, 0, i);
  }
  return best;
}
