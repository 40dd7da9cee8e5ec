/**
 * Drives a training graph: keeps its state between runs, counts steps, and notices when the loss stops being a number. The returned
 * tensors of one run are the inputs of the next (the runtime takes CPU tensors without copying them).
 */
import { SeedMaskError } from '../src/shared/errors';
import { floats, type GraphHost, type GraphRunner, type Tensor } from '../src/shared/graph';
import { product } from './graph/value';
import { adamCorrection, type TrainingGraph } from './optimisers';

export class Trainer {
  private readonly state: Record<string, Tensor> = {};
  private steps = 0;

  private constructor(
    private readonly runner: GraphRunner,
    private readonly graph: TrainingGraph,
    parameters: Readonly<Record<string, Float32Array>>,
  ) {
    for (const { name, shape, parameter } of graph.state) {
      const data = parameter ? parameters[name]?.slice() : new Float32Array(product(shape));
      if (!data || data.length !== product(shape)) throw new Error(`parameter '${name}' needs ${product(shape)} numbers to start from`);
      this.state[name] = { dims: shape, data };
    }
  }

  /** @param parameters start of every parameter, by name. */
  static async open(host: GraphHost, graph: TrainingGraph, parameters: Readonly<Record<string, Float32Array>>): Promise<Trainer> {
    return new Trainer(await host.open(graph.model), graph, parameters);
  }

  /**
   * One step on one batch; gives the loss before the step.
   * @throws SeedMaskError 'numeric' if the loss is not finite; the parameters are then those of the step before.
   */
  async step(batch: Readonly<Record<string, Tensor>>, rate: number): Promise<number> {
    const { optimiser, state } = this.graph;
    this.steps++;
    const schedule: Record<string, Tensor> = { rate: { dims: [], data: Float32Array.of(rate) } };
    if (optimiser.kind === 'adamw') schedule.correction = { dims: [2], data: adamCorrection(optimiser, this.steps) };
    const results = await this.runner.run({ ...batch, ...this.state, ...schedule });
    const loss = floats(results, 'loss').data[0];
    if (!Number.isFinite(loss)) throw new SeedMaskError('numeric', `the training loss is not a number after ${this.steps} steps`);
    for (const { name } of state) this.state[name] = results[`${name}.next`];
    return loss;
  }

  /** The numbers of a parameter now. */
  parameter(name: string): Float32Array {
    return floats(this.state, name).data;
  }

  release(): Promise<void> {
    return this.runner.release();
  }
}
