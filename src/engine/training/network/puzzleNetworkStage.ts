/**
 * Puzzle-CAM (Jo and Yu, ICIP 2021) as it was published: the whole backbone learns, and each crop goes through it twice, whole and cut into 2 x 2 tiles, with the same
 * weights (`models/puzzle.ts` has the losses). What it learns is where `network` starts.
 */
import { precisionOn } from '../../../../models/mixedPrecision';
import { merge, puzzleAlpha, puzzleLosses, tile } from '../../../../models/puzzle';
import type { Preset } from '../../../../models/presets';
import type { TrainingState } from '../../../../models/trainer';
import type { PuzzlePreset } from '../../../../models/trainingPreset';
import { SeedMaskError } from '../../../shared/errors';
import type { StageKind } from '../stages';
import { stateOf, type Losses, type PhotoScorer, type TrainingData, type TrainingStage } from '../trainingStage';
import { Channels, cropSide, seedOf, startingNumbers } from './imageStage';
import { ImageBatches, type Crop } from './imageBatches';
import { ImageTraining } from './imageTraining';
import { NetworkModel, photoTensor, weightsOf, type NetworkParts, type NetworkViewer } from './networkModel';
import { networkScorer } from './networkScorer';
import { taggingOf } from './tagging';

const TILES = 2;

type Numbers = NonNullable<PuzzlePreset['network']>;

/** @throws SeedMaskError 'bad-settings' */
function numbersOf({ network }: PuzzlePreset): Numbers {
  if (!network) throw new SeedMaskError('bad-settings', "puzzle: 'network' needs the numbers of a training on images (puzzle.network)");
  return network;
}

const partsOf = ({ learns }: Numbers): NetworkParts => ({ learns, decoder: null, classifier: true });

export class PuzzleNetworkStage implements TrainingStage {
  readonly name = 'puzzle';
  readonly epochs: number;
  readonly stepsPerEpoch: number;
  private readonly channels: Channels;
  private readonly viewer: NetworkViewer;

  private constructor(
    private readonly data: TrainingData,
    private readonly preset: Preset,
    private readonly section: PuzzlePreset,
    private readonly model: NetworkModel,
    private readonly batches: ImageBatches,
    private readonly side: number,
    private readonly training: ImageTraining<'puzzle'>,
  ) {
    this.epochs = section.epochs;
    this.stepsPerEpoch = batches.stepsPerEpoch;
    this.channels = new Channels(data.classes);
    this.viewer = model.viewer(data.host, side, side, ['cams']);
  }

  /** At its start. @throws SeedMaskError 'bad-model', 'bad-settings' */
  static async open(data: TrainingData, preset: Preset, section: PuzzlePreset, previous: readonly { state: TrainingState }[]): Promise<PuzzleNetworkStage> {
    const numbers = numbersOf(section);
    const model = await NetworkModel.open(data, partsOf(numbers));
    const seed = seedOf(preset);
    const side = cropSide(numbers.augmentation, model.multiple, TILES);
    const batches = new ImageBatches(data, { ...numbers.augmentation, crop: side, batch: section.batch, seed, colour: model.padding });
    const start = await model.start(seed, startingNumbers(data, model.shape, numbers.classifier, previous));
    const precision = await precisionOn(data.host, numbers.precision);
    const training = new ImageTraining<'puzzle'>(data.host, start, { ...section, ...numbers, precision }, section.epochs * batches.stepsPerEpoch, () => async items => {
      const { network, bytes } = await model.graph(items, side, side);
      const { g } = network;
      const photos = g.input('photos', [items, side, side, 3], 'uint8');
      const pieces = tile(g, photos, TILES, 1);
      const whole = network.cams(network.maps(bytes, photos));
      const tiled = network.cams(network.maps(await model.file.fixed(pieces.shape[0], side / TILES, side / TILES), pieces));
      const losses = puzzleLosses(g, whole, merge(g, tiled, TILES), g.input('tags', [items, data.classes.length]), g.input('alpha', []));
      for (const name of ['classification', 'tilesClassification', 'reconstruction'] as const) g.output(`loss.${name}`, losses[name]);
      return { g, loss: losses.total, parameters: network.parameters };
    }, message => data.log(message));
    return new PuzzleNetworkStage(data, preset, section, model, batches, side, training);
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

  /** Nothing hangs on an epoch. */
  async beginEpoch(): Promise<void> {
    return Promise.resolve();
  }

  async step(epoch: number, step: number): Promise<Losses> {
    const crops = await this.batches.take(epoch, step);
    const { alpha, ramp, epochs } = this.section;
    const weight = ramp === 0 ? alpha : puzzleAlpha(this.state.steps, epochs * this.stepsPerEpoch, alpha, ramp);
    return this.training.step('puzzle', (from, to) => ({ ...this.feeds(crops.slice(from, to)), alpha: { dims: [], data: Float32Array.of(weight) } }));
  }

  async tagging(): Promise<Record<string, number>> {
    const weights = weightsOf(this.state, await this.model.parameters(), false);
    return taggingOf(this.data, numbersOf(this.section).augmentation, this.side, this.model.padding, this.channels, async images => (await this.viewer.look(images, weights)).flatMap(({ cams }) => cams ?? []));
  }

  scorer(): Promise<PhotoScorer> {
    return scorerOf(this.data, this.preset, this.section, this.state);
  }

  async release(): Promise<void> {
    await this.training.release();
    await this.viewer.release();
  }

  private feeds(crops: readonly Crop[]) {
    const classes = this.data.classes.length;
    const tags = new Float32Array(crops.length * classes);
    crops.forEach(({ photo }, i) => {
      for (const channel of this.channels.of(photo)) tags[i * classes + channel - 1] = 1;
    });
    return { photos: photoTensor(crops.map(({ image }) => image)), tags: { dims: [crops.length, classes], data: tags } };
  }
}

function scorerOf(data: Parameters<typeof networkScorer>[0], preset: Preset, section: PuzzlePreset, state: TrainingState): Promise<PhotoScorer> {
  const numbers = numbersOf(section);
  return networkScorer(data, partsOf(numbers), numbers.prediction, { from: 'cams', threshold: preset.cam.threshold }, state);
}

export const puzzleNetworkKind: StageKind<PuzzlePreset> & Required<Pick<StageKind<PuzzlePreset>, 'scorer'>> = {
  open: (data, preset, section, previous) => PuzzleNetworkStage.open(data, preset, section, previous),
  scorer: (data, preset, section, stages) => scorerOf(data, preset, section, stateOf('puzzle', stages)),
};
