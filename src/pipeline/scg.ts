/**
 * SCG, self-correlation map generating (Pan et al., CVPR 2021; in RS+EPM the step against false negatives): spreads confident seeds
 * of a class activation map to all positions with similar features and takes away what resembles confident background.
 *
 *     H: similarity of first and second order of all positions (formula in `models/operators/scg.ts`), column i for seed i
 *     G+ = minmax(sum over i with cam_i >= foreground of minmax(H[:, i]))
 *     G- = minmax(sum over i with cam_i <= background of minmax(H[:, i]))              (no such i: 0)
 *     out = minmax(relu(G+ - G-));      minmax(v) = (v - min) / (max - min + 1e-10)
 *
 * Nothing is learnt. Give it the tagged classes only; a class without a foreground seed gets 0.
 */
import { scgGraph, type ScgCorrelation, type ScgGraphSize } from '../../models/operators/scg';
import { SeedMaskError } from '../shared/errors';
import { floats, type GraphHost, type GraphRunner } from '../shared/graph';
import { plane, zeroMaps, type Maps } from '../shared/maps';

export interface ScgParameters extends ScgCorrelation {
  /** Positions whose CAM is at least this are seeds of the class. */
  foreground: number;
  /** Positions whose CAM is at most this are seeds of its background. */
  background: number;
}

/** RS+EPM's option defaults, and SPA's scripts for CUB-200 and ILSVRC. */
export const SCG_PRESETS = {
  rsepm: { firstThreshold: 0.5, secondThreshold: 0.1, secondWeight: 1, iterations: 1, foreground: 0.3, background: 0.05 },
  spaCub: { firstThreshold: 0.1, secondThreshold: 0.5, secondWeight: 2, iterations: 1, foreground: 0.1, background: 0.05 },
  spaIlsvrc: { firstThreshold: 0.2, secondThreshold: 0.2, secondWeight: 1, iterations: 1, foreground: 0.1, background: 0.05 },
} as const satisfies Record<string, ScgParameters>;

/** Opening a graph takes as long as running it: seeds are filled up to quarters of the grid and groups to eights, so that photos share graphs. */
const SEED_STEPS = 4;
const GROUP_STEP = 8;
/** Open graphs that are kept. */
const MAX_OPEN = 16;

/** SCG on a device, one run at a time. Keeps the graphs of the last sizes open; `release` closes them. */
export class Scg {
  private readonly open = new Map<string, GraphRunner>();

  constructor(
    private readonly host: GraphHost,
    readonly parameters: ScgParameters = SCG_PRESETS.rsepm,
  ) {}

  /**
   * K maps in [0, 1] from K CAMs in [0, 1] (h x w) and one or several levels of features (D x h x w, the same grid).
   * @throws SeedMaskError 'numeric' if features or result hold values that are not finite numbers
   */
  async run(levels: readonly Maps[], cams: Maps): Promise<Maps> {
    checkInputs(levels, cams);
    const out = zeroMaps(cams.channels, cams.height, cams.width);
    const classes = seedsOf(cams, this.parameters).filter(({ foreground }) => foreground.length > 0);
    if (classes.length === 0) return out;

    const groups = classes.flatMap(({ foreground, background }) => [foreground, background]);
    const seeds = [...new Set(groups.flat())].sort((a, b) => a - b);
    const positions = cams.height * cams.width;
    const size: ScgGraphSize = {
      positions,
      depths: levels.map(({ channels }) => channels),
      seeds: roundUp(seeds.length, Math.ceil(positions / SEED_STEPS)),
      groups: roundUp(groups.length, GROUP_STEP),
    };
    const members = new Float32Array(size.groups * size.seeds);
    const slotOf = new Map(seeds.map((position, slot) => [position, slot]));
    groups.forEach((group, row) => {
      for (const position of group) members[row * size.seeds + (slotOf.get(position) ?? 0)] = 1;
    });
    // Seeds that only fill up are position 0 and belong to no group.
    const slots = new Int32Array(size.seeds);
    slots.set(seeds);

    const runner = await this.runner(size);
    const spread = floats(
      await runner.run({
        ...Object.fromEntries(levels.map(({ data, channels }, level) => [`features${level}`, { data, dims: [channels, positions] }])),
        seeds: { data: slots, dims: [size.seeds] },
        members: { data: members, dims: [size.groups, size.seeds] },
      }),
      'spread',
    ).data;
    assertFinite(spread, 'the spread seeds');
    const row = (index: number) => spread.subarray(index * positions, (index + 1) * positions);
    classes.forEach(({ channel }, i) => plane(out, channel).set(contrast(row(2 * i), row(2 * i + 1))));
    return out;
  }

  async release(): Promise<void> {
    const runners = [...this.open.values()];
    this.open.clear();
    await Promise.all(runners.map(runner => runner.release()));
  }

  private async runner(size: ScgGraphSize): Promise<GraphRunner> {
    const key = JSON.stringify(size);
    const runner = this.open.get(key) ?? (await this.host.open(scgGraph(size, this.parameters)));
    // Last used comes last.
    this.open.delete(key);
    this.open.set(key, runner);
    for (const [oldest, other] of this.open) {
      if (this.open.size <= MAX_OPEN) break;
      this.open.delete(oldest);
      await other.release();
    }
    return runner;
  }
}

/** The same as `Scg.run`, from the definition, in double precision: N x N x (N + D) steps in plain loops. */
export function scgReference(levels: readonly Maps[], cams: Maps, parameters: ScgParameters = SCG_PRESETS.rsepm): Maps {
  checkInputs(levels, cams);
  const out = zeroMaps(cams.channels, cams.height, cams.width);
  const columns = sumOfColumns(levels.map(level => selfCorrelation(level, parameters)));
  const spread = (seeds: readonly number[]) => {
    const sum = new Float64Array(cams.height * cams.width);
    for (const seed of seeds) minmax(columns[seed]).forEach((value, i) => (sum[i] += value));
    return sum;
  };
  for (const { channel, foreground, background } of seedsOf(cams, parameters)) {
    if (foreground.length > 0) plane(out, channel).set(contrast(spread(foreground), spread(background)));
  }
  return out;
}

/** The N columns of M of one level, each N long. */
export function selfCorrelation(level: Maps, parameters: ScgCorrelation): Float64Array[] {
  const { firstThreshold, secondThreshold, secondWeight, iterations } = parameters;
  const n = level.height * level.width;
  const units = Array.from({ length: n }, (_, i) => {
    const vector = Float64Array.from({ length: level.channels }, (_, d) => level.data[d * n + i]);
    const norm = Math.sqrt(vector.reduce((sum, value) => sum + value * value, 0)) + 1e-10;
    return vector.map(value => value / norm);
  });
  const similarity = units.map(a =>
    Float64Array.from(units, b => {
      const cosine = Math.max(dot(a, b), 0);
      return cosine < firstThreshold ? 0 : cosine;
    }),
  );
  const first = similarity.map(toSumOne);
  const transition = similarity.map((column, i) => toSumOne(column.map((value, j) => (i === j ? 0 : value))));
  let second = transition;
  for (let r = 0; r < iterations; r++) {
    // (S2 T)[:, i] = sum_k S2[:, k] T[k, i]
    second = transition.map(column => {
      const sum = new Float64Array(n);
      column.forEach((weight, k) => weight !== 0 && second[k].forEach((value, j) => (sum[j] += weight * value)));
      return toSumOne(sum);
    });
  }
  return first.map((column, i) =>
    toSumOne(column.map((value, j) => Math.max(value, secondWeight * (second[i][j] < secondThreshold / n ? 0 : second[i][j])))),
  );
}

interface ClassSeeds {
  channel: number;
  /** Positions. */
  foreground: number[];
  background: number[];
}

function seedsOf(cams: Maps, { foreground, background }: ScgParameters): ClassSeeds[] {
  // Compared in float32, as the maps are.
  const [high, low] = [Math.fround(foreground), Math.fround(background)];
  return Array.from({ length: cams.channels }, (_, channel) => {
    const seeds: ClassSeeds = { channel, foreground: [], background: [] };
    plane(cams, channel).forEach((value, position) => {
      if (value >= high) seeds.foreground.push(position);
      if (value <= low) seeds.background.push(position);
    });
    return seeds;
  });
}

/** minmax(relu(minmax(a) - minmax(b))) */
function contrast(a: Float32Array | Float64Array, b: Float32Array | Float64Array): Float64Array {
  const other = minmax(b);
  return minmax(minmax(a).map((value, i) => Math.max(value - other[i], 0)));
}

function minmax(values: Float32Array | Float64Array): Float64Array {
  let [low, high] = [Infinity, -Infinity];
  for (const value of values) {
    if (value < low) low = value;
    if (value > high) high = value;
  }
  return Float64Array.from(values, value => (value - low) / (high - low + 1e-10));
}

function toSumOne(column: Float64Array): Float64Array {
  const sum = column.reduce((a, b) => a + b, 0);
  return column.map(value => value / (sum + 1e-10));
}

function dot(a: Float64Array, b: Float64Array): number {
  let sum = 0;
  for (let d = 0; d < a.length; d++) sum += a[d] * b[d];
  return sum;
}

function sumOfColumns(levels: readonly Float64Array[][]): Float64Array[] {
  return levels.reduce((sum, level) => sum.map((column, i) => column.map((value, j) => value + level[i][j])));
}

function roundUp(value: number, step: number): number {
  return Math.ceil(value / step) * step;
}

function checkInputs(levels: readonly Maps[], cams: Maps): void {
  if (levels.length === 0) throw new Error('SCG: no features');
  for (const { height, width, data } of levels) {
    if (height !== cams.height || width !== cams.width) {
      throw new Error(`SCG: features of ${height} x ${width} for maps of ${cams.height} x ${cams.width}`);
    }
    assertFinite(data, 'the features');
  }
}

function assertFinite(data: Float32Array, what: string): void {
  // x * 0 is 0 for every finite x and NaN for the others.
  let sum = 0;
  for (let i = 0; i < data.length; i++) sum += data[i] * 0;
  if (sum !== 0) throw new SeedMaskError('numeric', `${what} hold values that are not finite numbers`);
}
