/**
 * How learning rates fall. Poly, as Puzzle-CAM and RecurSeed + EdgePredictMix have it: rate_0 (1 - t / t_max)^power at step t, counted from 0 (RS+EPM's own counter
 * starts at 1, but it sets the rate after each step: the rates are the same).
 */

/** The rate of step `step` (from 0) of `steps`. */
export function polyRate(start: number, step: number, steps: number, power = 0.9): number {
  return start * (1 - Math.min(step, steps) / steps) ** power;
}
