/**
 * Head-only Puzzle-CAM: on frozen features F of a photo and F' of its tiles (put together again) only an adapter and a classifier a layer are learnt,
 *
 *     A = W relu(U F + u)        z = mean of A + b        loss of `puzzle.ts` of A, A' = W relu(U F' + u), summed over the layers
 *
 * The linear heads that a run learns anyway (`heads.ts`) are where it starts: relu(w_k F) - relu(-w_k F) = w_k F takes two units a class, the other units begin at
 * random and unheard (W = 0). b is for the tags alone and no part of the maps. Everything is cell by cell, so photos of any grid make a batch: cells stand in one
 * row, short photos are filled up, and shares (1 / cells, or 0 where filled up) take the place of a mean.
 */
import { GraphBuilder } from './graph/builder';
import type { Value } from './graph/value';
import { puzzleLosses } from './puzzle';
import { normal, uniform } from './random';

export interface PuzzleHead {
  /** Name of the layer. */
  role: string;
  channels: number;
  classes: number;
  /** Units besides the two of each class. */
  free: number;
}

/** Units of a head's adapter. */
export function unitsOf({ classes, free }: PuzzleHead): number {
  return 2 * classes + free;
}

/** Names of a head's parameters. */
function names(role: string): { adapter: string; shift: string; weights: string; bias: string } {
  return { adapter: `${role}.adapter`, shift: `${role}.shift`, weights: `${role}.weights`, bias: `${role}.bias` };
}

interface Parameters {
  adapter: Value;
  shift: Value;
  weights: Value;
}

function parametersOf(g: GraphBuilder, head: PuzzleHead): Parameters {
  const units = unitsOf(head);
  const { adapter, shift, weights } = names(head.role);
  return { adapter: g.input(adapter, [units, head.channels, 1, 1]), shift: g.input(shift, [units]), weights: g.input(weights, [head.classes, units, 1, 1]) };
}

/** Raw maps B x K x 1 x N of features B x D x 1 x N. */
function scores(g: GraphBuilder, { adapter, shift, weights }: Parameters, features: Value): Value {
  return g.conv(g.relu(g.conv(features, adapter, shift)), weights);
}

/**
 * Inputs: `<role>.whole` and `<role>.tiles` [photos, channels, 1, cells], `shares` [photos, 1, 1, cells] (each photo's sum to 1), `tags` [photos, classes], `alpha` [].
 * Tells `classification`, `tilesClassification`, `reconstruction`, sums over the layers.
 */
export function puzzleHeadsLoss(heads: readonly PuzzleHead[], photos: number, cells: number): { g: GraphBuilder; loss: Value; parameters: readonly Value[] } {
  const g = new GraphBuilder('puzzle heads');
  const [{ classes }] = heads;
  const shares = g.input('shares', [photos, 1, 1, cells]);
  const tags = g.input('tags', [photos, classes]);
  const alpha = g.input('alpha', []);
  const parameters: Value[] = [];
  const parts = heads.map(head => {
    const own = parametersOf(g, head);
    const bias = g.input(names(head.role).bias, [classes]);
    parameters.push(own.adapter, own.shift, own.weights, bias);
    const [whole, merged] = ['whole', 'tiles'].map(which => scores(g, own, g.input(`${head.role}.${which}`, [photos, head.channels, 1, cells])));
    return puzzleLosses(g, whole, merged, tags, alpha, { shares, bias });
  });
  const total = (name: keyof (typeof parts)[number]): Value => parts.map(part => part[name]).reduce((a, b) => g.add(a, b));
  for (const name of ['classification', 'tilesClassification', 'reconstruction'] as const) g.output(`loss.${name}`, total(name));
  return { g, loss: total('total'), parameters };
}

/** Input: `features` [1, channels, 1, cells] and the head's parameters; output: `maps` [1, classes, 1, cells] before any ReLU. */
export function puzzleMapsGraph(head: PuzzleHead, cells: number): Uint8Array {
  const g = new GraphBuilder('puzzle maps');
  const own = parametersOf(g, head);
  g.output('maps', scores(g, own, g.input('features', [1, head.channels, 1, cells])));
  return g.toOnnx();
}

/** Names of what `puzzleMapsGraph` needs of what was learnt. */
export function mapParameters(role: string): string[] {
  const { adapter, shift, weights } = names(role);
  return [adapter, shift, weights];
}

/** Biases at the start: most tags are absent from most photos. */
const BIAS_START = -3;

/**
 * The head that is the linear head `linear` (classes x channels), by parameter.
 * @param scale root mean square of the features, which the free units are scaled by
 */
export function startOfHead(head: PuzzleHead, linear: Float32Array, scale: number, seed: number): Record<string, Float32Array> {
  const { role, channels, classes } = head;
  const units = unitsOf(head);
  const { adapter, shift, weights, bias } = names(role);
  const random = uniform(seed);
  const deviation = Math.sqrt(2 / channels) / scale;
  const u = new Float32Array(units * channels);
  const w = new Float32Array(classes * units);
  for (let k = 0; k < classes; k++) {
    for (const [unit, sign] of [[2 * k, 1], [2 * k + 1, -1]] as const) {
      for (let c = 0; c < channels; c++) u[unit * channels + c] = sign * linear[k * channels + c];
      w[k * units + unit] = sign;
    }
  }
  for (let i = 2 * classes * channels; i < u.length; i++) u[i] = normal(random) * deviation;
  return { [adapter]: u, [shift]: new Float32Array(units), [weights]: w, [bias]: new Float32Array(classes).fill(BIAS_START) };
}
