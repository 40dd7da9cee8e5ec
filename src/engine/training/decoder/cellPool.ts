/**
 * The cells that an epoch's steps are drawn from, and the steps' batches. Chance comes from seed, epoch, step and member alone: the cells of an epoch that are certain of
 * something are shuffled once for each member and taken in turn (again from the start where there are fewer than the epoch has room for). Members that photos are kept
 * from by their fold do not see these; where that leaves a member nothing (a folder of few photos), it sees all.
 */
import type { DecoderPreset } from '../../../../models/trainingPreset';
import { restrictionTo } from '../../../../models/losses';
import { mixSeed, shuffled, uniform } from '../../../../models/random';
import { SeedMaskError } from '../../../shared/errors';
import { halfValues } from '../../../shared/float16';
import type { Tensor } from '../../../shared/graph';
import type { CellVectors } from './decoderInputs';
import type { CellShares } from './cellTargets';

/** A photo, or a mix of two, with what its cells should be. */
export interface PooledPhoto {
  cells: CellVectors;
  shares: CellShares;
  fold: number;
  /** Of its cells and maps in the losses. */
  weight: number;
  /** M_rs on the cells: ids.length x cells, for the ids of `shares` in front; absent before there are any. */
  maps?: Float32Array;
  /** How many of `shares.ids` are tags (a person's masks may hold more). */
  tags: number;
}

/** Sizes that all batches share. */
export interface BatchShape {
  members: number;
  inputs: number;
  hidden: readonly number[];
  /** With the background. */
  classes: number;
  /** Cells along the longest side of any photo, squared. */
  places: number;
}

/** Cells of a photo are numbered within so many bits. */
const CELL_BITS = 14;
/** Cells that a photo can have. */
export const MOST_CELLS = 2 ** CELL_BITS;

export class CellPool {
  /** For each member the cells of the epoch, in the order they are taken: photo << CELL_BITS | cell. */
  private order: Uint32Array[] = [];
  private classWeights = new Float32Array(0);

  constructor(
    private readonly section: DecoderPreset,
    private readonly shape: BatchShape,
    /** Channel of each class id. */
    private readonly channelOf: ReadonlyMap<number, number>,
    private readonly seed: number,
  ) {}

  private photos: readonly PooledPhoto[] = [];

  /** @param classWeights one a channel. @throws SeedMaskError 'nothing-to-learn' where no cell is certain of anything */
  begin(epoch: number, photos: readonly PooledPhoto[], classWeights: Float32Array): void {
    const { members } = this.shape;
    const { folds } = this.section;
    this.photos = photos;
    this.classWeights = Float32Array.from(classWeights);
    this.order = Array.from({ length: members }, (_, member) => {
      const own = folds > 1 ? this.cellsOf(photos, fold => fold !== member % folds) : [];
      const cells = own.length > 0 ? own : this.cellsOf(photos, () => true);
      if (cells.length === 0) throw new SeedMaskError('nothing-to-learn', 'no pixel of any photo is certain enough to learn from');
      return Uint32Array.from(shuffled(cells.length, uniform(mixSeed(this.seed, epoch, member))), i => cells[i]);
    });
  }

  /** 1 where a member has seen cells of a class this epoch: members x classes. */
  known(): Float32Array {
    const { classes } = this.shape;
    const known = new Float32Array(this.order.length * classes);
    this.order.forEach((order, member) => {
      for (const photo of new Set(order.map(cell => cell >>> CELL_BITS))) {
        const { ids, shares } = this.photos[photo].shares;
        for (let c = 0; c <= ids.length; c++) {
          for (let i = c; i < shares.length; i += ids.length + 1) if (shares[i] > 0) known[member * classes + this.channel(ids, c)] = 1;
        }
      }
    });
    return known;
  }

  /** Feeds of the decoder's part of a step. */
  cells(epoch: number, step: number): Record<string, Tensor> {
    const { members, inputs, classes, hidden } = this.shape;
    const { batch, dropout, restricted } = this.section;
    const cells = new Float32Array(members * batch * inputs);
    const shares = new Float32Array(members * batch * classes);
    const restriction = new Float32Array(restricted ? shares.length : 0);
    for (let member = 0; member < members; member++) {
      const order = this.order[member];
      const random = uniform(mixSeed(this.seed, epoch, step, member));
      for (let i = 0; i < batch; i++) {
        const drawn = order[(step * batch + i) % order.length];
        const photo = this.photos[drawn >>> CELL_BITS];
        const cell = drawn & (MOST_CELLS - 1);
        const row = member * batch + i;
        writeVector(photo.cells, cell, inputs, cells, row * inputs, dropout.inputs, random);
        this.writeShares(photo, cell, shares, row * classes);
        if (restricted) restriction.set(this.restrictionOf(photo), row * classes);
      }
    }
    return {
      cells: { dims: [members, batch, inputs], data: cells },
      shares: { dims: [members, batch, classes], data: shares },
      ...(restricted && { restriction: { dims: [members, batch, classes], data: restriction } }),
      ...this.kept(hidden, epoch, step),
    };
  }

  /** Feeds of whole photos: their cells, tags and recursive targets. */
  whole(epoch: number, step: number, count: number): Record<string, Tensor> {
    const { members, inputs, classes, places } = this.shape;
    const all = members * count;
    const photos = new Float32Array(all * places * inputs);
    const inside = new Float32Array(all * places);
    const tags = new Float32Array(all * (classes - 1));
    const targets = new Float32Array(all * (classes - 1) * places);
    for (let member = 0; member < members; member++) {
      const random = uniform(mixSeed(this.seed, epoch, step, member, 1));
      const kept = this.photos.filter(({ fold }) => this.section.folds === 1 || fold !== member % this.section.folds);
      const own = kept.length > 0 ? kept : this.photos;
      for (let i = 0; i < count; i++) {
        const { cells, shares, maps, tags: tagged } = own[Math.floor(random() * own.length)];
        const slot = member * count + i;
        const size = cells.height * cells.width;
        for (let cell = 0; cell < size; cell++) writeVector(cells, cell, inputs, photos, (slot * places + cell) * inputs, this.section.dropout.inputs, random);
        inside.fill(1, slot * places, slot * places + size);
        shares.ids.slice(0, tagged).forEach((id, k) => {
          const map = slot * (classes - 1) + (this.channelOf.get(id) ?? 0) - 1;
          tags[map] = 1;
          if (maps) targets.set(maps.subarray(k * size, (k + 1) * size), map * places);
        });
      }
    }
    return {
      photos: { dims: [members, count * places, inputs], data: photos },
      inside: { dims: [all, 1, places], data: inside },
      tags: { dims: [all, classes - 1], data: tags },
      targets: { dims: [all, classes - 1, places], data: targets },
      recursionWeight: { dims: [], data: Float32Array.of(this.photos.some(({ maps }) => maps) ? 1 : 0) },
    };
  }

  /** Cells that are certain of something, of photos of some folds. */
  private cellsOf(photos: readonly PooledPhoto[], wanted: (fold: number) => boolean): number[] {
    return photos.flatMap(({ shares: { shares, ids }, fold }, index) => {
      if (!wanted(fold)) return [];
      const channels = ids.length + 1;
      const cells: number[] = [];
      for (let i = 0; i < shares.length; i += channels) if (sumOf(shares, i, channels) > 0) cells.push(((index << CELL_BITS) | (i / channels)) >>> 0);
      return cells;
    });
  }

  /** Shares of a cell times its photo's and its classes' weights, a little of them given to all classes that the photo may have. */
  private writeShares({ shares: { ids, shares }, weight }: PooledPhoto, cell: number, target: Float32Array, at: number): void {
    const { smoothing, restricted } = this.section;
    const channels = ids.length + 1;
    const total = sumOf(shares, cell * channels, channels);
    const given = (smoothing * total) / (restricted ? channels : this.shape.classes);
    if (smoothing > 0 && !restricted) target.fill(given, at, at + this.shape.classes);
    for (let c = 0; c < channels; c++) target[at + this.channel(ids, c)] = shares[cell * channels + c] * (1 - smoothing) + given;
    for (let c = 0; c < this.shape.classes; c++) target[at + c] *= weight * this.classWeights[c];
  }

  private restrictionOf({ shares: { ids } }: PooledPhoto): Float32Array {
    return restrictionTo([0, ...ids.map((_, k) => this.channel(ids, k + 1))], this.shape.classes);
  }

  private channel(ids: readonly number[], c: number): number {
    return c === 0 ? 0 : (this.channelOf.get(ids[c - 1]) ?? 0);
  }

  /** Which hidden numbers are kept, as bytes. */
  private kept(hidden: readonly number[], epoch: number, step: number): Record<string, Tensor> {
    const { members } = this.shape;
    const { batch, dropout } = this.section;
    if (dropout.hidden === 0 || hidden.length === 0) return {};
    const random = uniform(mixSeed(this.seed, epoch, step, members));
    const masks = hidden.map((width, l): [string, Tensor] => [`kept.${l}`, { dims: [members, batch, width], data: Uint8Array.from({ length: members * batch * width }, () => (random() < dropout.hidden ? 0 : 1)) }]);
    return { ...Object.fromEntries(masks), keptScale: { dims: [], data: Float32Array.of(1 / (1 - dropout.hidden)) } };
  }
}

function sumOf(shares: Float32Array, from: number, count: number): number {
  let sum = 0;
  for (let i = from; i < from + count; i++) sum += shares[i];
  return sum;
}

/** A cell's vector as floats; with dropout, numbers are 0 by chance and the others the larger for it. */
function writeVector({ halves }: CellVectors, cell: number, inputs: number, target: Float32Array, at: number, dropped: number, random: () => number): void {
  const values = halfValues();
  const start = cell * inputs;
  if (dropped === 0) {
    for (let d = 0; d < inputs; d++) target[at + d] = values[halves[start + d]];
    return;
  }
  const scale = 1 / (1 - dropped);
  for (let d = 0; d < inputs; d++) target[at + d] = random() < dropped ? 0 : values[halves[start + d]] * scale;
}
