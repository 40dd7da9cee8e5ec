/**
 * What the light decoder sees of a cell: the main directions of each layer of the frozen backbone, fitted once on a sample of the photos (they belong to what is learnt,
 * under `space.<layer>.rows` and `.mean`), and, as the preset says, the cell's mean colour, its place in the photo and its salience. Cells are held in half precision,
 * photo after photo; training and masks see the same numbers.
 */
import type { DecoderPreset } from '../../../../models/trainingPreset';
import type { TrainingState } from '../../../../models/trainer';
import { mixSeed, shuffled, uniform } from '../../../../models/random';
import { fitLayer, Moments, Projector, type SpaceLayer } from '../../../pipeline/featureSpace';
import { areaMeans, resizeBilinear } from '../../../pipeline/resize';
import { SeedMaskError } from '../../../shared/errors';
import { toFiniteFloat16 } from '../../../shared/float16';
import type { GraphHost } from '../../../shared/graph';
import type { Maps, RgbImage } from '../../../shared/maps';
import { resizePhoto } from '../../images';
import type { PhotoFeatures } from '../../photoFeatures';
import type { TrainingData } from '../trainingStage';

type Inputs = DecoderPreset['inputs'];
type Tensors = TrainingState['tensors'];

/** The cells of one photo: height x width vectors of `inputs` halves, cell after cell. */
export interface CellVectors {
  height: number;
  width: number;
  halves: Uint16Array;
}

const SPACE = 'space.';

/** Fits the main directions on a sample of the photos. @throws SeedMaskError 'nothing-to-learn', 'cancelled', 'numeric' */
export async function fitSpace(data: TrainingData, { layers, root, sample }: Inputs, seed: number): Promise<Tensors> {
  const random = uniform(mixSeed(seed, 1));
  const chosen = shuffled(data.photos.length, random).slice(0, sample.photos).sort((a, b) => a - b);
  const perPhoto = Math.ceil(sample.cells / Math.max(1, chosen.length));
  const moments = new Map<number, Moments>();
  try {
    for (const index of chosen) {
      data.signal.throwIfAborted();
      const features = await data.features(data.photos[index]);
      for (const [i, { role }] of layers.entries()) {
        const maps = features.layers.get(role)?.[0];
        if (!maps) continue;
        const known = moments.get(i) ?? new Moments(data.host, maps.channels, root);
        moments.set(i, known);
        await known.add(maps, shuffled(maps.height * maps.width, random).slice(0, perPhoto));
      }
    }
    if (moments.size === 0) throw new SeedMaskError('nothing-to-learn', 'no photo has features that the decoder could look at');
    const tensors: Record<string, { dims: readonly number[]; data: Float32Array }> = {};
    for (const [i, known] of moments) {
      const { channels, dimensions, rows, mean } = await fitLayer(data.host, known, { dimensions: layers[i].dimensions, whiten: true, weight: 1 });
      tensors[`${SPACE}${i}.rows`] = { dims: [dimensions, channels], data: spreadRows(rows, channels, layers[i].spread) };
      tensors[`${SPACE}${i}.mean`] = { dims: [channels], data: mean };
    }
    return tensors;
  } finally {
    await Promise.allSettled([...moments.values()].map(known => known.release()));
  }
}

/** Whitened directions made as loud as (their deviation)^spread, the mean square of all being 1. */
function spreadRows(rows: Float32Array, channels: number, spread: number): Float32Array {
  const count = rows.length / channels;
  // A whitened direction is a unit vector divided by its deviation.
  const deviations = Array.from({ length: count }, (_, d) => 1 / Math.max(Math.hypot(...rows.subarray(d * channels, (d + 1) * channels)), Number.MIN_VALUE));
  const mean = Math.sqrt(deviations.reduce((sum, deviation) => sum + deviation ** (2 * spread), 0) / count);
  return rows.map((value, i) => (value * deviations[Math.floor(i / channels)] ** spread) / mean);
}

/** What a decoder learns beside its network. */
export interface Judgement {
  /** Of the classes' logits, one a channel (`heldAreas.ts`). */
  offsets: Float32Array;
  /** members x channels: 1 where a member has seen the class. */
  known: Float32Array;
}

/** A network that can judge photos. */
export interface Judge {
  network: Tensors;
  judgement: Judgement;
}

const OFFSETS = 'offsets';
const KNOWN = 'known';
/** Before the names of the judge of the round before. */
const BEFORE = 'before.';

/** What a state holds: the space of cells, the network and its judgement, and the judge of the round before. @throws where these are not the numbers of a decoder */
export function splitState(tensors: Tensors): Judge & { space: Tensors; before?: Judge } {
  const entries = Object.entries(tensors);
  const parts = (wanted: (name: string) => boolean): Tensors => Object.fromEntries(entries.filter(([name]) => wanted(name)));
  const before = Object.fromEntries(entries.flatMap(([name, tensor]) => (name.startsWith(BEFORE) ? [[name.slice(BEFORE.length), tensor]] : [])));
  const space = parts(name => name.startsWith(SPACE));
  return { space, ...judgeOf(parts(name => !name.startsWith(SPACE) && !name.startsWith(BEFORE))), ...(Object.keys(before).length > 0 && { before: judgeOf(before) }) };
}

/** The inverse of `splitState`. */
export function joinState(space: Tensors, judge: Judge, before?: Judge): Tensors {
  const earlier = before ? Object.entries(tensorsOf(before)).map(([name, tensor]) => [BEFORE + name, tensor] as const) : [];
  return { ...space, ...tensorsOf(judge), ...Object.fromEntries(earlier) };
}

function judgeOf({ [OFFSETS]: offsets, [KNOWN]: known, ...network }: Tensors): Judge {
  if (!offsets || !known) throw new Error('these are not the numbers of a light decoder');
  return { network, judgement: { offsets: offsets.data, known: known.data } };
}

function tensorsOf({ network, judgement: { offsets, known } }: Judge): Tensors {
  return { ...network, [OFFSETS]: { dims: [offsets.length], data: offsets }, [KNOWN]: { dims: [known.length / offsets.length, offsets.length], data: known } };
}

/** The main directions of a layer. */
export type Directions = SpaceLayer & { role: Inputs['layers'][number]['role'] };

/** @param space as `fitSpace` gave it */
export function directionsOf({ layers }: Inputs, space: Tensors): Directions[] {
  return layers.flatMap(({ role }, i) => {
    const rows = space[`${SPACE}${i}.rows`];
    const mean = space[`${SPACE}${i}.mean`];
    return rows && mean ? [{ role, weight: 1, channels: rows.dims[1], dimensions: rows.dims[0], rows: rows.data, mean: mean.data }] : [];
  });
}

/** Turns photos into cells. One at a time. */
export class CellReader {
  private readonly layers: readonly Directions[];
  private readonly projector: Projector;

  /** @param space as `fitSpace` gave it */
  constructor(
    host: GraphHost,
    private readonly options: Inputs,
    private readonly grid: number,
    space: Tensors,
  ) {
    this.layers = directionsOf(options, space);
    this.projector = new Projector(host, { layers: this.layers, root: options.root, plain: true });
  }

  /** Numbers of a cell. */
  get inputs(): number {
    const { colour, place, saliency } = this.options;
    return this.projector.dimensions + (colour > 0 ? 3 : 0) + (place > 0 ? 2 : 0) + (saliency > 0 ? 1 : 0);
  }

  /** Cells of the photo whose features these are, on its first view's grid or a finer one. @param image asked for where colours are seen. @throws SeedMaskError 'numeric' */
  async read({ layers, saliency }: PhotoFeatures, image: () => Promise<RgbImage>): Promise<CellVectors> {
    const maps = this.layers.map(({ role }): Maps => {
      const found = layers.get(role)?.[0];
      if (!found) throw new SeedMaskError('bad-model', `the ${role} layer that the decoder was trained on is not there`);
      return found;
    });
    // The coarsest layer's grid, since finer layers are averaged onto it.
    const coarse = maps.reduce((a, b) => (b.height < a.height ? b : a));
    const [height, width] = [coarse.height * this.grid, coarse.width * this.grid];
    const projected = await this.projector.project(maps.map(map => onCells(map, { height, width })));
    const extra = await this.extras(image, saliency, height, width);
    const cells = height * width;
    const { inputs } = this;
    const vectors = new Float32Array(cells * inputs);
    [projected, ...extra].reduce((start, { data, channels }) => {
      for (let c = 0; c < channels; c++) for (let i = 0; i < cells; i++) vectors[i * inputs + start + c] = data[c * cells + i];
      return start + channels;
    }, 0);
    return { height, width, halves: toFiniteFloat16(vectors) };
  }

  release(): Promise<void> {
    return this.projector.release();
  }

  private async extras(image: () => Promise<RgbImage>, salience: Maps | undefined, height: number, width: number): Promise<Maps[]> {
    const { colour, place, saliency } = this.options;
    const cells = height * width;
    const maps = (channels: number, value: (channel: number, cell: number) => number): Maps => ({ data: Float32Array.from({ length: channels * cells }, (_, i) => value(Math.floor(i / cells), i % cells)), channels, height, width });
    const extras: Maps[] = [];
    if (colour > 0) {
      const { data } = await resizePhoto(await image(), width, height);
      extras.push(maps(3, (channel, cell) => colour * (data[cell * 3 + channel] / 127.5 - 1)));
    }
    if (place > 0) extras.push(maps(2, (channel, cell) => place * (channel === 0 ? (cell % width) / width - 0.5 : Math.floor(cell / width) / height - 0.5)));
    if (saliency > 0) {
      // A run without the cue sees the same salience everywhere.
      const seen = salience && onCells(salience, { height, width });
      extras.push(maps(1, (_, cell) => saliency * (seen ? 2 * seen.data[cell] - 1 : 0)));
    }
    return extras;
  }
}

/** On the cells' grid: averaged where that is coarser, interpolated where it is finer. */
export function onCells(maps: Maps, { height, width }: { height: number; width: number }): Maps {
  if (maps.height === height && maps.width === width) return maps;
  return maps.height > height ? areaMeans(maps, height, width) : resizeBilinear(maps, height, width);
}
