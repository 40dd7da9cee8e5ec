/**
 * Training steps that fit the device: a batch that runs out of memory is run in parts whose gradients are added up before one update, so the step stays what it was
 * (but for rounding), and the size that worked is kept. The loss must be a mean over the batch's items, or the parts' mean is another number; statistics of batch
 * normalisation are those of a part.
 */
import { SeedMaskError } from '../src/shared/errors';
import { floats, type GraphHost, type GraphRunner, type Tensor } from '../src/shared/graph';
import type { GraphBuilder } from './graph/builder';
import type { Value } from './graph/value';
import { SCALING } from './lossScaling';
import { FINITE, gradientGraph, trainingGraph, updateGraph, type OptimiserOptions, type TrainingGraph } from './optimisers';
import { checkLoss, isTrainingState, leftOut, namedLosses, nextState, schedule, startState, Trainer, type TrainingState } from './trainer';

interface Loss {
  g: GraphBuilder;
  loss: Value;
  parameters: readonly Value[];
}

/** The loss graph of `items` items: a mean over them. */
export type LossGraph = (items: number) => Loss | Promise<Loss>;

export interface BatchTrainerOptions {
  /** Items of a step. */
  batch: number;
  optimiser: OptimiserOptions;
  /** Told the number of items that are run at once from now on. */
  onShrink?(items: number): void;
}

interface Parts {
  items: number;
  gradients: GraphRunner;
  update: GraphRunner;
  graph: TrainingGraph;
  parameters: readonly string[];
}

export class BatchTrainer {
  /** The parts of the loss before the last step, by name (see `namedLosses`). */
  losses: Readonly<Record<string, number>> = {};
  private whole: Trainer | undefined;
  private parts: Parts | undefined;

  private constructor(
    private readonly host: GraphHost,
    private readonly lossGraph: LossGraph,
    private readonly options: BatchTrainerOptions,
    private current: TrainingState,
  ) {}

  /** @param start of every parameter, by name; or where an earlier training was. */
  static async open(host: GraphHost, lossGraph: LossGraph, start: Readonly<Record<string, Float32Array>> | TrainingState, options: BatchTrainerOptions): Promise<BatchTrainer> {
    const { g, loss, parameters } = await lossGraph(options.batch);
    const graph = trainingGraph(g, loss, parameters, options.optimiser);
    const state = isTrainingState(start) ? start : startState(graph.state, start);
    const trainer = new BatchTrainer(host, lossGraph, options, state);
    trainer.whole = await Trainer.open(host, graph, state);
    return trainer;
  }

  get state(): TrainingState {
    return this.current;
  }

  /** Goes on from there: an earlier state of this graph. */
  set state(state: TrainingState) {
    this.current = state;
    if (this.whole) this.whole.state = state;
  }

  /** Items that are run at once. */
  get items(): number {
    return this.parts?.items ?? this.options.batch;
  }

  /**
   * One step; gives the loss before it.
   * @param feeds the batch's items from `from` to before `to`
   * @throws SeedMaskError 'numeric'; 'out-of-memory' when even one item does not fit. The state is then that of the step before.
   */
  async step(feeds: (from: number, to: number) => Readonly<Record<string, Tensor>>, rate: number): Promise<number> {
    for (;;) {
      try {
        return await (this.parts ? this.stepInParts(this.parts, feeds, rate) : this.stepWhole(feeds, rate));
      } catch (error) {
        if (!(error instanceof SeedMaskError && error.reason === 'out-of-memory') || this.items === 1) throw error;
        await this.shrink(Math.ceil(this.items / 2));
      }
    }
  }

  async release(): Promise<void> {
    await this.whole?.release();
    await this.parts?.gradients.release();
    await this.parts?.update.release();
    this.whole = undefined;
    this.parts = undefined;
  }

  private async stepWhole(feeds: (from: number, to: number) => Readonly<Record<string, Tensor>>, rate: number): Promise<number> {
    if (!this.whole) throw new Error('the training was released');
    const loss = await this.whole.step(feeds(0, this.options.batch), rate);
    this.current = this.whole.state;
    this.losses = this.whole.losses;
    return loss;
  }

  private async stepInParts({ items, gradients, update, graph, parameters }: Parts, feeds: (from: number, to: number) => Readonly<Record<string, Tensor>>, rate: number): Promise<number> {
    const { batch, optimiser } = this.options;
    const steps = this.current.steps + 1;
    const given = optimiser.lossScale ? [...parameters, SCALING] : parameters;
    const weights = Object.fromEntries(given.map(name => [name, this.current.tensors[name]]));
    const sums: Record<string, Tensor & { data: Float32Array }> = {};
    const named: Record<string, number> = {};
    let loss = 0;
    let finite = 1;
    for (let from = 0; from < batch; from += items) {
      const results = await gradients.run({ ...feeds(from, from + items), ...weights });
      loss += (floats(results, 'loss').data[0] * items) / batch;
      if (optimiser.lossScale) finite = Math.min(finite, floats(results, FINITE).data[0]);
      for (const [name, value] of Object.entries(namedLosses(results))) named[name] = (named[name] ?? 0) + (value * items) / batch;
      for (const name of parameters) {
        const key = `${name}.gradient`;
        const { data, dims } = floats(results, key);
        const sum = (sums[key] ??= { dims, data: new Float32Array(data.length) });
        for (let i = 0; i < data.length; i++) sum.data[i] += (data[i] * items) / batch;
      }
    }
    this.losses = named;
    checkLoss(loss, steps);
    this.current = nextState(graph.state, steps, await update.run({ ...sums, ...(optimiser.lossScale && { [FINITE]: { dims: [], data: Float32Array.of(finite) } }), ...this.current.tensors, ...schedule(optimiser, steps - leftOut(this.current), rate) }));
    return loss;
  }

  private async shrink(most: number): Promise<void> {
    const { batch, optimiser, onShrink } = this.options;
    // A graph has one size: all parts must have it.
    let items = most;
    while (batch % items !== 0) items--;
    await this.release();
    const { g, loss, parameters } = await this.lossGraph(items);
    const named = parameters.map(({ name, shape }) => ({ name, shape }));
    const graph = updateGraph(named, optimiser);
    this.parts = { items, gradients: await this.host.open(gradientGraph(g, loss, parameters, optimiser)), update: await this.host.open(graph.model), graph, parameters: named.map(({ name }) => name) };
    onShrink?.(items);
  }
}
