/**
 * How learning rates fall. Poly, as Puzzle-CAM and RecurSeed + EdgePredictMix have it: rate_0 (1 - t / t_max)^power at step t, counted from 0 (RS+EPM's own counter
 * starts at 1, but it sets the rate after each step: the rates are the same). One cycle, as PyTorch's OneCycleLR has it.
 */

/** The rate of step `step` (from 0) of `steps`. */
export function polyRate(start: number, step: number, steps: number, power = 0.9): number {
  return start * (1 - Math.min(step, steps) / steps) ** power;
}

/** Smith and Topin 2019: from most / 25 as half a cosine wave up to `most`, which is reached at the share `rise` of the steps, then as another half down to most / 250000. */
export function oneCycleRate(most: number, step: number, steps: number, rise: number): number {
  const [start, end] = [most / 25, most / 25e4];
  const top = Math.max(rise * steps - 1, 0);
  const wave = (from: number, to: number, share: number): number => to + ((from - to) * (1 + Math.cos(Math.PI * Math.min(Math.max(share, 0), 1)))) / 2;
  if (top > 0 && step < top) return wave(start, most, step / top);
  return wave(most, end, steps - 1 > top ? (step - top) / (steps - 1 - top) : 1);
}
