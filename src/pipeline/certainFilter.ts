/**
 * Certain filter (CF): turns score maps into labels by absolute score, leaving what is not sure undecided.
 *
 *     s = max_k M_k,  k* = the first k that reaches it
 *     label = id(k*) if s >= foreground;  0 if s <= background;  255 otherwise
 *
 * RecurSeed (arXiv 2204.06754) applies it to the raw output of PAMR. Weak and small objects therefore stay undecided; with
 * `renormalise` each class is first divided by its own maximum.
 */
import { IGNORE, plane, type LabelMap, type Maps } from '../shared/maps';

/** Scores from here on are the class. */
export const CERTAIN_FOREGROUND = 0.55;
/** Scores up to here are background. */
export const CERTAIN_BACKGROUND = 0.1;

export interface CertainFilterOptions {
  foreground?: number;
  background?: number;
  /** Divide each map by its maximum first (maps that are nowhere positive stay as they are). */
  renormalise?: boolean;
}

/**
 * Labels of C x H x W `scores` in [0, 1]; `ids[k]` is the class id (1..254) of channel k. Without channels all is background.
 * @throws if there is not one id a channel.
 */
export function certainFilter(scores: Maps, ids: readonly number[], options: CertainFilterOptions = {}): LabelMap {
  if (ids.length !== scores.channels) throw new Error(`certain filter: ${ids.length} class ids for ${scores.channels} maps`);
  // Compared in float32, as the maps are.
  const foreground = Math.fround(options.foreground ?? CERTAIN_FOREGROUND);
  const background = Math.fround(options.background ?? CERTAIN_BACKGROUND);
  const size = scores.height * scores.width;
  const best = new Float32Array(size);
  const winner = new Uint8Array(size);
  for (let k = 0; k < scores.channels; k++) {
    const map = plane(scores, k);
    const divisor = options.renormalise ? positiveMaximum(map) : 1;
    for (let p = 0; p < size; p++) {
      const score = Math.fround(map[p] / divisor);
      if (k === 0 || score > best[p]) {
        best[p] = score;
        winner[p] = ids[k];
      }
    }
  }
  const data = new Uint8Array(size);
  for (let p = 0; p < size; p++) data[p] = best[p] >= foreground ? winner[p] : best[p] <= background ? 0 : IGNORE;
  return { data, height: scores.height, width: scores.width };
}

function positiveMaximum(map: Float32Array): number {
  let maximum = 0;
  for (const value of map) if (value > maximum) maximum = value;
  return maximum > 0 ? maximum : 1;
}
