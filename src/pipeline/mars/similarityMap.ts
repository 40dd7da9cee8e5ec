/**
 * Likeness of a photo's cells to the classes it is tagged with (MARS, stage c):
 *
 *     m(p) = relu(max over tags c of S(F(p), V^c))          S the cosine, V^c the prototype; a class in no mask has none and is left out
 *
 * The maximum goes over all tags, not only the pixel's own label: unsupervised features do not tell kin classes apart, so any tag's prototype may save a pixel.
 * Features that were not trained to have cosines near 0 for unrelated things need another cut than 0.5: the rules (see `MarsRule`) move each class's values so that
 * the cut is the same for all.
 */
import type { Maps } from '../../shared/maps';
import { dotProducts, type PackedRows } from './dotProducts';
import { marginValues } from './margin';
import type { ClassDecision, ClassDecisions, MarsSettings, Neighbourhood, SimilarityMap } from './marsTypes';
import { meanOfLargest } from './vectors';

export type RuleSettings = Pick<MarsSettings, 'rule' | 'temperature' | 'margin'>;

/** Bounds of a cut that is moved to 0.5: beyond, one of the two sides would be too steep to mean anything. */
const LEAST_CUT = 0.02;

/** Values before they are recorded. */
export interface Likeness {
  height: number;
  width: number;
  /** 0..1 */
  values: Float32Array;
  /** The first of equals. */
  bestTag: Uint8Array;
}

/** Another selection in place of a class's own. */
export interface Choice {
  /** The mean of the chosen clusters; null leaves the tag out. */
  prototype(decision: ClassDecision): Float32Array | null;
  /** Whether the cluster at a place of the ranking is chosen. */
  chosen(decision: ClassDecision): (place: number) => boolean;
}

const AS_DECIDED: Choice = { prototype: ({ prototype }) => prototype, chosen: ({ selected }) => place => place < selected };

/** The features of a photo, to be compared with several vectors. Comparisons with many are kept. */
export class CellFeatures {
  private readonly norms: Float64Array;
  private unitRows: Float32Array | undefined;
  private readonly known = new Map<PackedRows, ReturnType<typeof dotProducts>>();
  private readonly largest = new Map<Neighbourhood, Float64Array>();

  constructor(readonly features: Maps) {
    const size = features.height * features.width;
    this.norms = new Float64Array(size);
    for (let i = 0, cell = 0; i < features.data.length; i++) {
      this.norms[cell] += features.data[i] * features.data[i];
      if (++cell === size) cell = 0;
    }
    for (let cell = 0; cell < size; cell++) this.norms[cell] = Math.sqrt(this.norms[cell]);
  }

  /** Cosine of each cell to `vector` (D); 0 where one of the two is zeros. */
  cosines(vector: Float32Array): Float64Array {
    const { channels, height, width, data } = this.features;
    if (vector.length !== channels) throw new Error(`similarity: a prototype of ${vector.length} dimensions for features of ${channels}`);
    const size = height * width;
    const dots = new Float64Array(size);
    let norm = 0;
    for (let d = 0; d < channels; d++) {
      const weight = vector[d];
      const from = d * size;
      norm += weight * weight;
      for (let cell = 0; cell < size; cell++) dots[cell] += weight * data[from + cell];
    }
    norm = Math.sqrt(norm);
    for (let cell = 0; cell < size; cell++) dots[cell] = norm > 0 && this.norms[cell] > 0 ? dots[cell] / (norm * this.norms[cell]) : 0;
    return dots;
  }

  /** Cosines of all cells (rows) to all of `units`. */
  products(units: PackedRows): ReturnType<typeof dotProducts> {
    const { channels } = this.features;
    if (units.dimensions !== channels) throw new Error(`similarity: clusters of ${units.dimensions} dimensions for features of ${channels}`);
    this.unitRows ??= this.normalised();
    const found = this.known.get(units) ?? dotProducts(this.unitRows, units);
    this.known.set(units, found);
    return found;
  }

  /** Of each cell the mean of its `k` largest cosines to backgrounds, those of `photo` aside. Always ask for the same `k` and photo. NaN where there is none. */
  backgroundMeans(neighbourhood: Neighbourhood, k: number, photo: string): Float64Array {
    const known = this.largest.get(neighbourhood);
    if (known) return known;
    const { backgrounds, rowsOf } = neighbourhood;
    const wanted = neighbourhood.wanted.slice();
    for (const row of rowsOf(photo)) wanted[row] = 0;
    const { data, stride } = this.products(backgrounds);
    const found = this.norms.map((_, cell) => meanOfLargest(data.subarray(cell * stride, cell * stride + backgrounds.count), k, wanted));
    this.largest.set(neighbourhood, found);
    return found;
  }

  private normalised(): Float32Array {
    const { channels, data } = this.features;
    const rows = new Float32Array(data.length);
    this.norms.forEach((norm, cell) => {
      if (norm > 0) for (let d = 0; d < channels; d++) rows[cell * channels + d] = data[d * this.norms.length + cell] / norm;
    });
    return rows;
  }
}

/**
 * The map of `photo` (its name in the store) as it is recorded and decided upon: in steps of 1/255. Null if none of its tags has a prototype, or, with rule 'margin',
 * if one of them cannot be told from backgrounds: then nothing should be removed.
 */
export function similarityMap(cells: CellFeatures, photo: string, tags: readonly number[], decisions: ClassDecisions, settings: RuleSettings): SimilarityMap | null {
  const found = likeness(cells, photo, tags, decisions, settings);
  return found && { ...found, values: Uint8Array.from(found.values, value => Math.round(value * 255)) };
}

/** The same before it is recorded, and with another choice of clusters, if one is given. */
export function likeness(cells: CellFeatures, photo: string, tags: readonly number[], decisions: ClassDecisions, settings: RuleSettings, choice: Choice = AS_DECIDED): Likeness | null {
  const { height, width } = cells.features;
  const values = new Float32Array(height * width).fill(-Infinity);
  const bestTag = new Uint8Array(height * width);
  let any = false;
  for (const tag of tags) {
    const decision = decisions.get(tag);
    if (!decision) continue;
    let own: Float64Array | null;
    if (settings.rule === 'margin') {
      own = marginValues(cells, decision, photo, choice.chosen(decision), settings);
      if (!own) {
        // What is left alone keeps its own pixels anyway; where it has a cut, it saves those of others, too.
        if (byBudget(settings) && decision.leftAlone !== null) continue;
        // A class that cannot be judged must not lose its pixels to the judgement of others.
        return null;
      }
    } else {
      const prototype = choice.prototype(decision);
      if (!prototype) continue;
      own = ruled(cells, prototype, decision, settings);
    }
    any = true;
    for (let cell = 0; cell < own.length; cell++) {
      if (own[cell] <= values[cell]) continue;
      values[cell] = own[cell];
      bestTag[cell] = tag;
    }
  }
  for (let cell = 0; cell < values.length; cell++) values[cell] = Math.min(1, Math.max(0, values[cell]));
  return any ? { height, width, values, bestTag } : null;
}

function byBudget({ margin }: RuleSettings): boolean {
  return margin.cut === null;
}

/** `value` moved so that `cut` falls on 0.5, straight on both sides of it; 0 and 1 stay. */
export function recentre(value: number, cut: number): number {
  const at = Math.min(1 - LEAST_CUT, Math.max(LEAST_CUT, cut));
  return value >= at ? 0.5 + (value - at) / (2 * (1 - at)) : (0.5 * value) / at;
}

function ruled(cells: CellFeatures, prototype: Float32Array, { calibration, rejected }: ClassDecision, { rule, temperature }: RuleSettings): Float64Array {
  const cosines = cells.cosines(prototype);
  if (rule === 'two-prototypes') {
    // Without clusters that were not selected there is nothing to be nearer to.
    const others = rejected ? cells.cosines(rejected) : new Float64Array(cosines.length);
    return cosines.map((cosine, cell) => 1 / (1 + Math.exp((others[cell] - cosine) / temperature)));
  }
  return rule === 'percentile' && calibration !== null ? cosines.map(cosine => recentre(cosine, calibration)) : cosines;
}
