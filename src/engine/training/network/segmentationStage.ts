/**
 * The final stage: DeepLabv3+ on the run's backbone learns pseudo masks (RS+EPM's multi-stage network, Puzzle-CAM's and MARS's last step). With complementing (MARS,
 * stage d) the network's moving average fills in what debiasing removed, and says how much that is worth (`src/pipeline/mars/complement.ts`).
 */
import { precisionOn } from '../../../../models/mixedPrecision';
import { pixelLoss } from '../../../../models/networks/networkLosses';
import type { Drop } from '../../../../models/networks/layers';
import type { Preset } from '../../../../models/presets';
import type { TrainingState } from '../../../../models/trainer';
import type { SegmentationPreset } from '../../../../models/trainingPreset';
import { denseCrf } from '../../../pipeline/denseCrf';
import { decided } from '../../../pipeline/hints';
import { argmaxLabels, complement } from '../../../pipeline/mars/complement';
import { resizeBilinear } from '../../../pipeline/resize';
import { IGNORE, plane, type LabelMap, type Maps } from '../../../shared/maps';
import type { EarlierStage, StageKind } from '../stages';
import { stateOf, type Losses, type PhotoScorer, type TrainingData, type TrainingStage } from '../trainingStage';
import { certainOf, Channels, cropSide, DropMasks, labelGrid, learntBefore, seedOf, stepChance } from './imageStage';
import { cropLabels, shrinkImage } from './crops';
import { ImageBatches, type Crop } from './imageBatches';
import { ImageTraining } from './imageTraining';
import { labelFeeds } from './lessonFeeds';
import { NetworkModel, photoTensor, weightsOf, type NetworkParts, type NetworkViewer } from './networkModel';
import { networkExport } from './networkExport';
import { networkScorer } from './networkScorer';
import { PseudoMasks } from './pseudoMasks';
import { pick, softmax } from './targets';

const partsOf = ({ learns, decoder }: SegmentationPreset): NetworkParts => ({ learns, decoder, classifier: false });

/** Classes whose probability is nowhere this large have no part in the teacher's CRF (DHR). */
const SEEN = 0.05;

/** Labels of a crop, and what each pixel weighs. */
interface CropTarget {
  labels: LabelMap;
  weights?: Float32Array;
}

export class SegmentationStage implements TrainingStage {
  readonly name = 'segmentation';
  readonly epochs: number;
  readonly stepsPerEpoch: number;
  private readonly channels: Channels;
  private readonly teacher: NetworkViewer;
  private drops: readonly Drop[] = [];

  private constructor(
    private readonly data: TrainingData,
    private readonly preset: Preset,
    private readonly section: SegmentationPreset,
    private readonly model: NetworkModel,
    private readonly batches: ImageBatches,
    private readonly masks: PseudoMasks,
    side: number,
    private readonly grid: number,
    private readonly training: ImageTraining<'masks'>,
  ) {
    this.epochs = section.epochs;
    this.stepsPerEpoch = batches.stepsPerEpoch;
    this.channels = new Channels(data.classes);
    this.teacher = model.viewer(data.host, side, side, ['logits']);
  }

  /** At its start. @throws SeedMaskError 'bad-model', 'bad-settings' */
  static async open(data: TrainingData, preset: Preset, section: SegmentationPreset, previous: readonly EarlierStage[]): Promise<SegmentationStage> {
    const model = await NetworkModel.open(data, partsOf(section));
    const seed = seedOf(preset);
    const side = cropSide(section.augmentation, model.multiple);
    const grid = labelGrid(side, section.labelStride);
    const batches = new ImageBatches(data, { ...section.augmentation, crop: side, batch: section.batch, seed, colour: model.padding });
    const last = section.labels === 'previous' ? [...previous].reverse().find(({ scorer }) => scorer) : undefined;
    const masks = new PseudoMasks(data, await last?.scorer?.(data));
    const start = await model.start(seed, learntBefore(previous));
    const precision = await precisionOn(data.host, section.precision);
    const training = new ImageTraining<'masks'>(data.host, start, { ...section, precision }, section.epochs * batches.stepsPerEpoch, () => async items => {
      const { network, bytes } = await model.graph(items, side, side, { dropping: true });
      const { g } = network;
      const logits = network.logits(network.maps(bytes, g.input('photos', [items, side, side, 3], 'uint8')));
      const loss = pixelLoss(g, logits, g.input('labels', [items, grid, grid], 'uint8'), g.input('labelWeights', [items, grid, grid]));
      g.output('loss.segmentation', loss);
      stage.drops = network.drops;
      return { g, loss, parameters: network.parameters };
    }, message => data.log(message));
    const stage = new SegmentationStage(data, preset, section, model, batches, masks, side, grid, training);
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

  /** Masks are made when they are first needed. */
  async beginEpoch(): Promise<void> {
    return Promise.resolve();
  }

  async step(epoch: number, step: number): Promise<Losses> {
    const crops = await this.batches.take(epoch, step);
    const targets: CropTarget[] = [];
    for (const crop of crops) {
      this.data.signal.throwIfAborted();
      targets.push(await this.target(crop));
    }
    const random = stepChance(seedOf(this.preset), epoch, step, 'drop');
    let masks: DropMasks | undefined;
    return this.training.step('masks', (from, to) => {
      masks ??= new DropMasks(this.drops, crops.length, 1, random);
      const part = targets.slice(from, to);
      const all = new Float32Array(this.grid * this.grid).fill(1);
      return {
        photos: photoTensor(crops.slice(from, to).map(({ image }) => image)),
        ...labelFeeds(part.map(({ labels }) => ({ labels, weight: 1 })), part.map(({ weights }) => weights ?? all)),
        ...masks.feeds(from, to),
      };
    });
  }

  scorer(): Promise<PhotoScorer> {
    return networkScorer(this.data, partsOf(this.section), this.section.prediction, { from: 'logits' }, this.state);
  }

  async release(): Promise<void> {
    await this.training.release();
    await this.teacher.release();
    await this.masks.release();
  }

  /** A person's word stands above the pseudo mask, with full weight. */
  private async target(crop: Crop): Promise<CropTarget> {
    const { grid, channels, section } = this;
    const { labels, removed } = await this.masks.of(crop.photo);
    const certain = await certainOf(this.data, crop, channels, grid);
    const own = channels.labels(cropLabels(labels, crop.view, grid));
    if (!removed) return { labels: decided(own, certain) };
    // In the padding nothing was removed.
    const gone = channels.labels(cropLabels(removed, crop.view, grid));
    const taken = { ...gone, data: gone.data.map(label => (label === IGNORE ? 0 : label)) };
    if (!section.complement) return { labels: decided({ ...own, data: own.data.map((label, p) => (taken.data[p] > 0 ? 0 : label)) }, certain) };
    const filled = await this.complemented(crop, own, taken, section.complement.crfIterations);
    const weights = certain ? filled.weights.data.map((weight, p) => (certain.data[p] === IGNORE ? weight : 1)) : filled.weights.data;
    return { labels: decided(filled.labels, certain), weights };
  }

  private async complemented(crop: Crop, own: LabelMap, removed: LabelMap, crfIterations: number) {
    const { grid } = this;
    const [{ logits }] = await this.teacher.look([crop.image], weightsOf(this.state, await this.model.parameters(), true));
    if (!logits) throw new Error('the teacher gives no logits');
    const probabilities = resizeBilinear(softmax(logits), grid, grid);
    return complement(own, removed, probabilities, this.sharpLabels(crop, probabilities, crfIterations), this.channels.of(crop.photo));
  }

  /** What the teacher says after its CRF, in which classes that it hardly sees have no part. */
  private sharpLabels(crop: Crop, probabilities: Maps, iterations: number): LabelMap {
    if (iterations === 0) return argmaxLabels(probabilities);
    const seen = Array.from({ length: probabilities.channels }, (_, channel) => channel).filter(channel => channel === 0 || plane(probabilities, channel).some(value => value >= SEEN));
    const sharp = argmaxLabels(denseCrf(shrinkImage(crop.image, crop.view.side / this.grid), pick(probabilities, seen), { ...this.preset.crf, iterations }));
    return { ...sharp, data: sharp.data.map(label => seen[label]) };
  }
}

export const segmentationKind: StageKind<SegmentationPreset> = {
  open: (data, preset, section, previous) => SegmentationStage.open(data, preset, section, previous),
  scorer: (data, _preset, section, stages) => networkScorer(data, partsOf(section), section.prediction, { from: 'logits' }, stateOf('segmentation', stages)),
  exported: (data, _preset, section, stages) => networkExport(data, partsOf(section), section.prediction.longSide, stateOf('segmentation', stages)),
};
