/**
 * A network on the run's backbone, between its graphs and the engine: what it starts from, what it costs to open for photos of one size, and what it says of them.
 */
import type { TrainingState } from '../../../../models/trainer';
import { GraphBuilder } from '../../../../models/graph/builder';
import type { Value } from '../../../../models/graph/value';
import { frozenFeeds, NetworkGraph, networkParameters, networkStart, type GraphUse, type NetworkParameter, type NetworkShape, type NetworkStart } from '../../../../models/networks/imageNetwork';
import type { LayerWeight } from '../../../../models/networks/layers';
import type { DeeplabOptions, Learns } from '../../../../models/networkPreset';
import { SeedMaskError } from '../../../shared/errors';
import { floats, type GraphHost, type GraphRunner, type Tensor } from '../../../shared/graph';
import type { Maps, RgbImage } from '../../../shared/maps';
import type { ScoringData } from '../trainingStage';
import { BackboneFile } from './backboneFile';

/** The parts of a network that a stage has. */
export interface NetworkParts {
  learns: Learns;
  decoder: DeeplabOptions | null;
  classifier: boolean;
}

/** What a network says of one photo. */
export interface NetworkView {
  /** classes x h x w, any sign; absent without a classifier. */
  cams?: Maps;
  /** Features that the classifier sees, D x h x w. */
  deep?: Maps;
  /** (1 + classes) x h' x w', any sign; absent without a decoder. */
  logits?: Maps;
}
type Wanted = keyof NetworkView;

export class NetworkModel {
  private learnt: Promise<readonly NetworkParameter[]> | undefined;

  private constructor(
    readonly file: BackboneFile,
    readonly shape: NetworkShape,
  ) {}

  /** @throws SeedMaskError 'bad-model' */
  static async open({ model, classes }: Pick<ScoringData, 'model' | 'classes'>, parts: NetworkParts): Promise<NetworkModel> {
    const file = await BackboneFile.open(model);
    return new NetworkModel(file, { spec: file.spec, weights: file.weights, classes: classes.length, ...parts });
  }

  /** Sides of photos are multiples of this. */
  get multiple(): number {
    return this.file.spec.input.multiple;
  }

  /** The colour that becomes 0. */
  get padding(): [number, number, number] {
    const { mean, scale } = this.file.spec.input;
    const [red, green, blue] = mean.map(value => Math.min(255, Math.max(0, Math.round(value * scale))));
    return [red, green, blue];
  }

  /** A graph to build a loss in, with the file's bytes for photos of that shape. */
  async graph(photos: number, height: number, width: number, use: GraphUse = {}): Promise<{ network: NetworkGraph; bytes: Uint8Array }> {
    return { network: new NetworkGraph(new GraphBuilder('network'), this.shape, use), bytes: await this.file.fixed(photos, height, width) };
  }

  /** @param given numbers to start from by name, where there are any that fit */
  async start(seed: number, given?: (name: string) => Float32Array | undefined): Promise<NetworkStart> {
    return networkStart(this.shape, await this.newWeights(), seed, given);
  }

  /** Names and shapes of what learns. */
  parameters(): Promise<readonly NetworkParameter[]> {
    return (this.learnt ??= this.newWeights().then(layers => networkParameters(this.shape, layers)));
  }

  private async newWeights(): Promise<readonly LayerWeight[]> {
    const side = 4 * this.multiple;
    const { network, bytes } = await this.graph(1, side, side);
    const maps = network.maps(bytes, network.g.input('photos', [1, side, side, 3], 'uint8'));
    if (this.shape.classifier) network.cams(maps);
    if (this.shape.decoder) network.logits(maps);
    return network.newWeights;
  }

  /** Looks at photos of one size. */
  viewer(host: GraphHost, height: number, width: number, wanted: readonly Wanted[], allInputs = false): NetworkViewer {
    return new NetworkViewer(host, this, height, width, wanted, allInputs);
  }
}

/** A network open for photos of one size; its graphs open as batches come. */
export class NetworkViewer {
  private readonly open = new Map<number, Promise<GraphRunner>>();
  private largest = Infinity;

  constructor(
    private readonly host: GraphHost,
    private readonly model: NetworkModel,
    private readonly height: number,
    private readonly width: number,
    private readonly wanted: readonly Wanted[],
    private readonly allInputs: boolean,
  ) {}

  /**
   * @param weights by name, of a state
   * @throws SeedMaskError 'out-of-memory' if even one photo does not fit, 'numeric'
   */
  async look(images: readonly RgbImage[], weights: Readonly<Record<string, Tensor>>): Promise<NetworkView[]> {
    const views: NetworkView[] = [];
    while (views.length < images.length) {
      const part = images.slice(views.length, views.length + this.largest);
      try {
        const results = await (await this.runner(part.length)).run({ photos: photoTensor(part), ...weights, ...(this.allInputs && frozenFeeds(this.model.shape)) });
        views.push(...part.map((_, i) => Object.fromEntries(this.wanted.map(name => [name, item(results, name, i)]))));
      } catch (error) {
        if (!(error instanceof SeedMaskError && error.reason === 'out-of-memory') || part.length === 1) throw error;
        this.largest = Math.ceil(part.length / 2);
      }
    }
    return views;
  }

  async release(): Promise<void> {
    const runners = [...this.open.values()];
    this.open.clear();
    for (const runner of runners) await (await runner).release();
  }

  private runner(photos: number): Promise<GraphRunner> {
    const known = this.open.get(photos) ?? this.build(photos);
    this.open.set(photos, known);
    known.catch(() => this.open.delete(photos));
    return known;
  }

  private async build(photos: number): Promise<GraphRunner> {
    const { network, bytes } = await this.model.graph(photos, this.height, this.width, { allInputs: this.allInputs });
    const maps = network.maps(bytes, network.g.input('photos', [photos, this.height, this.width, 3], 'uint8'));
    const values: Record<Wanted, () => Value> = { cams: () => network.cams(maps), deep: () => maps.deep, logits: () => network.logits(maps) };
    for (const name of this.wanted) network.g.output(name, values[name]());
    return this.host.open(network.g.toOnnx());
  }
}

/** Bytes of photos of one size, N x H x W x 3. */
export function photoTensor(images: readonly RgbImage[]): Tensor {
  const [{ width, height }] = images;
  const data = new Uint8Array(images.length * height * width * 3);
  images.forEach((image, i) => data.set(image.data, i * height * width * 3));
  return { dims: [images.length, height, width, 3], data };
}

/** Weights of a state by the names of `parameters`: the moving averages where `average` is true and the state has them. */
export function weightsOf({ tensors }: TrainingState, parameters: readonly NetworkParameter[], average: boolean): Record<string, Tensor> {
  return Object.fromEntries(parameters.map(({ name }) => {
    const tensor = (average ? tensors[`${name}.ema`] : undefined) ?? tensors[name];
    if (!tensor) throw new SeedMaskError('bad-model', `the training has no weights '${name}': it belongs to another network`);
    return [name, tensor];
  }));
}

function item(results: Record<string, Tensor>, name: string, index: number): Maps {
  const { data, dims: [, channels, height, width] } = floats(results, name);
  const size = channels * height * width;
  return { data: data.slice(index * size, (index + 1) * size), channels, height, width };
}
