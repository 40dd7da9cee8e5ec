/**
 * The steps of a network that learns on images: one state, and a training graph for each kind of step (classification alone, with recursive targets, with mixes, …),
 * opened when the first step of its kind comes. A graph holds the weights it needs and no others, so that what a kind of step does not use is not touched, not even by
 * weight decay. At most two graphs are open.
 */
import { BatchTrainer, type LossGraph } from '../../../../models/batchTrainer';
import { LOSS_SCALE, SCALING } from '../../../../models/lossScaling';
import { inMixedPrecision } from '../../../../models/mixedPrecision';
import { isPretrained, stateOf, type NetworkStart } from '../../../../models/networks/imageNetwork';
import type { OptimiserOptions } from '../../../../models/optimisers';
import { polyRate } from '../../../../models/schedules';
import { startState, type TrainingState } from '../../../../models/trainer';
import type { GraphHost, Tensor } from '../../../shared/graph';
import type { Losses } from '../trainingStage';

/** Of a preset's section. */
export interface ImageTrainingNumbers {
  epochs: number;
  batch: number;
  rate: number;
  weightDecay: number;
  newRate: number;
  momentum: number;
  power: number;
  clipNorm: number | null;
  average: { most: number; over: number } | null;
  precision: 'float32' | 'mixed';
}

export type Feeds = (from: number, to: number) => Readonly<Record<string, Tensor>>;

const MOST_OPEN = 2;

export class ImageTraining<Kind extends string> {
  private readonly open = new Map<Kind, BatchTrainer>();
  private readonly optimiser: OptimiserOptions;
  private current: TrainingState;

  /**
   * @param steps of the whole stage
   * @param lossGraph the loss of a kind of step: a mean over its items
   */
  constructor(
    private readonly host: GraphHost,
    start: NetworkStart,
    private readonly numbers: ImageTrainingNumbers,
    private readonly steps: number,
    private readonly lossGraph: (kind: Kind) => LossGraph,
    private readonly log: (message: string) => void,
  ) {
    const { momentum, weightDecay, clipNorm, average, newRate, precision } = numbers;
    this.optimiser = {
      kind: 'sgd', momentum, weightDecay,
      ...(clipNorm !== null && { clipNorm }),
      ...(average && { ema: average }),
      ...(host.device === 'webgpu' && { maxPool: 'masks' }),
      ...(precision === 'mixed' && { lossScale: LOSS_SCALE }),
      groups: name => (isPretrained(name) ? {} : { rate: newRate }),
    };
    this.current = startState(stateOf(start.parameters, this.optimiser), start.numbers);
  }

  get state(): TrainingState {
    return this.current;
  }

  set state(state: TrainingState) {
    // What comes from a device in single precision has no scale of the loss: it begins anew.
    const { [SCALING]: scaling } = this.current.tensors;
    this.current = scaling && !(SCALING in state.tensors) ? { ...state, tensors: { ...state.tensors, [SCALING]: scaling } } : state;
  }

  /** Of the backbone, at the last step. */
  get rate(): number {
    return this.rateAt(Math.max(0, this.current.steps - 1));
  }

  /** @throws SeedMaskError 'numeric', 'out-of-memory': the state is then that of the step before. */
  async step(kind: Kind, feeds: Feeds): Promise<Losses> {
    const trainer = await this.trainer(kind);
    // What another kind of step may have changed since.
    const known = trainer.state.tensors;
    trainer.state = { steps: this.current.steps, tensors: Object.fromEntries(Object.keys(known).map(name => [name, this.current.tensors[name]])) };
    const total = await trainer.step(feeds, this.rateAt(this.current.steps));
    this.current = { steps: trainer.state.steps, tensors: { ...this.current.tensors, ...trainer.state.tensors } };
    return { ...trainer.losses, total };
  }

  async release(): Promise<void> {
    const trainers = [...this.open.values()];
    this.open.clear();
    for (const trainer of trainers) await trainer.release();
  }

  private rateAt(step: number): number {
    return polyRate(this.numbers.rate, step, this.steps, this.numbers.power);
  }

  private async trainer(kind: Kind): Promise<BatchTrainer> {
    const known = this.open.get(kind);
    if (known) return known;
    for (const [oldest, trainer] of [...this.open].slice(0, Math.max(0, this.open.size + 1 - MOST_OPEN))) {
      this.open.delete(oldest);
      await trainer.release();
    }
    const { batch } = this.numbers;
    const lossGraph = this.lossGraph(kind);
    const trainer = await BatchTrainer.open(this.host, this.numbers.precision === 'mixed' ? async items => inMixedPrecision(await lossGraph(items)) : lossGraph, Object.fromEntries(Object.entries(this.current.tensors).map(([name, { data }]) => [name, data])), {
      batch,
      optimiser: this.optimiser,
      onShrink: items => this.log(`the device ran out of memory: batches of ${batch} are learnt from in parts of ${items}`),
    });
    this.open.set(kind, trainer);
    return trainer;
  }
}
