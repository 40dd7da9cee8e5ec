/**
 * The state of MARS for a whole data set: the centroids of every photo's clusters, with the photo's tags and a key that tells whether they are still valid. Nothing
 * else of the features is kept between the two passes. Photos are put in, replaced and taken out one by one; stores of parts of a data set merge.
 *
 * What is derived (ranks, sums) goes through photos by name, so it depends on the content alone: parts merge to the very numbers of the whole, in any order.
 *
 * Vectors lie in one block. As bytes a photo with five clusters of 160 dimensions takes about 900, names included: 90 MB for 100,000 photos.
 */
import { fromFloat16, toFloat16 } from '../../shared/float16';
import type { LocalCluster } from './marsTypes';
import { unit } from './vectors';

/** 'byte': whole numbers of -127 to 127, times a scale for each vector; a cosine to it is wrong by some thousandths at most. */
export type Precision = 'single' | 'half' | 'byte';

export type Values = Float32Array | Uint16Array | Int8Array;

export interface StoredPhoto {
  /** Changes when the photo, its mask, the feature model or a setting of pass 1 does. No NUL. */
  key: string;
  /** Class ids, ascending. */
  tags: readonly number[];
}

interface Entry extends StoredPhoto {
  first: number;
  rows: number;
}

/** A foreground cluster and where its centroid is. */
export interface StoredCluster {
  photo: string;
  row: number;
  cluster: number;
  cells: number;
}

export class CentroidStore {
  private readonly entries = new Map<string, Entry>();
  /** Tags are few and recur: photos share them. */
  private readonly tagLists = new Map<string, readonly number[]>();
  private sorted: readonly string[] | undefined;
  private vectors: Values;
  /** Of each row; precision 'byte' alone. */
  private scales = new Float32Array(0);
  private classIds = new Uint8Array(0);
  private clusterNumbers = new Uint8Array(0);
  private cells = new Uint32Array(0);
  /** Rows in use, with those of photos that are gone. */
  private used = 0;
  private live = 0;

  constructor(
    readonly dimensions: number,
    readonly precision: Precision = 'byte',
  ) {
    this.vectors = this.block(0);
  }

  /** Photos. */
  get size(): number {
    return this.entries.size;
  }

  /** Clusters. */
  get rows(): number {
    return this.live;
  }

  /** Names, sorted by code units. */
  photos(): readonly string[] {
    this.sorted ??= [...this.entries.keys()].sort();
    return this.sorted;
  }

  get(photo: string): StoredPhoto | undefined {
    return this.entries.get(photo);
  }

  /** Puts a photo in, in place of what was known of it. @throws if a centroid does not have the store's dimensions. */
  set(photo: string, { key, tags }: StoredPhoto, clusters: readonly LocalCluster[]): void {
    const wrong = clusters.find(({ centroid }) => centroid.length !== this.dimensions);
    if (wrong) throw new Error(`centroids: ${wrong.centroid.length} dimensions for a store of ${this.dimensions}`);
    this.delete(photo);
    this.reserve(clusters.length);
    this.sorted = undefined;
    this.entries.set(photo, { key, tags: this.shared(tags), first: this.used, rows: clusters.length });
    for (const { classId, cluster, cells, centroid } of clusters) {
      this.classIds[this.used] = classId;
      this.clusterNumbers[this.used] = cluster;
      this.cells[this.used] = cells;
      if (this.vectors instanceof Int8Array) this.scales[this.used] = toBytes(centroid, this.vectors, this.used * this.dimensions);
      else this.vectors.set(this.vectors instanceof Uint16Array ? toFloat16(centroid) : centroid, this.used * this.dimensions);
      this.used++;
    }
    this.live += clusters.length;
  }

  /** Whether the photo was there. */
  delete(photo: string): boolean {
    this.live -= this.entries.get(photo)?.rows ?? 0;
    this.sorted = undefined;
    return this.entries.delete(photo);
  }

  /** Takes in the photos of a store of another part; where both know one, the other's word counts. @throws if dimensions or precision differ. */
  merge(other: CentroidStore): void {
    if (other.dimensions !== this.dimensions || other.precision !== this.precision) {
      throw new Error(`centroids: ${other.dimensions} dimensions in ${other.precision} precision do not go with ${this.dimensions} in ${this.precision}`);
    }
    for (const [photo, entry] of other.entries) this.set(photo, entry, other.clustersOf(photo));
  }

  clustersOf(photo: string): LocalCluster[] {
    const { first, rows } = this.entries.get(photo) ?? { first: 0, rows: 0 };
    return Array.from({ length: rows }, (_, i) => ({
      classId: this.classIds[first + i],
      cluster: this.clusterNumbers[first + i],
      cells: this.cells[first + i],
      centroid: this.centroid(first + i),
    }));
  }

  /** The centroid of a row. Rows are valid until the store changes. */
  centroid(row: number): Float32Array {
    const { vectors, dimensions } = this;
    const [from, to] = [row * dimensions, (row + 1) * dimensions];
    if (vectors instanceof Int8Array) return Float32Array.from(vectors.subarray(from, to), value => value * this.scales[row]);
    return vectors instanceof Uint16Array ? fromFloat16(vectors.subarray(from, to)) : vectors.slice(from, to);
  }

  /** Clusters of each foreground class, by photo and then by cluster. */
  byClass(): Map<number, StoredCluster[]> {
    const classes = new Map<number, StoredCluster[]>();
    for (const photo of this.photos()) {
      this.eachRow(photo, (row, classId) => {
        if (classId === 0) return;
        const clusters = classes.get(classId) ?? [];
        if (clusters.length === 0) classes.set(classId, clusters);
        clusters.push({ photo, row, cluster: this.clusterNumbers[row], cells: this.cells[row] });
      });
    }
    return new Map([...classes].sort(([a], [b]) => a - b));
  }

  /** Rows of a photo's background clusters, by cluster. */
  backgroundRows(photo: string): { row: number; cluster: number }[] {
    const found: { row: number; cluster: number }[] = [];
    this.eachRow(photo, (row, classId) => {
      if (classId === 0) found.push({ row, cluster: this.clusterNumbers[row] });
    });
    return found;
  }

  /** Mean of the unit background centroids (MARS needs no more of them for its mean distance), and their number. Zeros where there is none. */
  meanUnitBackground(): { mean: Float64Array; count: number } {
    const sum = new Float64Array(this.dimensions);
    let count = 0;
    for (const photo of this.photos()) {
      this.eachRow(photo, (row, classId) => {
        if (classId !== 0) return;
        unit(this.centroid(row)).forEach((value, d) => (sum[d] += value));
        count++;
      });
    }
    return { mean: sum.map(value => value / Math.max(1, count)), count };
  }

  private eachRow(photo: string, visit: (row: number, classId: number) => void): void {
    const entry = this.entries.get(photo);
    for (let i = 0; entry && i < entry.rows; i++) visit(entry.first + i, this.classIds[entry.first + i]);
  }

  private shared(tags: readonly number[]): readonly number[] {
    const name = tags.join();
    const known = this.tagLists.get(name) ?? [...tags];
    this.tagLists.set(name, known);
    return known;
  }

  private block(rows: number): Values {
    const length = rows * this.dimensions;
    return this.precision === 'byte' ? new Int8Array(length) : this.precision === 'half' ? new Uint16Array(length) : new Float32Array(length);
  }

  /** Makes room: by moving together when half of the rows are dead, else by growing by half. */
  private reserve(rows: number): void {
    if (this.used + rows <= this.classIds.length) return;
    const capacity = this.live <= this.used / 2 ? Math.max(this.classIds.length, this.live + rows) : Math.ceil(1.5 * (this.used + rows));
    const old = { vectors: this.vectors, scales: this.scales, classIds: this.classIds, clusterNumbers: this.clusterNumbers, cells: this.cells };
    this.vectors = this.block(capacity);
    this.scales = new Float32Array(this.precision === 'byte' ? capacity : 0);
    this.classIds = new Uint8Array(capacity);
    this.clusterNumbers = new Uint8Array(capacity);
    this.cells = new Uint32Array(capacity);
    this.used = 0;
    for (const entry of this.entries.values()) {
      const end = entry.first + entry.rows;
      this.vectors.set(old.vectors.subarray(entry.first * this.dimensions, end * this.dimensions), this.used * this.dimensions);
      if (this.precision === 'byte') this.scales.set(old.scales.subarray(entry.first, end), this.used);
      this.classIds.set(old.classIds.subarray(entry.first, end), this.used);
      this.clusterNumbers.set(old.clusterNumbers.subarray(entry.first, end), this.used);
      this.cells.set(old.cells.subarray(entry.first, end), this.used);
      entry.first = this.used;
      this.used += entry.rows;
    }
  }
}

/** The next number with 15 bits after the leading one: 127 times it is exact, so that what comes back as bytes goes there again without a change. */
function shortened(value: number): number {
  const bits = new Uint32Array(Float32Array.of(value).buffer);
  bits[0] = (bits[0] + 0xff) & ~0xff;
  return new Float32Array(bits.buffer)[0];
}

/** Writes `vector` as bytes at `to` of `bytes`. @returns what one step stands for, in single precision; 0 for a vector of zeros. */
export function toBytes(vector: Float32Array, bytes: Int8Array, to: number): number {
  let largest = 0;
  for (const value of vector) largest = Math.max(largest, Math.abs(value));
  const scale = shortened(largest / 127);
  for (let d = 0; d < vector.length; d++) bytes[to + d] = scale > 0 ? Math.round(vector[d] / scale) : 0;
  return scale;
}
