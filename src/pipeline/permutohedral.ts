/**
 * Gaussian filtering of values that lie at arbitrary points of a d-dimensional space, on a permutohedral lattice (Adams, Baek &
 * Davis, Fast High-Dimensional Filtering Using the Permutohedral Lattice, Eurographics 2010):
 *
 *     out_i = c sum_j exp(-|f_i - f_j|^2 / 2) v_j      approximately, c a constant that a normalisation removes
 *
 * Each point splats its values to the d + 1 corners of the simplex it lies in, the corners are blurred along the d + 1 lattice
 * directions with [1 2 1] / 2, and each point reads its corners back. Work is linear in points and corners.
 *
 * Corners are numbered in the order in which points meet them, so that neighbours in the image are neighbours in memory.
 * Memory: 8 (d + 1) bytes a point and about 8 (d + 1) + 12 + 2 d bytes a corner (a photo has 0.5 to 3 corners a pixel at d = 5).
 */

/** What a mean field needs of a kernel: sums over all points, here and there. */
export interface GaussianFilter {
  /** `out` = K `values`; both hold `channels` values a point, interleaved. `out` may not be `values`. */
  filter(values: Float32Array, channels: number, out: Float32Array): void;
}

export class PermutohedralLattice implements GaussianFilter {
  /** Corner of point p, remainder r: `corners[p * (d + 1) + r]`; corner 0 does not exist and holds zeros. */
  private readonly corners: Int32Array;
  private readonly weights: Float32Array;
  /** Along direction j: corner v's neighbours `next[j * (count + 1) + v]` and `previous[...]`, 0 for none. */
  private readonly next: Int32Array;
  private readonly previous: Int32Array;
  /** Corners in use. */
  readonly count: number;

  /**
   * `features` holds `points` x `dimensions` coordinates, in standard deviations.
   * @throws RangeError for coordinates of some thousands of standard deviations, where corners outgrow 16 bits.
   */
  constructor(
    features: Float32Array,
    private readonly points: number,
    private readonly dimensions: number,
  ) {
    const sides = dimensions + 1;
    this.corners = new Int32Array(points * sides);
    this.weights = new Float32Array(points * sides);
    const table = new CornerTable(dimensions, points);
    this.embed(features, table);
    this.count = table.count;
    this.next = new Int32Array(sides * (this.count + 1));
    this.previous = new Int32Array(sides * (this.count + 1));
    this.link(table);
  }

  filter(values: Float32Array, channels: number, out: Float32Array): void {
    const { corners, weights, points, count } = this;
    const sides = this.dimensions + 1;
    let from = new Float32Array((count + 1) * channels);
    let to = new Float32Array(from.length);
    for (let p = 0; p < points; p++) {
      for (let r = p * sides; r < (p + 1) * sides; r++) {
        const corner = corners[r] * channels;
        const weight = weights[r];
        for (let c = 0; c < channels; c++) from[corner + c] += weight * values[p * channels + c];
      }
    }
    for (let j = 0; j < sides; j++) {
      const base = j * (count + 1);
      for (let v = 1; v <= count; v++) {
        const a = this.previous[base + v] * channels;
        const b = this.next[base + v] * channels;
        const here = v * channels;
        for (let c = 0; c < channels; c++) to[here + c] = from[here + c] + 0.5 * (from[a + c] + from[b + c]);
      }
      [from, to] = [to, from];
    }
    for (let p = 0; p < points; p++) {
      for (let c = 0; c < channels; c++) {
        let sum = 0;
        for (let r = p * sides; r < (p + 1) * sides; r++) sum += weights[r] * from[corners[r] * channels + c];
        out[p * channels + c] = sum;
      }
    }
  }

  /** Finds each point's simplex and its barycentric weights there. */
  private embed(features: Float32Array, table: CornerTable): void {
    const d = this.dimensions;
    const sides = d + 1;
    const scale = Float64Array.from({ length: d }, (_, i) => (Math.sqrt(2 / 3) * sides) / Math.sqrt((i + 1) * (i + 2)));
    const elevated = new Float64Array(sides);
    const nearest = new Int32Array(sides);
    const rank = new Int32Array(sides);
    const barycentric = new Float64Array(d + 2);
    const key = new Int32Array(d);
    for (let p = 0; p < this.points; p++) {
      // Onto the plane of coordinates with sum 0.
      let sum = 0;
      for (let j = d; j > 0; j--) {
        const coordinate = features[p * d + j - 1] * scale[j - 1];
        elevated[j] = sum - j * coordinate;
        sum += coordinate;
      }
      elevated[0] = sum;

      // The nearest corner of remainder 0, made to lie on the plane by moving the coordinates of largest error.
      let excess = 0;
      for (let i = 0; i < sides; i++) {
        const rounded = Math.round(elevated[i] / sides);
        nearest[i] = rounded * sides;
        excess += rounded;
        rank[i] = 0;
      }
      for (let i = 0; i < d; i++) {
        const error = elevated[i] - nearest[i];
        for (let j = i + 1; j < sides; j++) {
          if (error < elevated[j] - nearest[j]) rank[i]++;
          else rank[j]++;
        }
      }
      for (let i = 0; i < sides; i++) {
        rank[i] += excess;
        if (rank[i] > d) {
          rank[i] -= sides;
          nearest[i] -= sides;
        } else if (rank[i] < 0) {
          rank[i] += sides;
          nearest[i] += sides;
        }
      }

      barycentric.fill(0);
      for (let i = 0; i < sides; i++) {
        const part = (elevated[i] - nearest[i]) / sides;
        barycentric[d - rank[i]] += part;
        barycentric[d - rank[i] + 1] -= part;
      }
      barycentric[0] += 1 + barycentric[sides];

      for (let remainder = 0; remainder < sides; remainder++) {
        for (let i = 0; i < d; i++) key[i] = nearest[i] + (rank[i] > d - remainder ? remainder - sides : remainder);
        this.corners[p * sides + remainder] = table.insert(key);
        this.weights[p * sides + remainder] = barycentric[remainder];
      }
    }
  }

  /** Finds each corner's neighbour along each direction; the way back is the same link. */
  private link(table: CornerTable): void {
    const d = this.dimensions;
    const key = new Int32Array(d);
    for (let v = 1; v <= this.count; v++) {
      table.read(v, key);
      for (let i = 0; i < d; i++) key[i]++;
      for (let j = 0; j <= d; j++) {
        if (j < d) key[j] -= d + 1;
        const neighbour = table.find(key);
        if (j < d) key[j] += d + 1;
        const base = j * (this.count + 1);
        this.next[base + v] = neighbour;
        if (neighbour) this.previous[base + neighbour] = v;
      }
    }
  }
}

/** Numbers lattice corners 1, 2, ... by their first d coordinates (the last follows from the sum 0): open addressing, linear probes. */
class CornerTable {
  count = 0;
  private readonly words: number;
  /** Two coordinates a word, of 16 bits each; `keys[v * words + w]`. */
  private keys: Int32Array;
  private slots: Int32Array;
  private readonly packed: Int32Array;

  constructor(
    private readonly dimensions: number,
    expected: number,
  ) {
    this.words = (dimensions + 1) >> 1;
    this.packed = new Int32Array(this.words);
    this.slots = new Int32Array(2 ** Math.ceil(Math.log2(4 * expected + 64)));
    this.keys = new Int32Array((this.slots.length >> 1) * this.words);
  }

  /** The number of the corner, a new one if it is not known. */
  insert(key: Int32Array): number {
    this.pack(key);
    const slot = this.slotOf();
    if (this.slots[slot] !== 0) return this.slots[slot];
    const corner = ++this.count;
    this.slots[slot] = corner;
    this.keys.set(this.packed, corner * this.words);
    if (2 * (corner + 1) >= this.slots.length) this.grow();
    return corner;
  }

  /** The number of the corner, 0 if it is not known. */
  find(key: Int32Array): number {
    this.pack(key);
    return this.slots[this.slotOf()];
  }

  /** The coordinates of `corner`. */
  read(corner: number, key: Int32Array): void {
    for (let i = 0; i < this.dimensions; i++) {
      const word = this.keys[corner * this.words + (i >> 1)];
      key[i] = i & 1 ? word >> 16 : (word << 16) >> 16;
    }
  }

  private pack(key: Int32Array): void {
    for (let w = 0; w < this.words; w++) {
      const low = key[2 * w];
      const high = 2 * w + 1 < this.dimensions ? key[2 * w + 1] : 0;
      if (low !== (low << 16) >> 16 || high !== (high << 16) >> 16) throw new RangeError('permutohedral lattice: a feature is too large');
      this.packed[w] = (low & 0xffff) | (high << 16);
    }
  }

  /** Where the packed key is, or where it would go. */
  private slotOf(): number {
    const { words, packed, keys, slots } = this;
    const mask = slots.length - 1;
    let hash = 0;
    for (let w = 0; w < words; w++) hash = Math.imul(hash ^ packed[w], 0x9e3779b1) ^ (hash >>> 15);
    for (let slot = (hash ^ (hash >>> 16)) & mask; ; slot = (slot + 1) & mask) {
      const corner = slots[slot];
      if (corner === 0) return slot;
      let w = 0;
      while (w < words && keys[corner * words + w] === packed[w]) w++;
      if (w === words) return slot;
    }
  }

  private grow(): void {
    this.slots = new Int32Array(this.slots.length * 2);
    const keys = this.keys;
    this.keys = new Int32Array(keys.length * 2);
    this.keys.set(keys);
    for (let corner = 1; corner <= this.count; corner++) {
      this.packed.set(keys.subarray(corner * this.words, (corner + 1) * this.words));
      this.slots[this.slotOf()] = corner;
    }
  }
}
