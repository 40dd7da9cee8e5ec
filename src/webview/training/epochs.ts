/**
 * A stage's points seen by epoch: where each begins, and what its losses were on the whole.
 */
import type { TrainingMetrics } from '../../shared/training';

export interface EpochRow {
  epoch: number;
  /** Done when it ended, or until now. */
  steps: number;
  losses: (number | null)[];
  rate: number;
  tagging: number | null;
}

/** Means of the losses of each epoch, weighted by their steps, in the order of `names`; null where an epoch had none of that name. */
export function epochRows(points: readonly TrainingMetrics[], names: readonly string[]): EpochRow[] {
  const rows: EpochRow[] = [];
  let sums: { sum: number; weight: number }[] = [];
  let before = 0;
  for (const { epoch, step, losses, rate, tagging } of points) {
    let row = rows.at(-1);
    if (row?.epoch !== epoch) {
      sums = names.map(() => ({ sum: 0, weight: 0 }));
      rows.push((row = { epoch, steps: step, losses: names.map(() => null), rate, tagging: null }));
    }
    const weight = Math.max(1, step - before);
    before = step;
    names.forEach((name, i) => {
      if (!(name in losses)) return;
      sums[i].sum += losses[name] * weight;
      sums[i].weight += weight;
      row.losses[i] = sums[i].sum / sums[i].weight;
    });
    Object.assign(row, { steps: step, rate });
    const values = Object.values(tagging ?? {});
    if (values.length > 0) row.tagging = values.reduce((sum, value) => sum + value, 0) / values.length;
  }
  return rows;
}

/** All names of losses, the total first; where it has one part only, that is the total itself. */
export function lossNames(points: readonly TrainingMetrics[]): string[] {
  const names = new Set(points.flatMap(({ losses }) => Object.keys(losses)));
  const hasTotal = names.delete('total');
  return [...(hasTotal ? ['total'] : []), ...(hasTotal && names.size === 1 ? [] : [...names].sort())];
}

/** Steps that were done when each epoch began, with its number. */
export function epochStarts(points: readonly TrainingMetrics[]): { step: number; epoch: number }[] {
  return points.flatMap(({ epoch }, i) => {
    const before = i === 0 ? undefined : points[i - 1];
    return before?.epoch === epoch ? [] : [{ step: before?.step ?? 0, epoch }];
  });
}
