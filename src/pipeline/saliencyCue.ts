/**
 * The saliency cue: a map of what stands out in the photo (U^2-Net, Qin et al. 2020), whatever it is, weighs the tags' maps:
 *
 *     out_k = m_k^exponent * (floor + (1 - floor) * s)
 *
 * It may weigh, not veto: where the strongest part of a tag's map (m_k >= peak * max m_k) is not salient at all (mean s < blind), the cue knows
 * nothing of that object (it is small, or stuff, or not what the photographer meant) and the tag keeps its own map, scaled so that both kinds
 * of map share one threshold.
 */
import { plane, zeroMaps, type Maps } from '../shared/maps';

export interface SaliencyCue {
  exponent: number;
  floor: number;
  peak: number;
  blind: number;
  /** How much of the surroundings a closer look takes in (see `closerLook.ts`). */
  closer: number;
  /** Background score for weighed maps … */
  threshold: number;
}

/**
 * @param maps K x H x W in [0, 1]
 * @param saliency 1 x H x W in [0, 1], or K x H x W where tags have salience maps of their own
 * @param ownThreshold background score that fits the maps without the cue
 * @returns K x H x W to be compared with `cue.threshold`
 */
export function weighBySaliency(maps: Maps, saliency: Maps, cue: SaliencyCue, ownThreshold: number): Maps {
  const out = zeroMaps(maps.channels, maps.height, maps.width);
  for (let k = 0; k < maps.channels; k++) {
    const map = plane(maps, k);
    const salient = plane(saliency, saliency.channels === 1 ? 0 : k);
    const target = plane(out, k);
    if (isBlind(map, salient, cue)) {
      const scale = cue.threshold / ownThreshold;
      for (let i = 0; i < map.length; i++) target[i] = map[i] * scale;
    } else {
      for (let i = 0; i < map.length; i++) target[i] = map[i] ** cue.exponent * (cue.floor + (1 - cue.floor) * salient[i]);
    }
  }
  return out;
}

/** The cue sees nothing where the map is strongest. */
export function isBlind(map: Float32Array, salient: Float32Array, { peak, blind }: SaliencyCue): boolean {
  let maximum = 0;
  for (const value of map) if (value > maximum) maximum = value;
  let sum = 0;
  let pixels = 0;
  for (let i = 0; i < map.length; i++) {
    if (map[i] < peak * maximum) continue;
    sum += salient[i];
    pixels++;
  }
  return sum < blind * pixels;
}
