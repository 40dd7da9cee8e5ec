/**
 * What a light decoder says of a photo: probabilities of the background and the photo's tags, by all members together (or, of photos that were dealt into folds, by those
 * that did not learn from them), and class activation maps where it has a classifier.
 */
import { decoderGraph, decoderParameters, type LightDecoderShape } from '../../../../models/networks/lightDecoder';
import { restrictionTo } from '../../../../models/losses';
import type { DecoderPreset } from '../../../../models/trainingPreset';
import type { TrainingState } from '../../../../models/trainer';
import { CAM_NORMALISATIONS } from '../../../pipeline/cam';
import { fromFloat16 } from '../../../shared/float16';
import { floats, type GraphHost, type GraphRunner, type Tensor } from '../../../shared/graph';
import { zeroMaps, type Maps } from '../../../shared/maps';
import type { PhotoScorer, ScoredPhoto, ScoringData } from '../trainingStage';
import { CellReader, splitState, type CellVectors, type Judgement } from './decoderInputs';

/** Cells of one run. */
const BLOCK = 432;

export interface CellScores {
  /** (1 + ids.length) x height x width. */
  probabilities: Maps;
  /** ids.length x height x width, raw: of the classifier, where there is one. */
  maps?: Maps;
}

/** The decoder without what it learns with. One photo at a time. */
export class CellScorer {
  private runner: GraphRunner | undefined;

  constructor(
    private readonly host: GraphHost,
    private readonly shape: LightDecoderShape,
    private readonly folds: number,
    /** Class ids by channel, after the background. */
    private readonly classes: readonly { id: number }[],
  ) {}

  /**
   * @param tensors a network's; moving averages count before the parameters themselves
   * @param fold of the photo: members that learnt from it are not heard, as long as another one knows its classes
   */
  async scores(tensors: TrainingState['tensors'], cells: CellVectors, ids: readonly number[], judgement: Judgement, fold?: number): Promise<CellScores> {
    const { height, width } = cells;
    const { inputs, classes, members, activation } = this.shape;
    const size = height * width;
    const channels = [0, ...ids.map(id => this.classes.findIndex(known => known.id === id) + 1)];
    const known = channels.filter((channel, i) => i === 0 || channel > 0);
    this.runner ??= await this.host.open(decoderGraph(this.shape, BLOCK));
    const fixed: Record<string, Tensor> = {
      ...Object.fromEntries(decoderParameters(this.shape).map(([name]) => [name, tensors[`${name}.ema`] ?? tensors[name]])),
      restriction: { dims: [1, 1, classes], data: restrictionTo(known, classes).map((value, c) => value + judgement.offsets[c]) },
      voices: { dims: [members, 1, 1], data: this.voices(known, judgement.known, fold) },
    };
    const probabilities = zeroMaps(channels.length, height, width);
    const maps = activation ? zeroMaps(ids.length, height, width) : undefined;
    for (let from = 0; from < size; from += BLOCK) {
      const count = Math.min(BLOCK, size - from);
      const block = new Float32Array(BLOCK * inputs);
      block.set(fromFloat16(cells.halves.subarray(from * inputs, (from + count) * inputs)));
      const out = await this.runner.run({ ...fixed, cells: { dims: [BLOCK, inputs], data: block } });
      const copy = (target: Maps, name: string, columns: readonly number[], row: number): void => {
        const { data } = floats(out, name);
        // A class that the decoder never saw (its channel would be -1) has no chance.
        columns.forEach((column, c) => {
          if (column >= 0) for (let i = 0; i < count; i++) target.data[c * size + from + i] = data[i * row + column];
        });
      };
      copy(probabilities, 'probabilities', channels.map((channel, i) => (i > 0 && channel === 0 ? -1 : channel)), classes);
      if (maps) copy(maps, 'maps', channels.slice(1).map(channel => channel - 1), classes - 1);
    }
    return { probabilities, ...(maps && { maps }) };
  }

  async release(): Promise<void> {
    await this.runner?.release();
    this.runner = undefined;
  }

  private voices(channels: readonly number[], known: Float32Array, fold: number | undefined): Float32Array {
    const { members, classes } = this.shape;
    const heard = Array.from({ length: members }, (_, member) =>
      this.folds === 1 || fold === undefined || (member % this.folds === fold && channels.every(channel => known[member * classes + channel] > 0)));
    const count = heard.filter(Boolean).length;
    return Float32Array.from(heard, own => (count === 0 ? 1 / members : own ? 1 / count : 0));
  }
}

/** The part of the photos that one belongs to, by its contents: the same in training and afterwards. */
export function foldOf(sha256: string, folds: number): number {
  return folds === 1 ? 0 : parseInt(sha256.slice(0, 8), 16) % folds;
}

/** A classifier's raw maps in [0, 1], as its loss reads them, each as high as 1. */
export function activationMaps(maps: Maps, { loss }: Pick<NonNullable<DecoderPreset['recursion']>, 'loss'>): Maps {
  return CAM_NORMALISATIONS.cam([loss === 'l1' ? maps : { ...maps, data: maps.data.map(value => 1 / (1 + Math.exp(-value))) }]);
}

/** Shape of the network whose numbers these are. */
export function shapeOf({ members, hidden, recursion }: DecoderPreset, inputs: number, classes: number): LightDecoderShape {
  return { members, hidden, inputs, classes: classes + 1, activation: recursion !== null };
}

/** A scorer of what a training learnt. */
export function decoderScorer({ host, classes }: Pick<ScoringData, 'host' | 'classes'>, section: DecoderPreset, { tensors }: TrainingState): PhotoScorer {
  const { space, network, judgement } = splitState(tensors);
  const reader = new CellReader(host, section.inputs, section.grid, space);
  const scorer = new CellScorer(host, shapeOf(section, reader.inputs, classes.length), section.folds, classes);
  const judged = async ({ image, features, ids, sha256 }: ScoredPhoto): Promise<CellScores> =>
    scorer.scores(network, await reader.read(features, () => Promise.resolve(image)), ids, judgement, sha256 === undefined ? undefined : foldOf(sha256, section.folds));
  return {
    scores: async photo => (await judged(photo)).probabilities,
    async layers(photo) {
      const { recursion } = section;
      if (!recursion) return undefined;
      const { maps } = await judged(photo);
      return maps && [{ scores: [activationMaps(maps, recursion)], has: photo.ids.map(id => classes.some(known => known.id === id)) }];
    },
    async release() {
      await reader.release();
      await scorer.release();
    },
  };
}
