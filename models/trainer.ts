/**
 * Drives a training graph: keeps its state between runs, counts steps, and notices when the loss stops being a number. The returned
 * tensors of one run are the inputs of the next (the runtime takes CPU tensors without copying them).
 */
import { SeedMaskError } from '../src/shared/errors';
import { floats, type GraphHost, type GraphRunner, type Tensor } from '../src/shared/graph';
import { product, type Shape } from './graph/value';
import { SCALING, stepsLeftOut } from './lossScaling';
import { adamCorrection, emaDecay, type OptimiserOptions, type StateTensor, type TrainingGraph } from './optimisers';

/** Everything a training can go on from. */
export interface TrainingState {
  /** Steps that were made. */
  steps: number;
  /** Parameters, their averages and moments by name. */
  tensors: Readonly<Record<string, { dims: Shape; data: Float32Array }>>;
}

/** The state before the first step. @throws Error if a parameter is missing or has another size. */
export function startState(state: readonly StateTensor[], parameters: Readonly<Record<string, Float32Array>>): TrainingState {
  const tensors = state.map(({ name, shape, start }): [string, { dims: Shape; data: Float32Array }] => {
    const data = startNumbers(name, shape, start, parameters);
    if (!data || data.length !== product(shape)) throw new Error(`parameter '${name}' needs ${product(shape)} numbers to start from`);
    return [name, { dims: shape, data }];
  });
  return { steps: 0, tensors: Object.fromEntries(tensors) };
}

function startNumbers(name: string, shape: Shape, start: StateTensor['start'], parameters: Readonly<Record<string, Float32Array>>): Float32Array | undefined {
  if (start === 'zero') return new Float32Array(product(shape));
  if (start === 'given') return parameters[name]?.slice();
  return 'numbers' in start ? Float32Array.from(start.numbers) : parameters[start.like]?.slice();
}

/** The inputs of an update at step `step` (from 1) besides state and gradients. */
export function schedule(optimiser: OptimiserOptions, step: number, rate: number): Record<string, Tensor> {
  return {
    rate: { dims: [], data: Float32Array.of(rate) },
    ...(optimiser.kind === 'adamw' && { correction: { dims: [2], data: adamCorrection(optimiser, step) } }),
    ...(typeof optimiser.ema === 'object' && { 'ema.decay': { dims: [], data: Float32Array.of(emaDecay(optimiser.ema, step)) } }),
  };
}

/** The next state, from the outputs of an update. */
export function nextState(state: readonly StateTensor[], steps: number, results: Record<string, Tensor>): TrainingState {
  return { steps, tensors: Object.fromEntries(state.map(({ name, shape }) => [name, { dims: shape, data: floats(results, `${name}.next`).data }])) };
}

/** Steps that a loss in mixed precision had to leave out: the update does not count them. @throws SeedMaskError 'numeric' */
export function leftOut({ tensors }: TrainingState): number {
  const scaling = tensors[SCALING];
  return scaling ? stepsLeftOut(scaling.data) : 0;
}

/** @throws SeedMaskError 'numeric' */
export function checkLoss(loss: number, steps: number): number {
  if (!Number.isFinite(loss)) throw new SeedMaskError('numeric', `the training loss is not a number after ${steps} steps`);
  return loss;
}

const NAMED_LOSS = 'loss.';

/** What a training graph tells besides its loss: its one-number outputs `loss.<name>`, by name. */
export function namedLosses(results: Record<string, Tensor>): Record<string, number> {
  return Object.fromEntries(Object.keys(results).flatMap(key => (key.startsWith(NAMED_LOSS) ? [[key.slice(NAMED_LOSS.length), floats(results, key).data[0]]] : [])));
}

export class Trainer {
  /** The parts of the loss before the last step, by name. */
  losses: Readonly<Record<string, number>> = {};

  private constructor(
    private readonly runner: GraphRunner,
    private readonly graph: TrainingGraph,
    private current: TrainingState,
  ) {}

  /** @param start of every parameter, by name; or where an earlier training was. */
  static async open(host: GraphHost, graph: TrainingGraph, start: Readonly<Record<string, Float32Array>> | TrainingState): Promise<Trainer> {
    const state = isTrainingState(start) ? start : startState(graph.state, start);
    return new Trainer(await host.open(graph.model), graph, state);
  }

  /** Where the training is; never written to afterwards. */
  get state(): TrainingState {
    return this.current;
  }

  /** Goes on from there: an earlier state of this graph. */
  set state(state: TrainingState) {
    this.current = state;
  }

  /**
   * One step on one batch; gives the loss before the step.
   * @throws SeedMaskError 'numeric' if the loss is not finite, 'out-of-memory'; the state is then that of the step before.
   */
  async step(batch: Readonly<Record<string, Tensor>>, rate: number): Promise<number> {
    const { optimiser, state } = this.graph;
    const steps = this.current.steps + 1;
    const results = await this.runner.run({ ...batch, ...this.current.tensors, ...schedule(optimiser, steps - leftOut(this.current), rate) });
    const loss = checkLoss(floats(results, 'loss').data[0], steps);
    this.losses = namedLosses(results);
    this.current = nextState(state, steps, results);
    return loss;
  }

  /** The numbers of a parameter (`w`), or of its average (`w.ema`), now. */
  parameter(name: string): Float32Array {
    const tensor = this.current.tensors[name];
    if (!tensor) throw new Error(`no parameter '${name}'`);
    return tensor.data;
  }

  release(): Promise<void> {
    return this.runner.release();
  }
}

export function isTrainingState(start: object): start is TrainingState {
  return 'steps' in start && 'tensors' in start;
}
