/**
 * A STEGO-type head: a short code of each cell, made from frozen features by a linear map plus a small network,
 *
 *     code(x) = W1 x + b1 + W3 relu(W2 x + b2) + b3        (W1, W3: K x D;  W2: D x D)
 *
 * the graph that trains it, and the model that it becomes. A step sees, for each photo of a batch, points of the photo itself, of a photo like it and of some chance photos:
 *
 *     L = w_self L(photo, photo) + w_near L(photo, like it) + w_far mean over chance photos of L(photo, chance)
 *
 * with `correspondence.ts`'s L, each kind with its own shift. Codes see features through channel dropout, the likeness of features does not.
 */
import * as v from 'valibot';
import { correspondenceLoss } from './correspondence';
import { ussSchema, type BackboneOutput, type UssSpec } from '../catalog';
import { GraphBuilder } from '../graph/builder';
import { serialise, type Initializer, type NodeDescription } from '../graph/serialise';
import type { Value } from '../graph/value';
import { trainingGraph, type TrainingGraph } from '../optimisers';

export interface HeadShape {
  /** D */
  channels: number;
  /** K, 64 to 90 usually. */
  codes: number;
}

/** Parameters by name, row-major: `linear` and `second` D x K, `first` D x D, with a `.bias` each. */
export type HeadParameters = Readonly<Record<string, Float32Array>>;

export interface Pull {
  weight: number;
  shift: number;
}

/** How each kind of pair counts. */
export interface Pulls {
  self: Pull;
  near: Pull;
  far: Pull;
}

export interface StepShape extends HeadShape {
  /** Photos of a step. */
  photos: number;
  /** Points of each photo. */
  points: number;
  /** Chance photos that each photo is compared with. */
  chances: number;
}

/** Names and shapes of the parameters, in the order of the graphs' inputs. */
export function parameterShapes({ channels, codes }: HeadShape): [name: string, shape: number[]][] {
  return [
    ['linear', [channels, codes]], ['linear.bias', [codes]],
    ['first', [channels, channels]], ['first.bias', [channels]],
    ['second', [channels, codes]], ['second.bias', [codes]],
  ];
}

/** Uniform in +-1/sqrt(D), as layers of PyTorch start. @param random gives numbers in 0..1 */
export function startParameters(shape: HeadShape, random: () => number): HeadParameters {
  const reach = 1 / Math.sqrt(shape.channels);
  return Object.fromEntries(parameterShapes(shape).map(([name, dims]) => [name, Float32Array.from({ length: dims.reduce((a, b) => a * b, 1) }, () => (2 * random() - 1) * reach)]));
}

/**
 * One training step. Inputs: `photo`, `near` and `far.0`, `far.1`, … (photos x points x D), `kept` (1 x 1 x D: 0 where a channel is dropped, else 1 / share kept),
 * `rate`, `correction` and the state. Adam, as in the paper.
 */
export function stegoTrainingGraph(shape: StepShape, pulls: Pulls): TrainingGraph {
  const g = new GraphBuilder('stego');
  const points = (name: string): Value => g.input(name, [shape.photos, shape.points, shape.channels]);
  const photo = points('photo');
  const near = points('near');
  const far = Array.from({ length: shape.chances }, (_, i) => points(`far.${i}`));
  const kept = g.input('kept', [1, 1, shape.channels]);
  const parameters = inputs(g, shape);
  const code = (x: Value): Value => codesOf(g, g.mul(x, kept), parameters);
  const own = code(photo);
  const pull = (other: Value, codes: Value, { weight, shift }: Pull): Value => g.mul(correspondenceLoss(g, [photo, other], [own, codes], shift), weight);
  const terms = [
    pull(photo, own, pulls.self),
    pull(near, code(near), pulls.near),
    ...far.map(other => pull(other, code(other), { ...pulls.far, weight: pulls.far.weight / far.length })),
  ];
  return trainingGraph(g, terms.reduce((sum, term) => g.add(sum, term)), parameters, { kind: 'adamw' });
}

/** What tells a head apart once it is a model. */
export interface HeadNames {
  /** As in the catalog: lower-case letters, digits, dots and dashes. */
  id: string;
  name: string;
  /** The layer of the backbone that it was learnt on. */
  role: BackboneOutput['role'];
}

/** A learnt head as a model of unsupervised features: what a person's own would be, with its description. `features` (N x D x h x w) -> `codes` (N x K x h x w), any grid. */
export function stegoModel({ channels, codes, scale, parameters }: HeadShape & { scale: number; parameters: HeadParameters }, { id, name, role }: HeadNames): { bytes: Uint8Array; description: UssSpec } {
  // Weights of a convolution of one cell: a row for each output, and loudness is theirs.
  const weights = (name: string, outputs: number, factor: number): Initializer => {
    const data = new Float32Array(outputs * channels);
    for (let c = 0; c < channels; c++) for (let k = 0; k < outputs; k++) data[k * channels + c] = parameters[name][c * outputs + k] * factor;
    return { name, dtype: 'float32', dims: [outputs, channels, 1, 1], data };
  };
  const bias = (name: string): Initializer => ({ name, dtype: 'float32', dims: [parameters[name].length], data: parameters[name] });
  const layer = (input: string, name: string, output: string): NodeDescription => ({ op: 'Conv', inputs: [input, name, `${name}.bias`], outputs: [output], attributes: { kernel_shape: [1, 1] } });
  const bytes = serialise({
    name: id,
    inputs: [{ name: 'features', dtype: 'float32', dims: ['batch', channels, 'h', 'w'] }],
    outputs: [{ name: 'codes', dtype: 'float32', dims: ['batch', codes, 'h', 'w'] }],
    initializers: [weights('linear', codes, scale), bias('linear.bias'), weights('first', channels, scale), bias('first.bias'), weights('second', codes, 1), bias('second.bias')],
    nodes: [
      layer('features', 'linear', 'straight'),
      layer('features', 'first', 'hidden'),
      { op: 'Relu', inputs: ['hidden'], outputs: ['active'], attributes: {} },
      layer('active', 'second', 'bent'),
      { op: 'Add', inputs: ['straight', 'bent'], outputs: ['codes'], attributes: {} },
    ],
  });
  const description = { kind: 'uss', id, name, from: 'features', input: { name: 'features', role, channels }, output: { name: 'codes', kind: 'map', channels: codes } };
  return { bytes, description: v.parse(ussSchema, description) };
}

function inputs(g: GraphBuilder, shape: HeadShape): Value[] {
  return parameterShapes(shape).map(([name, dims]) => g.input(name, dims));
}

/** ... x D -> ... x K */
function codesOf(g: GraphBuilder, x: Value, [linear, linearBias, first, firstBias, second, secondBias]: readonly Value[]): Value {
  const hidden = g.relu(g.add(g.matmul(x, first), firstBias));
  return g.add(g.add(g.matmul(x, linear), linearBias), g.add(g.matmul(hidden, second), secondBias));
}
