/**
 * The network that learns on images: a backbone from an ONNX file, a classifier whose maps are the class activation maps, and DeepLabv3+'s decoder. A graph may hold it
 * several times with the same weights (Puzzle-CAM's tiles). Weights that learn are inputs of the graph; the others are constants of it, or inputs, too, where many
 * graphs of different sizes are open at once and must not each keep a copy.
 */
import type { BackboneSpec } from '../catalog';
import type { GraphBuilder } from '../graph/builder';
import { product, type Shape, type Value } from '../graph/value';
import type { DeeplabOptions, Learns } from '../networkPreset';
import { updateGraph, type OptimiserOptions, type StateTensor } from '../optimisers';
import { learning, type BackboneWeight } from './backboneStages';
import { classifier, deeplab } from './deeplab';
import { importedBackbone, type BackboneMaps } from './importedBackbone';
import { Layers, startOf, type Drop, type LayerWeight } from './layers';

export interface NetworkShape {
  spec: BackboneSpec;
  weights: readonly BackboneWeight[];
  learns: Learns;
  /** Without the background. */
  classes: number;
  /** null: a classifier alone. */
  decoder: DeeplabOptions | null;
  /** false: a decoder alone. */
  classifier: boolean;
}

export interface GraphUse {
  /** Weights that do not learn are inputs as well. */
  allInputs?: boolean;
  /** Drop channels: a training step. */
  dropping?: boolean;
  /** All weights are constants, with these numbers: a file to take home. */
  constants?: (name: string) => Float32Array;
}

/** Put before the names of a backbone's weights. */
const BACKBONE = 'backbone.';

export class NetworkGraph {
  private readonly layers: Layers;
  private readonly backboneValues = new Map<string, Value>();
  private readonly known = new Map<string, Value>();

  constructor(
    readonly g: GraphBuilder,
    readonly shape: NetworkShape,
    private readonly use: GraphUse = {},
  ) {
    this.layers = new Layers(g, (name, dims) => this.newWeight(name, dims), use.dropping ?? false);
    const learns = learning(shape.weights, shape.learns);
    for (const weight of shape.weights) {
      const { name, shape: dims, data } = weight;
      if (use.constants && learns(weight)) this.backboneValues.set(name, g.constant(use.constants(BACKBONE + name), dims));
      else if (learns(weight) || (use.allInputs && data.length > 1)) this.backboneValues.set(name, g.input(BACKBONE + name, dims));
    }
  }

  /** Inputs that learn, in one order. */
  get parameters(): Value[] {
    const learns = learning(this.shape.weights, this.shape.learns);
    const backbone = this.shape.weights.filter(learns).flatMap(({ name }) => this.backboneValues.get(name) ?? []);
    return [...backbone, ...this.known.values()];
  }

  get drops(): readonly Drop[] {
    return this.layers.drops;
  }

  /** The new layers' weights that were used. */
  get newWeights(): readonly LayerWeight[] {
    return this.layers.weights;
  }

  /**
   * @param bytes the backbone's file with shapes fixed for `photos`
   * @param photos N x H x W x 3, 0..255
   */
  maps(bytes: Uint8Array, photos: Value): BackboneMaps {
    return importedBackbone(this.g, bytes, this.shape.spec, photos, this.backboneValues);
  }

  /** N x classes x h x w, any sign. */
  cams({ deep }: Pick<BackboneMaps, 'deep'>): Value {
    return classifier(this.layers, deep, this.shape.classes);
  }

  /** N x (1 + classes) x h' x w'. @throws for a network without a decoder */
  logits({ deep, low }: BackboneMaps): Value {
    const { decoder, classes } = this.shape;
    if (!decoder) throw new Error('this network has no decoder');
    return deeplab(this.layers, deep, low, 1 + classes, decoder);
  }

  private newWeight(name: string, dims: Shape): Value {
    const known = this.known.get(name);
    if (known) return known;
    const value = this.use.constants ? this.g.constant(this.use.constants(name), dims) : this.g.input(name, dims);
    this.known.set(name, value);
    return value;
  }
}

/** A weight that learns. */
export interface NetworkParameter {
  name: string;
  shape: Shape;
}

/** What there is to learn, and where it starts. */
export interface NetworkStart {
  parameters: readonly NetworkParameter[];
  /** By name. */
  numbers: Readonly<Record<string, Float32Array>>;
}

/** @param layers the new layers' weights (of a graph that has them all; a weight may be named several times) */
export function networkParameters({ weights, learns }: NetworkShape, layers: readonly LayerWeight[]): NetworkParameter[] {
  const backbone = weights.filter(learning(weights, learns)).map(({ name, shape }) => ({ name: BACKBONE + name, shape }));
  return [...backbone, ...new Map(layers.map(({ name, shape }) => [name, { name, shape }])).values()];
}

/** @param given numbers that take the place of a start by chance or of the file, by name, where their length fits */
export function networkStart(network: NetworkShape, layers: readonly LayerWeight[], seed: number, given: (name: string) => Float32Array | undefined = () => undefined): NetworkStart {
  const files = new Map(network.weights.map(({ name, data }) => [BACKBONE + name, data]));
  const fresh = new Map(layers.map(layer => [layer.name, layer]));
  const parameters = networkParameters(network, layers);
  const numbers = parameters.map(({ name, shape }): [string, Float32Array] => {
    const data = given(name);
    if (data?.length === product(shape)) return [name, data];
    const layer = fresh.get(name);
    return [name, files.get(name) ?? (layer ? startOf(layer, seed) : new Float32Array(product(shape)))];
  });
  return { parameters, numbers: Object.fromEntries(numbers) };
}

/** Feeds of the backbone's weights that are inputs though they do not learn. */
export function frozenFeeds({ weights, learns }: NetworkShape): Record<string, { dims: Shape; data: Float32Array }> {
  const learnt = learning(weights, learns);
  return Object.fromEntries(weights.filter(weight => !learnt(weight) && weight.data.length > 1).map(({ name, shape, data }) => [BACKBONE + name, { dims: shape, data }]));
}

/** Whether a weight is one of the backbone's, by its name. */
export function isPretrained(name: string): boolean {
  return name.startsWith(BACKBONE);
}

/** All that an optimiser keeps for these parameters. */
export function stateOf(parameters: readonly NetworkParameter[], optimiser: OptimiserOptions): StateTensor[] {
  return updateGraph(parameters, optimiser).state;
}
