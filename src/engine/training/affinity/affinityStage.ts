/**
 * Trains a network of affinities (`models/affinityHeads.ts`) on confident labels of the seeds: crops of photos, pairs of their cells that belong together or do not. What
 * comes out makes no masks by itself; scores walk along it (`affinityWalk.ts`). SGD and a poly rate, as published.
 */
import { affinityLoss, affinityParameters, affinityStart, pairMaskShape, type AffinityShape, type PairShape } from '../../../../models/affinityHeads';
import { BatchTrainer } from '../../../../models/batchTrainer';
import type { Preset } from '../../../../models/presets';
import { mixSeed, shuffled, uniform } from '../../../../models/random';
import { polyRate } from '../../../../models/schedules';
import type { TrainingState } from '../../../../models/trainer';
import type { AffinityPreset } from '../../../../models/trainingPreset';
import { irnConfidentLabels, PAIR, pairLabels } from '../../../pipeline/affinityLabels';
import { pairOffsets, pathOf } from '../../../pipeline/randomWalk';
import { resizeArea, resizeLabels } from '../../../pipeline/resize';
import { SeedMaskError } from '../../../shared/errors';
import type { Tensor } from '../../../shared/graph';
import { IGNORE, zeroMaps, type LabelMap, type Maps } from '../../../shared/maps';
import type { Losses, PhotoScorer, Seed, TrainingData, TrainingPhoto, TrainingStage } from '../trainingStage';
import { affinityLayers, affinityShape, affinityView, COLOUR, coloursOn, layerScale, SCALES, type AffinityLayer, type AffinityView } from './affinityInputs';

/** Photos that the scales of the layers are measured on, at most. */
const SCALED_PHOTOS = 64;

/** Photos whose colours stay in memory: some 40 kB each. */
const KEPT_PHOTOS = 2000;

/** A crop: inputs by name, and its pairs by kind. */
interface Crop {
  maps: ReadonlyMap<string, Maps>;
  kinds: Uint8Array;
}

export class AffinityStage implements TrainingStage {
  readonly name = 'affinity';
  readonly epochs: number;
  readonly stepsPerEpoch: number;
  rate = 0;
  private readonly colours = new Map<string, Maps>();

  private constructor(
    private readonly data: TrainingData,
    private readonly section: AffinityPreset,
    private readonly seed: number,
    /** Those with tags: the others have no pairs that tell anything. */
    private readonly photos: readonly TrainingPhoto[],
    private readonly layers: readonly AffinityLayer[],
    private readonly shape: AffinityShape,
    private readonly pairs: PairShape,
    private scales: Float32Array,
    private readonly trainer: BatchTrainer,
  ) {
    this.epochs = section.epochs;
    this.stepsPerEpoch = Math.ceil(photos.length / section.batch);
  }

  /** At its start. @throws SeedMaskError 'nothing-to-learn', 'bad-settings', 'out-of-memory' */
  static async open(data: TrainingData, preset: Preset, section: AffinityPreset): Promise<AffinityStage> {
    const layers = affinityLayers(data.model.spec, section);
    const photos = data.photos.filter(({ ids }) => ids.length > 0);
    if (layers.length === 0 || photos.length === 0) throw new SeedMaskError('nothing-to-learn', 'affinities need a layer of the backbone and a tagged photo to learn from');
    const shape = affinityShape(layers, section, section.crop, section.crop);
    if (shape.width < 2 * section.radius - 1) throw new SeedMaskError('bad-settings', `crops of ${shape.width} cells have no pairs of radius ${section.radius}`);
    const seed = preset.training?.seed ?? 1;
    const offsets = pairOffsets(section.radius);
    const pairs = { radius: section.radius, offsets, paths: offsets.map(pathOf) };
    const scales = await scalesOf(data, photos, layers, seed);
    const trainer = await BatchTrainer.open(data.host, items => affinityLoss(shape, pairs, items), affinityStart(affinityParameters(shape), mixSeed(seed, 21)), {
      batch: section.batch,
      optimiser: { kind: 'sgd', momentum: section.momentum, weightDecay: section.weightDecay },
      onShrink: items => data.log(`the device ran out of memory: affinities are learnt from ${items} crops at once from here on`),
    });
    return new AffinityStage(data, section, seed, photos, layers, shape, pairs, scales, trainer);
  }

  get state(): TrainingState {
    const { steps, tensors } = this.trainer.state;
    return { steps, tensors: { ...tensors, [SCALES]: { dims: [this.scales.length], data: this.scales } } };
  }

  set state({ steps, tensors }: TrainingState) {
    const { [SCALES]: scales, ...network } = tensors;
    this.scales = scales.data;
    this.trainer.state = { steps, tensors: network };
  }

  /** The seeds do not change. */
  beginEpoch(): Promise<void> {
    return Promise.resolve();
  }

  async step(epoch: number, step: number): Promise<Losses> {
    const { rate, batch } = this.section;
    this.rate = polyRate(rate, (epoch - 1) * this.stepsPerEpoch + step, this.epochs * this.stepsPerEpoch);
    const order = shuffled(this.photos.length, uniform(mixSeed(this.seed, 22, epoch)));
    const crops: Crop[] = [];
    for (let i = 0; i < batch; i++) crops.push(await this.crop(this.photos[order[(step * batch + i) % order.length]], uniform(mixSeed(this.seed, 23, epoch, step, i))));
    const counts = [PAIR.background, PAIR.foreground, PAIR.negative].map(kind => crops.reduce((sum, { kinds }) => sum + countOf(kinds, kind), 0));
    const total = await this.trainer.step((from, to) => this.feeds(crops.slice(from, to), counts.map(count => (count * (to - from)) / batch)), this.rate);
    return { ...this.trainer.losses, total };
  }

  /** @throws SeedMaskError 'unavailable': affinities say how scores walk, not where anything is. */
  scorer(): Promise<PhotoScorer> {
    return Promise.reject(new SeedMaskError('unavailable', 'affinities make no masks by themselves'));
  }

  release(): Promise<void> {
    return this.trainer.release();
  }

  /** A crop of chance, mirrored half of the times; what lies outside of the photo is 0, and no label. */
  private async crop(photo: TrainingPhoto, random: () => number): Promise<Crop> {
    const { crop, grid, radius } = this.section;
    const view = affinityView(await this.data.features(photo), this.layers, this.scales);
    if (this.section.colour > 0) view.maps.set(COLOUR, await this.coloursOf(photo, view));
    const [height, width] = [view.rows * grid, view.columns * grid];
    const labels = confidentLabels(await this.data.seed(photo), photo.ids, this.section, height, width, await this.data.certain(photo, height, width));
    const top = Math.floor(random() * (Math.max(0, view.rows - crop) + 1));
    const left = Math.floor(random() * (Math.max(0, view.columns - crop) + 1));
    const mirrored = random() < 0.5;
    const maps = new Map(this.shape.inputs.map(({ name, height: rows }) => {
      const factor = rows / crop;
      const whole = view.maps.get(name);
      if (!whole) throw new Error(`a photo without '${name}'`);
      return [name, window(whole, top * factor, left * factor, rows, mirrored)];
    }));
    const side = crop * grid;
    const labelled = window(asMaps(labels), top * grid, left * grid, side, mirrored, IGNORE);
    const { kinds } = pairLabels({ data: Uint8Array.from(labelled.data), height: side, width: side }, this.pairs.offsets, radius);
    return { maps, kinds };
  }

  /** Kept: a photo would have to be decoded for some thousand numbers. */
  private async coloursOf(photo: TrainingPhoto, view: AffinityView): Promise<Maps> {
    const known = this.colours.get(photo.photo);
    if (known) return known;
    const colours = coloursOn(await this.data.image(photo), view, this.section);
    if (this.colours.size < KEPT_PHOTOS) this.colours.set(photo.photo, colours);
    return colours;
  }

  private feeds(crops: readonly Crop[], counts: readonly number[]): Record<string, Tensor> {
    const feeds: Record<string, Tensor> = { counts: { dims: [counts.length], data: Float32Array.from(counts) } };
    for (const { name, channels, height, width } of this.shape.inputs) {
      const size = channels * height * width;
      const data = new Float32Array(crops.length * size);
      crops.forEach(({ maps }, i) => data.set(maps.get(name)?.data ?? [], i * size));
      feeds[name] = { dims: [crops.length, channels, height, width], data };
    }
    const dims = pairMaskShape(this.shape, this.pairs, crops.length);
    for (const kind of ['background', 'foreground', 'negative'] as const) {
      const data = new Float32Array(dims.reduce((a, b) => a * b, 1));
      crops.forEach(({ kinds }, i) => kinds.forEach((one, at) => (data[i * kinds.length + at] = Number(one === PAIR[kind]))));
      feeds[`pairs.${kind}`] = { dims, data };
    }
    return feeds;
  }
}

/**
 * Confident labels on the grid of the walk: scores are averaged over cells before they are judged; where debiasing took the class away again, nobody knows; what a person
 * decided is certain.
 */
export function confidentLabels({ scores, mask }: Seed, ids: readonly number[], { labels }: Pick<AffinityPreset, 'labels'>, height: number, width: number, certain?: LabelMap): LabelMap {
  const confident = irnConfidentLabels(resizeArea(scores, height, width), ids, labels);
  const masked = resizeLabels(mask, height, width);
  const data = confident.data.map((label, i) => {
    if (certain && certain.data[i] !== IGNORE) return certain.data[i];
    return label !== 0 && label !== IGNORE && masked.data[i] !== label ? IGNORE : label;
  });
  return { data, height, width };
}

/** `side` x `side` cells of maps from (top, left) on; `fill` where they end. */
function window(maps: Maps, top: number, left: number, side: number, mirrored: boolean, fill = 0): Maps {
  const out = zeroMaps(maps.channels, side, side);
  if (fill !== 0) out.data.fill(fill);
  const rows = Math.min(side, maps.height - top);
  const columns = Math.min(side, maps.width - left);
  for (let c = 0; c < maps.channels; c++) {
    for (let y = 0; y < rows; y++) {
      const from = (c * maps.height + top + y) * maps.width + left;
      const to = out.data.subarray((c * side + y) * side, (c * side + y + 1) * side);
      to.set(maps.data.subarray(from, from + columns));
      if (mirrored) to.reverse();
    }
  }
  return out;
}

function asMaps({ data, height, width }: LabelMap): Maps {
  return { data: Float32Array.from(data), channels: 1, height, width };
}

function countOf(kinds: Uint8Array, kind: number): number {
  return kinds.reduce((sum, one) => sum + Number(one === kind), 0);
}

/** Root mean square of each layer, over some photos. */
async function scalesOf(data: TrainingData, photos: readonly TrainingPhoto[], layers: readonly AffinityLayer[], seed: number): Promise<Float32Array> {
  const chosen = shuffled(photos.length, uniform(mixSeed(seed, 24))).slice(0, SCALED_PHOTOS);
  const sums = new Float64Array(layers.length);
  for (const index of chosen) {
    data.signal.throwIfAborted();
    const features = await data.features(photos[index]);
    layers.forEach(({ role }, i) => (sums[i] += layerScale(features, role)));
  }
  return Float32Array.from(sums, sum => Math.max(sum / chosen.length, 1e-6));
}
