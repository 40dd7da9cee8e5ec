/**
 * Networks of affinities on frozen features. Each layer is brought to some channels by a 1 x 1 convolution on its own grid, resized to the grid of the walk, and joined
 * with the others:
 *
 *     affinityNet   f = ELU(V [ELU(U_l F_l)]_l)                           PSA (CVPR 2018): a_ij = exp(-mean |f_i - f_j|)
 *     irnet         e = sigmoid(v [relu(GN(U_l F_l))]_l + b)              IRNet (CVPR 2019), edge branch: a_ij = 1 - max of e on the path
 *
 * GN: group normalisation, 4 groups. The first kind has no biases. As published, the features come from a network that does not learn here.
 */
import { affinityLosses, edgeAffinities, featureAffinities, type PairMasks, type Step } from './affinityNet';
import { GraphBuilder } from './graph/builder';
import { groupNorm } from './graph/normalise';
import type { Shape, Value } from './graph/value';
import { normal, uniform } from './random';

export const AFFINITY_KINDS = ['affinityNet', 'irnet'] as const;
export type AffinityKind = (typeof AFFINITY_KINDS)[number];

/** A layer that is seen, on a grid of its own. */
export interface AffinityInput {
  name: string;
  channels: number;
  /** What it is brought to; a multiple of 4 for irnet. */
  to: number;
  /** Cells along the sides. */
  height: number;
  width: number;
}

export interface AffinityShape {
  kind: AffinityKind;
  inputs: readonly AffinityInput[];
  /** Numbers of f (affinityNet). */
  features: number;
  /** Grid of the walk. */
  height: number;
  width: number;
}

const GROUPS = 4;

interface Parameter {
  name: string;
  shape: Shape;
  start: { deviation: number } | { value: number };
}

/** Names, shapes and starts (Kaiming normal; Xavier with gain 4 for the last one of affinityNet, as published). */
export function affinityParameters({ kind, inputs, features }: Pick<AffinityShape, 'kind' | 'features'> & { inputs: readonly Pick<AffinityInput, 'name' | 'channels' | 'to'>[] }): Parameter[] {
  const joined = inputs.reduce((sum, { to }) => sum + to, 0);
  const own = inputs.flatMap(({ name, channels, to }): Parameter[] => [
    { name: `${name}.weights`, shape: [to, channels, 1, 1], start: { deviation: Math.sqrt(2 / channels) } },
    ...(kind === 'irnet' ? [{ name: `${name}.scale`, shape: [to], start: { value: 1 } }, { name: `${name}.shift`, shape: [to], start: { value: 0 } }] : []),
  ]);
  if (kind === 'irnet') return [...own, { name: 'edge.weights', shape: [1, joined, 1, 1], start: { deviation: Math.sqrt(2 / joined) } }, { name: 'edge.bias', shape: [1], start: { value: 0 } }];
  return [...own, { name: 'join.weights', shape: [features, joined, 1, 1], start: { deviation: 4 * Math.sqrt(2 / (joined + features)) } }];
}

export function affinityStart(parameters: readonly Parameter[], seed: number): Record<string, Float32Array> {
  const random = uniform(seed);
  return Object.fromEntries(parameters.map(({ name, shape, start }) => {
    const length = shape.reduce((a, b) => a * b, 1);
    return [name, Float32Array.from({ length }, () => ('value' in start ? start.value : start.deviation * normal(random)))];
  }));
}

/** f, items x features x height x width, or e, items x 1 x height x width in (0, 1). */
function network(g: GraphBuilder, shape: AffinityShape, items: number): { out: Value; parameters: Value[] } {
  const { kind, inputs, height, width } = shape;
  const parameters = affinityParameters(shape).map(({ name, shape: dims }) => g.input(name, dims));
  const parameter = (name: string): Value => {
    const found = parameters.find(value => value.name === name);
    if (!found) throw new Error(`no parameter '${name}'`);
    return found;
  };
  const seen = inputs.map(({ name, channels, height: h, width: w }) => {
    const x = g.conv(g.input(name, [items, channels, h, w]), parameter(`${name}.weights`));
    const sized = (value: Value): Value => (h === height && w === width ? value : g.resize(value, height, width));
    // As published, IRNet resizes between normalisation and ReLU.
    return kind === 'irnet' ? g.relu(sized(groupNorm(g, x, GROUPS, parameter(`${name}.scale`), parameter(`${name}.shift`)))) : sized(g.op('Elu', [x]));
  });
  const joined = g.concat(seen, 1);
  const out = kind === 'irnet' ? g.sigmoid(g.conv(joined, parameter('edge.weights'), parameter('edge.bias'))) : g.op('Elu', [g.conv(joined, parameter('join.weights'))]);
  return { out, parameters };
}

/** Input by layer name [1, channels, height, width] and parameters; output `out`. */
export function affinityGraph(shape: AffinityShape): Uint8Array {
  const g = new GraphBuilder('affinity');
  g.output('out', network(g, shape, 1).out);
  return g.toOnnx();
}

export interface PairShape {
  radius: number;
  offsets: readonly Step[];
  /** For each offset the steps of its path, both ends included. */
  paths: readonly (readonly Step[])[];
}

/** Shape of the masks of pairs: items x offsets x rows x columns of sources. */
export function pairMaskShape({ height, width }: Pick<AffinityShape, 'height' | 'width'>, { radius, offsets }: PairShape, items: number): number[] {
  return [items, offsets.length, height - radius + 1, width - 2 * radius + 2];
}

const KINDS_OF_PAIRS = ['background', 'foreground', 'negative'] as const satisfies readonly (keyof PairMasks)[];

/**
 * Inputs: layers by name [items, channels, height, width]; `pairs.background`, `pairs.foreground`, `pairs.negative` shaped as `pairMaskShape`, 0 and 1; `counts` [3], of each
 * kind of pair, what the sums are divided by. Tells the three losses.
 */
export function affinityLoss(shape: AffinityShape, pairs: PairShape, items: number): { g: GraphBuilder; loss: Value; parameters: readonly Value[] } {
  const g = new GraphBuilder('affinity loss');
  const { out, parameters } = network(g, shape, items);
  const affinities = shape.kind === 'irnet' ? edgeAffinities(g, out, pairs.paths, pairs.radius) : featureAffinities(g, out, pairs.offsets, pairs.radius);
  const dims = pairMaskShape(shape, pairs, items);
  const counts = g.input('counts', [KINDS_OF_PAIRS.length]);
  const byKind = (value: (kind: keyof PairMasks, i: number) => Value): PairMasks => ({ background: value('background', 0), foreground: value('foreground', 1), negative: value('negative', 2) });
  const { total, ...parts } = affinityLosses(g, affinities, byKind(kind => g.input(`pairs.${kind}`, dims)), byKind((_, i) => g.reshape(g.slice(counts, [i], [i + 1], [0]), [])));
  for (const kind of KINDS_OF_PAIRS) g.output(`loss.${kind}`, parts[kind]);
  return { g, loss: total, parameters };
}
