/**
 * What the stages that train on images have in common: classes as channels, the side of crops, what a network starts from, a person's pixels on a crop, and chance.
 */
import type { Preset } from '../../../../models/presets';
import type { Augmentation } from '../../../../models/networkPreset';
import type { NetworkShape } from '../../../../models/networks/imageNetwork';
import { dropped, type Drop } from '../../../../models/networks/layers';
import { mixSeed, uniform } from '../../../../models/random';
import type { TrainingState } from '../../../../models/trainer';
import { SeedMaskError } from '../../../shared/errors';
import type { Tensor } from '../../../shared/graph';
import { IGNORE, type LabelMap } from '../../../shared/maps';
import { headRows } from '../../learning';
import type { TrainingData, TrainingPhoto } from '../trainingStage';
import { cropLabels } from './crops';
import type { Crop } from './imageBatches';

/** Of the whole training. @throws for a preset that trains nothing */
export function seedOf({ training }: Preset): number {
  if (!training) throw new Error('this preset trains nothing');
  return training.seed;
}

/** A side that the network takes: a multiple of what the backbone wants (`times` it), at least 4 cells. */
export function cropSide({ crop }: Augmentation, multiple: number, times = 1): number {
  const step = multiple * times;
  return Math.max(4 * multiple, Math.round(crop / step) * step);
}

/** Side of the labels of a crop. @throws SeedMaskError 'bad-settings' */
export function labelGrid(side: number, stride: number): number {
  if (side % stride !== 0) throw new SeedMaskError('bad-settings', `labels of every ${stride}th pixel do not fit crops of ${side}`);
  return side / stride;
}

/** Classes as channels of a network. */
export class Channels {
  /** Class id -> channel; 255 where there is none. */
  private readonly table = new Uint8Array(256).fill(IGNORE);

  constructor(classes: TrainingData['classes']) {
    this.table[0] = 0;
    classes.forEach(({ id }, i) => (this.table[id] = i + 1));
  }

  of({ ids }: Pick<TrainingPhoto, 'ids'>): number[] {
    return ids.map(id => this.table[id]).filter(channel => channel !== IGNORE);
  }

  labels(labels: LabelMap): LabelMap {
    return { ...labels, data: labels.data.map(id => this.table[id]) };
  }
}

/** What a person decided of a crop, as channels on its label grid. */
export async function certainOf(data: Pick<TrainingData, 'certain'>, { photo, view }: Crop, channels: Channels, grid: number): Promise<LabelMap | undefined> {
  const whole = await data.certain(photo, view.height, view.width);
  return whole && channels.labels(cropLabels(whole, view, grid));
}

/** Numbers that earlier stages learnt, by name: of the last one that has them; the moving average where there is one. */
export function learntBefore(previous: readonly { state: TrainingState }[]): (name: string) => Float32Array | undefined {
  return name => {
    for (const { state: { tensors } } of [...previous].reverse()) {
      const tensor = tensors[`${name}.ema`] ?? tensors[name];
      if (tensor) return tensor.data;
    }
    return undefined;
  };
}

/** Where `start` of a network comes from: earlier stages, else (for the classifier) the heads of the deep layer. */
export function startingNumbers(data: TrainingData, shape: NetworkShape, classifier: 'heads' | 'random', previous: readonly { state: TrainingState }[]): (name: string) => Float32Array | undefined {
  const before = learntBefore(previous);
  const { role, channels } = shape.spec.outputs.find(output => output.role === 'deep') ?? shape.spec.outputs[0];
  return name => before(name) ?? (name === 'classifier' && classifier === 'heads' ? headRows(data.learnt, role, channels, data.classes) : undefined);
}

/** Chance of one step for one purpose. */
export function stepChance(seed: number, epoch: number, step: number, purpose: 'mix' | 'drop'): () => number {
  return uniform(mixSeed(seed, epoch, step, purpose === 'mix' ? -1 : -2));
}

/** The masks of dropped channels of a whole batch, and the rows of them that a part needs. @param halves 2 where the graph runs the batch and as many mixes */
export class DropMasks {
  private readonly masks: ReturnType<typeof dropped>;

  constructor(drops: readonly Drop[], private readonly batch: number, private readonly halves: 1 | 2, random: () => number) {
    this.masks = dropped(drops, batch * halves, random);
  }

  feeds(from: number, to: number): Record<string, Tensor> {
    return Object.fromEntries(Object.entries(this.masks).map(([name, { dims: [, channels], data }]) => {
      const rows = Array.from({ length: this.halves }, (_, half) => data.subarray((half * this.batch + from) * channels, (half * this.batch + to) * channels));
      const part = new Float32Array(rows.length * (to - from) * channels);
      rows.forEach((row, half) => part.set(row, half * row.length));
      return [name, { dims: [rows.length * (to - from), channels, 1, 1], data: part }];
    }));
  }
}
