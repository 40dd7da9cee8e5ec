/**
 * Learning the tags of a data set from pooled features: one linear head per layer, and for each photo how sure heads that did not see it are of its tags
 * (the photos are split into folds; each fold is judged by heads learnt on the others). Heads judge the photos they learnt from far too well:
 * every tag would look certain. `docs/quality.md` has what this gives.
 */
import type { Preset } from '../../models/presets';
import { trainHeads } from '../../models/headTraining';
import { warmHeads, type Classifier } from '../../models/warmStart';
import type { LinearLayer } from '../pipeline/tagCam';
import { plane, type Maps } from '../shared/maps';
import type { GraphHost } from '../shared/graph';
import { SeedMaskError } from '../shared/errors';
import type { PhotoFeatures, Role } from './photoFeatures';

/** Pooled features of a data set, photo after photo. */
export class PooledFeatures {
  private readonly rows = new Map<Role, Float32Array[]>();
  private readonly squares = new Map<Role, Float64Array>();
  readonly photos: string[] = [];

  add(photo: string, { layers }: PhotoFeatures): void {
    this.photos.push(photo);
    for (const [role, [view]] of layers) {
      const { means, squares } = moments(view);
      const rows = this.rows.get(role) ?? [];
      rows.push(means);
      this.rows.set(role, rows);
      const total = this.squares.get(role) ?? new Float64Array(view.channels);
      for (let c = 0; c < total.length; c++) total[c] += squares[c];
      this.squares.set(role, total);
    }
  }

  roles(): Role[] {
    return [...this.rows.keys()];
  }

  /** Root mean square of each channel over the data set. */
  rms(role: Role): Float32Array {
    return Float32Array.from(this.squares.get(role) ?? [], square => Math.sqrt(square / this.photos.length + 1e-12));
  }

  /** photos x channels, each channel divided by its root mean square. */
  matrix(role: Role, rms: Float32Array): Float32Array {
    const rows = this.rows.get(role) ?? [];
    const out = new Float32Array(rows.length * rms.length);
    rows.forEach((row, i) => {
      for (let c = 0; c < row.length; c++) out[i * row.length + c] = row[c] / rms[c];
    });
    return out;
  }
}

/** What was learnt: enough to make the mask of any photo of the data set. */
export interface Learnt {
  /** Names of the classes that heads exist for. */
  classes: readonly string[];
  heads: readonly LearntHead[];
  /** Sureness by photo, in the order of `classes`, in (0, 1). */
  sureness: ReadonlyMap<string, Float32Array>;
}

/** How sure heads that did not see the photo are of each of its tags, in (0, 1]; 1 where nobody can tell. */
export function surenessOf({ classes, sureness }: Learnt, { photo, tags }: { photo: string; tags: readonly string[] }): number[] {
  const own = sureness.get(photo);
  return tags.map(tag => own?.[classes.indexOf(tag)] ?? 1);
}

export interface LearntHead {
  role: Role;
  /** classes x channels, for features as they come from the backbone. */
  weights: Float32Array;
  /** Classes that had enough photos (or a warm start) for this layer. */
  has: readonly boolean[];
}

/** The head of a layer as rows for `classes`, classes x channels, in their order; zeros for a class it does not know. Nothing if there is no such head. */
export function headRows({ heads, classes: known }: Learnt, role: Role, channels: number, classes: readonly { name: string }[]): Float32Array | undefined {
  const head = heads.find(one => one.role === role);
  if (!head) return undefined;
  const rows = new Float32Array(classes.length * channels);
  classes.forEach(({ name }, k) => {
    const row = known.indexOf(name);
    if (row >= 0 && head.has[row]) rows.set(head.weights.subarray(row * channels, (row + 1) * channels), k * channels);
  });
  return rows;
}

export interface LearningInput {
  pooled: PooledFeatures;
  tags: ReadonlyMap<string, readonly string[]>;
  classes: readonly string[];
  /** The backbone's own classifier, for a warm start. */
  classifier?: Classifier;
  signal: AbortSignal;
}

/** @throws SeedMaskError 'nothing-to-learn', 'numeric', 'cancelled' */
export async function learnTags(host: GraphHost, { pooled, tags, classes, classifier, signal }: LearningInput, preset: Preset): Promise<Learnt> {
  const photos = pooled.photos;
  if (photos.length === 0 || classes.length === 0) throw new SeedMaskError('nothing-to-learn', 'no tagged photo could be read');
  const targets = targetMatrix(photos, tags, classes);
  const counts = classes.map((_, k) => photos.reduce((sum, _photo, i) => sum + targets[i * classes.length + k], 0));
  const roles = pooled.roles();
  const heads: LearntHead[] = [];
  let sureness: Map<string, Float32Array> | undefined;

  for (const role of roles) {
    const rms = pooled.rms(role);
    const channels = rms.length;
    const matrix = pooled.matrix(role, rms);
    const warm = classifier && preset.learning.warmStart && classifier.channels === channels && role === roles[0] ? warmHeads(classes, classifier, rms) : undefined;
    const options = { decay: decayOf(preset, role), anchor: warm?.weights, signal };
    const train = (rows: readonly number[]) =>
      trainHeads(host, { features: pick(matrix, channels, rows), targets: pick(targets, classes.length, rows), photos: rows.length, channels, classes: classes.length }, options);

    const trained = await train(photos.map((_, i) => i));
    // The first layer knows the classes best, and must have a map of each; others only help where they could learn.
    const has = classes.map((_, k) => role === roles[0] || counts[k] >= preset.learning.minPhotos);
    heads.push({ role, has, weights: trained.weights.map((weight, i) => weight / rms[i % channels]) });
    sureness ??= await heldOutSureness(photos, preset.learning.folds, train, (row, trainedHeads) => scores(matrix.subarray(row * channels, (row + 1) * channels), trainedHeads));
  }
  return { classes, heads, sureness: sureness ?? new Map() };
}

/** The layers of a photo for `tagCam`, with the heads of its tags only. */
export function camLayers({ layers }: PhotoFeatures, { classes, heads }: Learnt, tags: readonly string[]): LinearLayer[] {
  const rows = tags.map(tag => classes.indexOf(tag));
  return heads.map(({ role, weights, has }) => {
    const views = layers.get(role);
    if (!views) throw new Error(`no features for the ${role} head`);
    return { views, weights: pick(weights, views[0].channels, rows), has: rows.map(row => has[row]) };
  });
}

type Train = (rows: readonly number[]) => Promise<{ weights: Float32Array; bias: Float32Array }>;

async function heldOutSureness(
  photos: readonly string[],
  folds: number,
  train: Train,
  judge: (row: number, heads: { weights: Float32Array; bias: Float32Array }) => Float32Array,
): Promise<Map<string, Float32Array>> {
  const parts = Math.min(folds, photos.length);
  const sureness = new Map<string, Float32Array>();
  if (parts < 2) return sureness;
  for (let part = 0; part < parts; part++) {
    const heads = await train(photos.flatMap((_, i) => (i % parts === part ? [] : [i])));
    photos.forEach((photo, i) => {
      if (i % parts === part) sureness.set(photo, judge(i, heads));
    });
  }
  return sureness;
}

/** sigmoid(W x + b) */
function scores(features: Float32Array, { weights, bias }: { weights: Float32Array; bias: Float32Array }): Float32Array {
  return bias.map((start, k) => {
    let z = start;
    for (let c = 0; c < features.length; c++) z += weights[k * features.length + c] * features[c];
    return 1 / (1 + Math.exp(-z));
  });
}

function decayOf(preset: Preset, role: Role): number {
  return (preset.learning.heads.find(head => head.role === role) ?? preset.learning.heads[0]).decay;
}

function targetMatrix(photos: readonly string[], tags: ReadonlyMap<string, readonly string[]>, classes: readonly string[]): Float32Array {
  const out = new Float32Array(photos.length * classes.length);
  photos.forEach((photo, i) => {
    for (const tag of tags.get(photo) ?? []) out[i * classes.length + classes.indexOf(tag)] = 1;
  });
  return out;
}

/** The rows `rows` of a matrix of `columns` columns. */
function pick(matrix: Float32Array, columns: number, rows: readonly number[]): Float32Array {
  const out = new Float32Array(rows.length * columns);
  rows.forEach((row, i) => out.set(matrix.subarray(row * columns, (row + 1) * columns), i * columns));
  return out;
}

/** Mean and mean square of each channel. */
function moments(maps: Maps): { means: Float32Array; squares: Float64Array } {
  const means = new Float32Array(maps.channels);
  const squares = new Float64Array(maps.channels);
  for (let c = 0; c < maps.channels; c++) {
    const map = plane(maps, c);
    let sum = 0;
    let square = 0;
    for (const value of map) {
      sum += value;
      square += value * value;
    }
    means[c] = sum / map.length;
    squares[c] = square / map.length;
  }
  return { means, squares };
}
