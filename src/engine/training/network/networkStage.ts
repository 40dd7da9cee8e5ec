/**
 * The single-stage network of RecurSeed + EdgePredictMix (arXiv 2204.06754): classifier and decoder on a backbone learn together, taught by tags and, later, by what they
 * say themselves. A step of epoch e, on a batch of crops:
 *
 *     e < recurseFrom   L_cls; and L_seg on pixels that a person decided, where the batch has any
 *     e < mixFrom       + L_rec, L_seg with M_rs and M_seg of this step's own class activation maps
 *     from mixFrom on   + the same losses of mixed crops: EdgePredictMix, or ClassMix with the moving average as teacher
 *
 * Which published numbers are unknown, and what stands in their place: `models/networkPreset.ts`.
 */
import { precisionOn } from '../../../../models/mixedPrecision';
import { networkLoss, type NetworkStep } from '../../../../models/networks/networkLosses';
import type { Drop } from '../../../../models/networks/layers';
import type { Preset } from '../../../../models/presets';
import type { TrainingState } from '../../../../models/trainer';
import type { NetworkPreset } from '../../../../models/trainingPreset';
import { resizeBilinear } from '../../../pipeline/resize';
import { Scg } from '../../../pipeline/scg';
import type { StageKind } from '../stages';
import { stateOf, type Losses, type PhotoScorer, type TrainingData, type TrainingStage } from '../trainingStage';
import { certainOf, Channels, cropSide, DropMasks, labelGrid, seedOf, startingNumbers, stepChance } from './imageStage';
import { ImageBatches, type Crop } from './imageBatches';
import { ImageTraining } from './imageTraining';
import { lessonFeeds, type Taught } from './lessonFeeds';
import { classMix, edgePredictMix, type MixedLesson } from './mixing';
import { NetworkModel, weightsOf, type NetworkParts, type NetworkView, type NetworkViewer } from './networkModel';
import { networkExport } from './networkExport';
import { networkScorer } from './networkScorer';
import { taggingOf } from './tagging';
import { plainLesson, recursiveLesson, softmax, type Lesson } from './targets';

const partsOf = ({ learns, decoder }: NetworkPreset): NetworkParts => ({ learns, decoder, classifier: true });

export class NetworkStage implements TrainingStage {
  readonly name = 'network';
  readonly epochs: number;
  readonly stepsPerEpoch: number;
  private readonly channels: Channels;
  private readonly scg: Scg;
  private readonly viewers = new Map<string, NetworkViewer>();
  private readonly drops = new Map<NetworkStep, readonly Drop[]>();

  private constructor(
    private readonly data: TrainingData,
    private readonly preset: Preset,
    private readonly section: NetworkPreset,
    private readonly model: NetworkModel,
    private readonly batches: ImageBatches,
    private readonly side: number,
    private readonly grid: number,
    private readonly training: ImageTraining<NetworkStep>,
  ) {
    this.epochs = section.epochs;
    this.stepsPerEpoch = batches.stepsPerEpoch;
    this.channels = new Channels(data.classes);
    this.scg = new Scg(data.host, preset.scg);
  }

  /** At its start. @throws SeedMaskError 'bad-model', 'bad-settings' */
  static async open(data: TrainingData, preset: Preset, section: NetworkPreset, previous: readonly { state: TrainingState }[]): Promise<NetworkStage> {
    const model = await NetworkModel.open(data, partsOf(section));
    const seed = seedOf(preset);
    const side = cropSide(section.augmentation, model.multiple);
    const grid = labelGrid(side, section.labelStride);
    const batches = new ImageBatches(data, { ...section.augmentation, crop: side, batch: section.batch, seed, colour: model.padding });
    const start = await model.start(seed, startingNumbers(data, model.shape, section.classifier, previous));
    const { cam, segmentation, classification, mixed } = section.weights;
    const lossWeights = { cam, segmentation, classification, mixed, mixedClassification: section.mixedClassification };
    const precision = await precisionOn(data.host, section.precision);
    const training = new ImageTraining<NetworkStep>(data.host, start, { ...section, precision }, section.epochs * batches.stepsPerEpoch, step => async items => {
      const photos = step === 'edgePredict' || step === 'classMix' ? 2 * items : items;
      const { network, bytes } = await model.graph(photos, side, side, { dropping: true });
      const loss = networkLoss(network, bytes, step, { items, side, grid }, lossWeights, section.recursion);
      stage.drops.set(step, network.drops);
      return { g: network.g, loss, parameters: network.parameters };
    }, message => data.log(message));
    const stage = new NetworkStage(data, preset, section, model, batches, side, grid, training);
    return stage;
  }

  get state(): TrainingState {
    return this.training.state;
  }

  set state(state: TrainingState) {
    this.training.state = state;
  }

  get rate(): number {
    return this.training.rate;
  }

  /** Targets are made anew with every step. */
  async beginEpoch(): Promise<void> {
    return Promise.resolve();
  }

  async step(epoch: number, step: number): Promise<Losses> {
    const { section, data } = this;
    const crops = await this.batches.take(epoch, step);
    const mixes = section.mix !== 'none' && epoch >= section.mixFrom && crops.length > 1;
    const lessons = epoch >= section.recurseFrom || mixes ? await this.recursive(crops, mixes && section.mix === 'edgePredict') : await this.plain(crops);
    data.signal.throwIfAborted();
    const random = stepChance(seedOf(this.preset), epoch, step, 'mix');
    const mixed = !mixes ? [] : section.mix === 'edgePredict' ? edgePredictMix(lessons, random, section.mixedTags) : classMix(lessons, await this.teachers(crops), random, section.confident);
    const kind = this.kindOf(epoch, mixes, lessons);
    return this.training.step(kind, this.feeds(kind, lessons, mixed, stepChance(seedOf(this.preset), epoch, step, 'drop')));
  }

  tagging(): Promise<Record<string, number>> {
    return taggingOf(this.data, this.section.augmentation, this.side, this.model.padding, this.channels, async images => (await this.look(images, ['cams'])).flatMap(({ cams }) => cams ?? []));
  }

  scorer(): Promise<PhotoScorer> {
    return networkScorer(this.data, partsOf(this.section), this.section.prediction, { from: 'logits' }, this.state);
  }

  async release(): Promise<void> {
    await this.training.release();
    for (const viewer of this.viewers.values()) await viewer.release();
    this.viewers.clear();
    await this.scg.release();
  }

  private kindOf(epoch: number, mixes: boolean, lessons: readonly Lesson[]): NetworkStep {
    if (mixes) return this.section.mix === 'classMix' ? 'classMix' : 'edgePredict';
    if (epoch >= this.section.recurseFrom) return 'recursive';
    return lessons.some(({ certain }) => certain) ? 'certain' : 'tags';
  }

  private async plain(crops: readonly Crop[]): Promise<Lesson[]> {
    return Promise.all(crops.map(async crop => plainLesson(crop, this.channels.of(crop.photo), await certainOf(this.data, crop, this.channels, this.grid), this.grid)));
  }

  private async recursive(crops: readonly Crop[], edges: boolean): Promise<Lesson[]> {
    const views = await this.look(crops.map(({ image }) => image), edges ? ['cams', 'deep', 'logits'] : ['cams', 'deep']);
    const { pamr } = this.preset;
    const options = { grid: this.grid, pamr, filter: this.section.certainFilter };
    const lessons: Lesson[] = [];
    for (const [i, crop] of crops.entries()) {
      const certain = await certainOf(this.data, crop, this.channels, this.grid);
      lessons.push(await recursiveLesson(crop, views[i], this.channels.of(crop.photo), certain, this.scg, options, edges));
    }
    return lessons;
  }

  /** Probabilities of the moving average (of the network itself, where there is none) on the labels' grid. */
  private async teachers(crops: readonly Crop[]) {
    const views = await this.look(crops.map(({ image }) => image), ['logits'], true);
    return views.flatMap(({ logits }) => (logits ? [resizeBilinear(softmax(logits), this.grid, this.grid)] : []));
  }

  private async look(images: readonly Crop['image'][], wanted: readonly (keyof NetworkView)[], average = false): Promise<NetworkView[]> {
    const key = wanted.join();
    const viewer = this.viewers.get(key) ?? this.model.viewer(this.data.host, this.side, this.side, wanted);
    this.viewers.set(key, viewer);
    return viewer.look(images, weightsOf(this.state, await this.model.parameters(), average));
  }

  private feeds(kind: NetworkStep, lessons: readonly Lesson[], mixed: readonly MixedLesson[], random: () => number) {
    const taught = lessons.map(({ crop, ...lesson }): Taught => ({ ...lesson, image: crop.image, weight: 1 }));
    const deep = this.model.file.spec.outputs.find(({ role }) => role === 'deep') ?? this.model.file.spec.outputs[0];
    const cells = this.side / deep.stride;
    const sizes = { classes: this.data.classes.length, height: cells, width: cells };
    let masks: DropMasks | undefined;
    return (from: number, to: number) => {
      // What is dropped is known once the graph has been built, which is before it is fed.
      masks ??= new DropMasks(this.drops.get(kind) ?? [], lessons.length, mixed.length > 0 ? 2 : 1, random);
      return {
        ...lessonFeeds(taught.slice(from, to), sizes),
        ...(mixed.length > 0 && lessonFeeds(mixed.slice(from, to), sizes, 'mixed.')),
        ...masks.feeds(from, to),
      };
    };
  }
}

export const networkKind: StageKind<NetworkPreset> = {
  open: (data, preset, section, previous) => NetworkStage.open(data, preset, section, previous),
  scorer: (data, _preset, section, stages) => networkScorer(data, partsOf(section), section.prediction, { from: 'logits' }, stateOf('network', stages)),
  exported: (data, _preset, section, stages) => networkExport(data, partsOf(section), section.prediction.longSide, stateOf('network', stages)),
};
