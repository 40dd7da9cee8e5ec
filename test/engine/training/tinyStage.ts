/** A stage of a training that is small and still has all that makes resuming hard: moments, an average, chance in each step, targets that an epoch takes from what was learnt until then. */
import { GraphBuilder } from '../../../models/graph/builder';
import { trainingGraph } from '../../../models/optimisers';
import { mixSeed, normal, uniform } from '../../../models/random';
import { Trainer, type TrainingState } from '../../../models/trainer';
import { CheckpointStore, type Checkpoint } from '../../../src/engine/training/checkpoint';
import { runStage, type LoopOptions } from '../../../src/engine/training/trainingLoop';
import type { Losses, TrainingStage } from '../../../src/engine/training/trainingStage';
import { Progress } from '../../../src/engine/progress';
import type { TrainingMetrics } from '../../../src/shared/training';
import { cpuHost } from '../../cpuHost';

const [ITEMS, INPUTS, OUTPUTS] = [8, 6, 3];

export class TinyStage implements TrainingStage {
  readonly name = 'decoder';
  rate = 0;
  /** What was asked for, in order: 'epoch 2', '2/0', … */
  readonly calls: string[] = [];
  /** Puts another loss in the place of a step's. */
  spoil?: (step: number, loss: number) => number;
  /** Photos whose targets an epoch tells of. */
  readonly slowEpochs: Record<number, number> = {};
  /** Run before each step. */
  before?: (epoch: number, step: number) => void;
  private targets = new Float32Array();

  private constructor(
    private readonly trainer: Trainer,
    readonly epochs: number,
    readonly stepsPerEpoch: number,
  ) {}

  static async open(epochs = 3, stepsPerEpoch = 7): Promise<TinyStage> {
    const g = new GraphBuilder();
    const w = g.input('w', [INPUTS, OUTPUTS]);
    const b = g.input('b', [OUTPUTS]);
    const away = g.sub(g.gemm(g.input('x', [ITEMS, INPUTS]), w, b), g.input('y', [ITEMS, OUTPUTS]));
    const graph = trainingGraph(g, g.mean(g.mul(away, away), [0, 1], false), [w, b], { kind: 'adamw', weightDecay: 0.01, ema: 0.9 });
    const random = uniform(5);
    const start = { w: Float32Array.from({ length: INPUTS * OUTPUTS }, () => normal(random)), b: new Float32Array(OUTPUTS) };
    return new TinyStage(await Trainer.open(cpuHost(), graph, start), epochs, stepsPerEpoch);
  }

  get state(): TrainingState {
    return this.trainer.state;
  }

  set state(state: TrainingState) {
    this.trainer.state = state;
  }

  /** Half of what the averaged network says on this epoch's inputs: "recursive" targets. */
  beginEpoch(epoch: number, tell?: (photos: number) => void): Promise<void> {
    for (let photo = 0; photo < (this.slowEpochs[epoch] ?? 0); photo++) tell?.(this.slowEpochs[epoch]);
    this.calls.push(`epoch ${epoch}`);
    const average = this.trainer.parameter('w.ema');
    this.targets = average.map((value, i) => value / 2 + Math.sin(i + epoch));
    return Promise.resolve();
  }

  async step(epoch: number, step: number): Promise<Losses> {
    this.calls.push(`${epoch}/${step}`);
    this.before?.(epoch, step);
    const random = uniform(mixSeed(3, epoch, step));
    const x = Float32Array.from({ length: ITEMS * INPUTS }, () => normal(random));
    const y = new Float32Array(ITEMS * OUTPUTS);
    for (let i = 0; i < ITEMS; i++) for (let o = 0; o < OUTPUTS; o++) for (let k = 0; k < INPUTS; k++) y[i * OUTPUTS + o] += x[i * INPUTS + k] * this.targets[k * OUTPUTS + o];
    this.rate = 0.05 / epoch;
    const loss = await this.trainer.step({ x: { dims: [ITEMS, INPUTS], data: x }, y: { dims: [ITEMS, OUTPUTS], data: y } }, this.rate);
    return { total: this.spoil?.((epoch - 1) * this.stepsPerEpoch + step, loss) ?? loss };
  }

  tagging(): Promise<Record<string, number>> {
    return Promise.resolve({ cat: 0.5 });
  }

  scorer(): Promise<never> {
    return Promise.reject(new Error('scores nothing'));
  }

  release(): Promise<void> {
    return this.trainer.release();
  }
}

export interface Outcome {
  losses: Map<string, number>;
  metrics: TrainingMetrics[];
  epochs: number[];
}

/** Drives a stage by the loop; notes each step's loss in `outcome`, also when it ends early. */
export function drive(stage: TinyStage, store: CheckpointStore, outcome: Outcome, more: Partial<LoopOptions> & { from?: Checkpoint } = {}): Promise<TrainingState> {
  const step = stage.step.bind(stage);
  stage.step = async (epoch, index) => {
    const losses = await step(epoch, index);
    outcome.losses.set(`${epoch}/${index}`, losses.total);
    return losses;
  };
  return runStage(stage, {
    index: 0, store, checkpointEvery: 3, data: 'the same', progress: new Progress(() => undefined), signal: new AbortController().signal, seconds: () => 1, assertHeld: () => Promise.resolve(),
    onMetrics: metrics => Promise.resolve(void outcome.metrics.push(metrics)),
    onEpoch: epoch => Promise.resolve(void outcome.epochs.push(epoch)),
    ...more,
  });
}

export const nothing = (): Outcome => ({ losses: new Map(), metrics: [], epochs: [] });
