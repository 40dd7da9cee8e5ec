/**
 * L-BFGS (Nocedal and Wright, Numerical Optimization, algorithms 7.4 and 7.5): smooth functions of many variables from values and
 * gradients alone. The step length satisfies the weak Wolfe conditions by bisection (Lewis and Overton 2013), which keeps the curvature pairs
 * positive. Deterministic. The function may be noisy at the level of float32: a search that finds no decrease ends the descent.
 */

export interface Evaluation {
  value: number;
  gradient: Float64Array;
}

export interface LbfgsOptions {
  iterations: number;
  /** Ends when an iteration lowers the value by less than this, relative to it. */
  tolerance: number;
  /** Curvature pairs remembered. */
  memory?: number;
}

export interface Minimum {
  point: Float64Array;
  value: number;
  iterations: number;
}

const SUFFICIENT_DECREASE = 1e-4;
const CURVATURE = 0.9;
const SEARCH_STEPS = 20;

/** @throws what `evaluate` throws; it must throw at the start if the value there is not finite. */
export async function minimise(evaluate: (point: Float64Array) => Promise<Evaluation>, start: Float64Array, options: LbfgsOptions): Promise<Minimum> {
  const pairs: { s: Float64Array; y: Float64Array; rho: number }[] = [];
  let point = start;
  let { value, gradient } = await evaluate(point);
  let iterations = 0;
  while (iterations < options.iterations) {
    const direction = descent(gradient, pairs);
    const slope = dot(gradient, direction);
    if (!(slope < 0)) break;
    const length = pairs.length ? 1 : Math.min(1, 1 / Math.sqrt(dot(gradient, gradient)));
    const found = await search(evaluate, point, value, direction, slope, length);
    if (!found) break;
    iterations++;
    const s = difference(found.point, point);
    const y = difference(found.gradient, gradient);
    const sy = dot(s, y);
    if (sy > 1e-10 * dot(y, y)) pairs.push({ s, y, rho: 1 / sy });
    if (pairs.length > (options.memory ?? 10)) pairs.shift();
    const gain = value - found.value;
    ({ point, value, gradient } = found);
    if (gain <= options.tolerance * Math.max(Math.abs(value), Number.MIN_VALUE)) break;
  }
  return { point, value, iterations };
}

/** Minus the gradient times the approximated inverse Hessian, by the two-loop recursion. */
function descent(gradient: Float64Array, pairs: readonly { s: Float64Array; y: Float64Array; rho: number }[]): Float64Array {
  const q = new Float64Array(gradient.length);
  addScaled(q, gradient, -1);
  const alphas = new Float64Array(pairs.length);
  for (let i = pairs.length - 1; i >= 0; i--) {
    alphas[i] = pairs[i].rho * dot(pairs[i].s, q);
    addScaled(q, pairs[i].y, -alphas[i]);
  }
  const newest = pairs.at(-1);
  if (newest) {
    const scale = 1 / (newest.rho * dot(newest.y, newest.y));
    for (let i = 0; i < q.length; i++) q[i] *= scale;
  }
  pairs.forEach(({ s, y, rho }, i) => addScaled(q, s, alphas[i] - rho * dot(y, q)));
  return q;
}

/** A point along `direction` with less value and a flatter slope; undefined if none was found. */
async function search(
  evaluate: (point: Float64Array) => Promise<Evaluation>,
  from: Float64Array,
  value: number,
  direction: Float64Array,
  slope: number,
  first: number,
): Promise<({ point: Float64Array } & Evaluation) | undefined> {
  let low = 0;
  let high = Infinity;
  let length = first;
  let best: ({ point: Float64Array } & Evaluation) | undefined;
  for (let step = 0; step < SEARCH_STEPS; step++) {
    const point = from.slice();
    addScaled(point, direction, length);
    const trial = await evaluate(point);
    if (trial.value <= value + SUFFICIENT_DECREASE * length * slope) {
      best = { point, ...trial };
      if (dot(trial.gradient, direction) >= CURVATURE * slope) return best;
      low = length;
    } else {
      high = length;
    }
    length = Number.isFinite(high) ? (low + high) / 2 : 2 * length;
  }
  return best;
}

/** Four sums side by side: a single one would wait for itself at each step. */
function dot(a: Float64Array, b: Float64Array): number {
  let [first, second, third, fourth] = [0, 0, 0, 0];
  const whole = a.length & ~3;
  for (let i = 0; i < whole; i += 4) {
    first += a[i] * b[i];
    second += a[i + 1] * b[i + 1];
    third += a[i + 2] * b[i + 2];
    fourth += a[i + 3] * b[i + 3];
  }
  for (let i = whole; i < a.length; i++) first += a[i] * b[i];
  return first + second + third + fourth;
}

function difference(a: Float64Array, b: Float64Array): Float64Array {
  const result = a.slice();
  addScaled(result, b, -1);
  return result;
}

function addScaled(target: Float64Array, values: Float64Array, scale: number): void {
  for (let i = 0; i < target.length; i++) target[i] += scale * values[i];
}
