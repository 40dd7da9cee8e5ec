/**
 * The arithmetic of the curves: which values an axis spans and where its ticks are, how a long curve becomes few points that look the same, and how noise is smoothed.
 * Pure numbers; `lossChart.tsx` draws.
 */

export interface Point {
  x: number;
  y: number;
}

export interface Axis {
  low: number;
  high: number;
  isLog: boolean;
  /** Rising, within low..high. */
  ticks: readonly number[];
}

/** At most about this many ticks. */
const TICKS = 5;
/** Smaller values are 0 to the eye. */
const SMALLEST = 1e-15;
/** How many times its lowest value the highest of a logarithmic axis can be, and how fine a linear one can be. */
const LOG_SPAN = 1e9;

/**
 * The axis of some values. Linear ones begin at 0 where that costs less than a quarter of the room; both ends are ticks. Logarithmic ones need values above 0 and
 * are linear else; what is far below the highest lies at its end.
 */
export function axisOf(values: readonly number[], isLog: boolean): Axis {
  const finite = values.filter(Number.isFinite);
  let [low, high] = finite.reduce(([least, most], value) => [Math.min(least, value), Math.max(most, value)], [Infinity, -Infinity]);
  if (finite.length === 0) [low, high] = [0, 1];
  const size = Math.max(Math.abs(low), Math.abs(high));
  if (size < SMALLEST) [low, high] = [0, 1];
  else if (isLog && low > 0) return logAxis(Math.max(low, high / LOG_SPAN), high);
  else if (low > 0 && low < high / 4) low = 0;
  else if (high - low < size / LOG_SPAN) [low, high] = [low - size / 2, high + size / 2];
  const step = niceStep((high - low) / TICKS);
  const first = Math.floor(low / step + 1e-9);
  const last = Math.ceil(high / step - 1e-9);
  const ticks = Array.from({ length: last - first + 1 }, (_, i) => clean((first + i) * step, step));
  return { low: ticks[0], high: ticks[ticks.length - 1], isLog: false, ticks };
}

/** Where a value is on an axis, 0 (low) .. 1 (high); values beyond the axis lie at its ends. */
export function placeOn({ low, high, isLog }: Axis, value: number): number {
  const place = isLog ? Math.log(Math.max(value, Number.MIN_VALUE) / low) / Math.log(high / low) : (value - low) / (high - low);
  return Math.min(1, Math.max(0, place));
}

/**
 * At most two points for each of `columns` equal parts of the curve's width: the lowest and the highest of the part, in their order, so that no spike is lost. The first
 * and the last point stay.
 * @param points by rising x
 */
export function thinned(points: readonly Point[], columns: number): Point[] {
  if (points.length <= 2 * columns + 2) return [...points];
  const first = points[0];
  const last = points[points.length - 1];
  const width = (last.x - first.x) / columns || 1;
  const kept: Point[] = [first];
  let column = -1;
  let low = first;
  let high = first;
  const keep = (): void => {
    if (column < 0) return;
    kept.push(...(low === high ? [low] : low.x <= high.x ? [low, high] : [high, low]));
  };
  for (const point of points.slice(1, -1)) {
    const at = Math.min(columns - 1, Math.floor((point.x - first.x) / width));
    if (at !== column) {
      keep();
      column = at;
      low = high = point;
    }
    if (point.y < low.y) low = point;
    if (point.y > high.y) high = point;
  }
  keep();
  kept.push(last);
  return kept;
}

/** The mean of each point and up to `reach` ones at either side, as many on both, so that it does not lag; at the ends it narrows to the point itself. */
export function smoothed(points: readonly Point[], reach: number): Point[] {
  const sums = [0];
  for (const { y } of points) sums.push(sums[sums.length - 1] + y);
  return points.map(({ x }, i) => {
    const side = Math.min(Math.floor(reach), i, points.length - 1 - i);
    return { x, y: (sums[i + side + 1] - sums[i - side]) / (2 * side + 1) };
  });
}

/** Index of the point whose x is nearest; -1 where there is none. @param points by rising x */
export function nearest(points: readonly Point[], x: number): number {
  let [low, high] = [0, points.length - 1];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (points[middle].x < x) low = middle + 1;
    else high = middle;
  }
  return low > 0 && x - points[low - 1].x <= points[low].x - x ? low - 1 : Math.min(low, points.length - 1);
}

/** Powers of ten, with 2 and 5 between them where there are few. The ends are the values' own, a little apart. */
function logAxis(least: number, most: number): Axis {
  const [low, high] = least === most ? [least / 2, most * 2] : [least / 1.08, most * 1.08];
  const decades = Math.log10(high / low);
  const parts = decades > TICKS ? [1] : decades > 1.5 ? [1, 3] : [1, 2, 5];
  const every = Math.max(1, Math.round(decades / TICKS));
  const ticks: number[] = [];
  for (let power = Math.floor(Math.log10(low)); power <= Math.log10(high); power++) {
    for (const part of parts) {
      const tick = Number((part * 10 ** power).toPrecision(1));
      if (tick >= low && tick <= high && power % every === 0) ticks.push(tick);
    }
  }
  return { low, high, isLog: true, ticks: ticks.length > 0 ? ticks : [clean(Math.sqrt(low * high), low)] };
}

/** 1, 2 or 5 times a power of ten, at least `least`. */
function niceStep(least: number): number {
  const power = 10 ** Math.floor(Math.log10(least));
  const part = [1, 2, 5, 10].find(candidate => candidate * power >= least * (1 - 1e-9)) ?? 10;
  return part * power;
}

/** Without the dust of floating point. */
function clean(value: number, step: number): number {
  return Number(value.toFixed(Math.max(0, Math.min(20, 2 - Math.floor(Math.log10(step))))));
}
