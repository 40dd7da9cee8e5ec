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
import { dotProducts, packRows, type PackedRows } from './dotProducts';
import { dot, meanOfLargest, unit, type Floats } from './vectors';

/** Vectors that are compared with all backgrounds together. */
const AT_ONCE = 64;

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
  /** What `cosines` are to. */
  private last: Floats | undefined;
  private rows: PackedRows | undefined;
  private among: ReturnType<typeof dotProducts> | undefined;

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

  /** Places of a photo's own. */
  rowsOf(photo: string): number[] {
    const index = this.photos.indexOf(photo);
    return index < 0 ? [] : [...this.members.keys()].filter(i => this.members[i].photo === index);
  }

  /**
   * Which of these count as background of a class (1 or 0 each): those of photos without the tag; and of photos with it those that are confirmed, as like the former
   * (mean of the `k` largest cosines, never within a photo) as all but the share `quantile` of these are to each other. `quantile` null: none of photos with the tag.
   */
  countingFor(classId: number, k: number, quantile: number | null): Uint8Array {
    const untagged = Uint8Array.from(this.members, ({ photo }) => (this.tags[photo].includes(classId) ? 0 : 1));
    if (quantile === null || !untagged.includes(1) || !untagged.includes(0)) return untagged;
    this.among ??= dotProducts(this.units, this.packed());
    const { data, stride } = this.among;
    const others = untagged.slice();
    const likeness = this.members.map(({ photo }, i) => {
      // A photo's own lie side by side.
      let [first, end] = [i, i + 1];
      while (first > 0 && this.members[first - 1].photo === photo) first--;
      while (end < this.count && this.members[end].photo === photo) end++;
      others.fill(0, first, end);
      const mean = meanOfLargest(data.subarray(i * stride, i * stride + this.count), k, others);
      others.set(untagged.subarray(first, end), first);
      return mean;
    });
    const known = likeness.filter((value, i) => untagged[i] === 1 && !Number.isNaN(value)).sort((a, b) => a - b);
    if (known.length === 0) return untagged;
    const limit = known[Math.floor(quantile * (known.length - 1))];
    return untagged.map((counts, i) => (counts === 1 || likeness[i] >= limit ? 1 : 0));
  }

  get count(): number {
    return this.members.length;
  }

  /** For each vector its mean distance to the `k` nearest (to all, where there are fewer); null where there is none. */
  nearestMeans(vectors: readonly Floats[], k: number): number[] | null {
    if (this.count === 0) return null;
    const packed = this.packed();
    const means: number[] = [];
    for (let first = 0; first < vectors.length; first += AT_ONCE) {
      const some = vectors.slice(first, first + AT_ONCE);
      const rows = new Float32Array(some.length * this.dimensions);
      some.forEach((vector, i) => rows.set(unit(vector), i * this.dimensions));
      const { data, stride } = dotProducts(rows, packed);
      for (let i = 0; i < some.length; i++) means.push((1 - meanOfLargest(data.subarray(i * stride, i * stride + this.count), k)) / 2);
    }
    return means;
  }

  /** Ready to be compared with many vectors. */
  packed(): PackedRows {
    this.rows ??= packRows(this.units, this.dimensions);
    return this.rows;
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

  /** Valid until the next call; asked for the same array again, they are not computed again. */
  private cosinesTo(vector: Floats): Float64Array {
    const { units, dimensions, cosines } = this;
    if (vector === this.last) return cosines;
    this.last = vector;
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
