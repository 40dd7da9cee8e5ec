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

/** Vectors that are compared with a background together. */
const AT_ONCE = 4;

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

/** A background cluster of a photo (index into `photos`). */
interface Background {
  photo: number;
  cluster: number;
}

/** Background centroids of some photos of a store, to be compared one by one. A snapshot: it does not follow the store. */
export class Backgrounds {
  private readonly cosines: Float64Array;

  private constructor(
    readonly dimensions: number,
    /** Photos that have background, by name, and their tags. */
    private readonly photos: readonly string[],
    private readonly tags: readonly (readonly number[])[],
    /** By photo and cluster. */
    private readonly members: readonly Background[],
    /** N x D unit vectors. */
    readonly units: Float32Array,
  ) {
    this.cosines = new Float64Array(members.length);
  }

  /** Of all photos with background, or of `most` spread evenly among them. */
  static of(store: CentroidStore, most: number): Backgrounds {
    const all = store.photos().filter(photo => store.backgroundRows(photo).length > 0);
    const photos = all.length <= most ? all : Array.from({ length: most }, (_, i) => all[Math.floor((i * all.length) / most)]);
    const rows = photos.flatMap((name, photo) => store.backgroundRows(name).map(({ row, cluster }) => ({ row, photo, cluster })));
    const units = new Float32Array(rows.length * store.dimensions);
    rows.forEach(({ row }, i) => units.set(unit(store.centroid(row)), i * store.dimensions));
    return new Backgrounds(store.dimensions, photos, photos.map(photo => store.get(photo)?.tags ?? []), rows, units);
  }

  /** Those of photos that do not have the tag. */
  untagged(classId: number): Backgrounds {
    const { dimensions, photos, tags, members, units } = this;
    const left = [...members.keys()].filter(i => !tags[members[i].photo].includes(classId));
    const unitsLeft = new Float32Array(left.length * dimensions);
    left.forEach((from, to) => unitsLeft.set(units.subarray(from * dimensions, (from + 1) * dimensions), to * dimensions));
    return new Backgrounds(dimensions, photos, tags, left.map(i => members[i]), unitsLeft);
  }

  get count(): number {
    return this.members.length;
  }

  /** For each vector its mean distance to the `k` nearest (to all, where there are fewer); null where there is none. */
  nearestMeans(vectors: readonly Floats[], k: number): number[] | null {
    if (this.count === 0) return null;
    const means: number[] = [];
    for (let i = 0; i < vectors.length; i += AT_ONCE) means.push(...this.largestMeans(vectors.slice(i, i + AT_ONCE), Math.min(k, this.count)).map(mean => (1 - mean) / 2));
    return means;
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
      sums[this.members[i].photo] += cosine;
      counts[this.members[i].photo]++;
      total += cosine;
    });
    // Photos without a member here come last.
    const means = sums.map((sum, index) => (counts[index] > 0 ? sum / counts[index] : -Infinity));
    return indicesOfLargest(means, Math.min(k, counts.filter(count => count > 0).length)).map(index => ({ photo: this.photos[index], distance: distanceOf(means[index]), share: total > 1e-9 ? sums[index] / total : 0 }));
  }

  at(index: number): { photo: string; cluster: number } {
    const { photo, cluster } = this.members[index];
    return { photo: this.photos[photo], cluster };
  }

  /** Mean of the `k` largest cosines of each of up to four vectors: a background that is read is used for all of them. */
  private largestMeans(vectors: readonly Floats[], k: number): number[] {
    const { units, dimensions, count } = this;
    const directions = new Float64Array(dimensions * AT_ONCE);
    vectors.forEach((vector, j) => unit(vector).forEach((value, d) => (directions[d * AT_ONCE + j] = value)));
    const best = vectors.map(() => new Float64Array(k).fill(-Infinity));
    const sums = new Float64Array(AT_ONCE);
    for (let i = 0, at = 0; i < count; i++, at += dimensions) {
      let s0 = 0;
      let s1 = 0;
      let s2 = 0;
      let s3 = 0;
      for (let d = 0, j = 0; d < dimensions; d++, j += AT_ONCE) {
        const value = units[at + d];
        s0 += value * directions[j];
        s1 += value * directions[j + 1];
        s2 += value * directions[j + 2];
        s3 += value * directions[j + 3];
      }
      sums[0] = s0;
      sums[1] = s1;
      sums[2] = s2;
      sums[3] = s3;
      for (let j = 0; j < best.length; j++) if (sums[j] > best[j][k - 1]) insert(best[j], sums[j]);
    }
    return best.map(cosines => cosines.reduce((sum, cosine) => sum + cosine, 0) / k);
  }

  /** Valid until the next call. */
  private cosinesTo(vector: Floats): Float64Array {
    const { units, dimensions, cosines } = this;
    const direction = unit(vector);
    for (let i = 0, at = 0; i < cosines.length; i++, at += dimensions) {
      cosines[i] = dot(units, at, direction, 0, dimensions);
    }
    return cosines;
  }
}

function distanceOf(cosine: number): number {
  return Math.min(1, Math.max(0, (1 - cosine) / 2));
}

/** Puts `value` in its place of descending `values`; the last one goes. */
function insert(values: Float64Array, value: number): void {
  let place = values.length - 1;
  for (; place > 0 && values[place - 1] < value; place--) values[place] = values[place - 1];
  values[place] = value;
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
