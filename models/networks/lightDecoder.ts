/**
 * The light decoder: a small network on frozen features, cell by cell. Several members with chance of their own look at the same cells and are heard together; they
 * are one more axis of every product, so that a step of all of them is one run.
 *
 *     h_0 = x;  h_l = relu(h_(l-1) H_l + b_l);  logits = h_L D + d       members x cells x classes, class 0 the background
 *     A   = h_L W                                                        class activation maps, for the classes without the background; W has no bias
 *     p   = mean over members of softmax over the classes that count
 *
 * Trained on cells of chance photos (`shares`: to which classes they belong, times their weight; RecurSeed's L_seg) and, where W is learnt, on whole photos (L_cls on
 * the mean of A over the photo, or its smooth maximum where A is read as logits; L_rec). Products over cells alone do not care how these lie, so a photo of any size is a row of `places` cells, filled up with
 * zeros that `inside` tells.
 */
import { GraphBuilder } from '../graph/builder';
import { product, type Value } from '../graph/value';
import { recursionLoss, shareCrossEntropy, smoothMaximum, softMargin } from '../losses';
import { trainingGraph, type OptimiserOptions, type TrainingGraph } from '../optimisers';
import { normal } from '../random';

export interface LightDecoderShape {
  members: number;
  /** Numbers of a cell. */
  inputs: number;
  /** Widths of the hidden layers; none: a linear decoder. */
  hidden: readonly number[];
  /** The background and the classes. */
  classes: number;
  /** W is there. */
  activation: boolean;
}

/** Whole photos of a step, for each member. */
export interface PhotoBatch {
  photos: number;
  /** Cells of the largest photo. */
  places: number;
  weights: { classification: number; recursion: number };
  recursion: 'l1' | 'bce';
}

export interface StepShape extends LightDecoderShape {
  /** Cells of a step, for each member. */
  cells: number;
  /** Whether hidden numbers are dropped: `kept.0`, … are inputs. */
  dropout: boolean;
  /** Whether classes that a cell's photo has not are kept out of the softmax: `restriction` is an input. */
  restricted: boolean;
  weights: { segmentation: number };
  whole?: PhotoBatch;
}

/** Names and shapes of the parameters, in the order of the graphs' inputs. */
export function decoderParameters({ members, inputs, hidden, classes, activation }: LightDecoderShape): [name: string, shape: number[]][] {
  const widths = [inputs, ...hidden];
  const last = widths[widths.length - 1];
  return [
    ...hidden.flatMap((width, l): [string, number[]][] => [[`hidden.${l}`, [members, widths[l], width]], [`hidden.${l}.bias`, [members, 1, width]]]),
    ['decoder', [members, last, classes]],
    ['decoder.bias', [members, 1, classes]],
    ...(activation ? [['activation', [members, last, classes - 1]] satisfies [string, number[]]] : []),
  ];
}

/** Normal with variance 2 / inputs before a ReLU, 1 / inputs elsewhere (He et al. 2015); biases 0. @param random gives numbers in 0..1 */
export function decoderStart(shape: LightDecoderShape, random: () => number): Record<string, Float32Array> {
  return Object.fromEntries(decoderParameters(shape).map(([name, dims]) => {
    const deviation = Math.sqrt((name.startsWith('hidden') ? 2 : 1) / dims[1]);
    const biased = isBias(name);
    return [name, Float32Array.from({ length: product(dims) }, () => (biased ? 0 : deviation * normal(random)))];
  }));
}

/** Biases do not decay: with members they have three axes, like weights. */
export const decoderGroups: NonNullable<OptimiserOptions['groups']> = name => (isBias(name) ? { decay: 0 } : {});

function isBias(name: string): boolean {
  return name.endsWith('.bias');
}

/**
 * One training step. Inputs beside the state: `cells` members x cells x inputs; `shares` members x cells x classes; `kept.l` (bytes 0 and 1: members x cells x width,
 * what is kept counts `1 / kept share` by `keptScale` []); `restriction` members x cells x classes; for whole photos `photos` members x (photos * places) x inputs, `inside`
 * (members * photos) x 1 x places, `tags` (members * photos) x K, `targets` (members * photos) x K x places, `recursionWeight` [] (0 before there are targets).
 * Outputs: `loss` and its parts `loss.segmentation`, `loss.classification`, `loss.recursion`.
 */
export function decoderTrainingGraph(shape: StepShape, optimiser: OptimiserOptions): TrainingGraph {
  const g = new GraphBuilder('light decoder');
  const { members, cells, inputs, classes, hidden } = shape;
  const parameters = decoderParameters(shape).map(([name, dims]) => g.input(name, dims));
  const scale = shape.dropout && hidden.length > 0 ? g.input('keptScale', []) : undefined;
  const drop = (x: Value, layer: number): Value => (scale ? g.mul(x, g.mul(g.cast(g.input(`kept.${layer}`, [members, cells, hidden[layer]], 'uint8'), 'float32'), scale)) : x);
  const { logits } = decode(g, g.input('cells', [members, cells, inputs]), shape, parameters, drop);
  const restriction = shape.restricted ? g.input('restriction', [members, cells, classes]) : undefined;
  const segmentation = shareCrossEntropy(g, logits, g.input('shares', [members, cells, classes]), restriction);
  g.output('loss.segmentation', segmentation);
  const own = g.mul(segmentation, shape.weights.segmentation);
  const total = shape.whole ? g.add(own, wholeLosses(g, shape, shape.whole, parameters)) : own;
  return trainingGraph(g, total, parameters, { ...optimiser, groups: decoderGroups });
}

function wholeLosses(g: GraphBuilder, shape: StepShape, { photos, places, weights, recursion }: PhotoBatch, parameters: readonly Value[]): Value {
  const { members, inputs, classes } = shape;
  const all = members * photos;
  const { maps } = decode(g, g.input('photos', [members, photos * places, inputs]), shape, parameters);
  if (!maps) throw new Error('whole photos are for decoders with class activation maps');
  const byPhoto = g.transpose(g.reshape(maps, [all, places, classes - 1]), [0, 2, 1]);
  const inside = g.input('inside', [all, 1, places]);
  const tags = g.input('tags', [all, classes - 1]);
  const logits = recursion === 'bce' ? smoothMaximum(g, byPhoto, inside) : g.div(g.sum(g.mul(byPhoto, inside), [2], false), g.sum(inside, [2], false));
  const classification = softMargin(g, logits, tags);
  const recursed = recursionLoss(g, byPhoto, g.input('targets', [all, classes - 1, places]), tags, recursion, inside);
  g.output('loss.classification', classification);
  g.output('loss.recursion', recursed);
  return g.add(g.mul(classification, weights.classification), g.mul(recursed, g.mul(g.input('recursionWeight', []), weights.recursion)));
}

/** What a decoder says of cells. Inputs: `cells` cells x inputs, `voices` members x 1 x 1 (how much each member counts; they add up to 1), `restriction` 1 x 1 x classes, the parameters. Outputs: `probabilities` cells x classes; `maps` cells x K, where W is there. */
export function decoderGraph(shape: LightDecoderShape, cells: number): Uint8Array {
  const g = new GraphBuilder('light decoder');
  const parameters = decoderParameters(shape).map(([name, dims]) => g.input(name, dims));
  const voices = g.input('voices', [shape.members, 1, 1]);
  const { logits, maps } = decode(g, g.input('cells', [cells, shape.inputs]), shape, parameters);
  const heard = (x: Value): Value => g.sum(g.mul(x, voices), [0], false);
  g.output('probabilities', heard(g.softmax(g.add(logits, g.input('restriction', [1, 1, shape.classes])))));
  if (maps) g.output('maps', heard(maps));
  return g.toOnnx();
}

/** The network itself. @param x cells x inputs (the same for all members) or members x cells x inputs */
function decode(g: GraphBuilder, x: Value, { hidden, activation }: LightDecoderShape, parameters: readonly Value[], drop = (value: Value, _layer: number): Value => value): { logits: Value; maps?: Value } {
  let h = x;
  hidden.forEach((_, l) => (h = drop(g.relu(g.add(g.matmul(h, parameters[2 * l]), parameters[2 * l + 1])), l)));
  const [decoder, bias, maps] = parameters.slice(2 * hidden.length);
  return { logits: g.add(g.matmul(h, decoder), bias), ...(activation && { maps: g.matmul(h, maps) }) };
}
