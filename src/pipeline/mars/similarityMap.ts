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
import type { ClassDecision, ClassDecisions, MarsSettings, SimilarityMap } from './marsTypes';

export type RuleSettings = Pick<MarsSettings, 'rule' | 'temperature'>;

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

/** The features of a photo, to be compared with several vectors. */
export class CellFeatures {
  private readonly norms: Float64Array;

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
}

/** The map as it is recorded and decided upon: in steps of 1/255. Null if none of the photo's tags has a prototype. */
export function similarityMap(cells: CellFeatures, tags: readonly number[], decisions: ClassDecisions, settings: RuleSettings): SimilarityMap | null {
  const found = likeness(cells, tags, decisions, settings);
  return found && { ...found, values: Uint8Array.from(found.values, value => Math.round(value * 255)) };
}

/** The same before it is recorded; `prototypeOf` may put another vector in a prototype's place (null: the tag is left out). */
export function likeness(
  cells: CellFeatures,
  tags: readonly number[],
  decisions: ClassDecisions,
  settings: RuleSettings,
  prototypeOf: (decision: ClassDecision) => Float32Array | null = decision => decision.prototype,
): Likeness | null {
  const { height, width } = cells.features;
  const values = new Float32Array(height * width).fill(-Infinity);
  const bestTag = new Uint8Array(height * width);
  let any = false;
  for (const tag of tags) {
    const decision = decisions.get(tag);
    const prototype = decision && prototypeOf(decision);
    if (!decision || !prototype) continue;
    any = true;
    const own = ruled(cells, prototype, decision, settings);
    for (let cell = 0; cell < own.length; cell++) {
      if (own[cell] <= values[cell]) continue;
      values[cell] = own[cell];
      bestTag[cell] = tag;
    }
  }
  for (let cell = 0; cell < values.length; cell++) values[cell] = Math.min(1, Math.max(0, values[cell]));
  return any ? { height, width, values, bestTag } : null;
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
