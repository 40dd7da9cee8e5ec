/**
 * The losses of weakly supervised training as graph nodes. One number each, a mean, so that a batch may be run in parts.
 *
 *     soft margin      of logits z, tags y:           mean over photos and classes of softplus(z) - y z
 *     cross entropy    of logits z, label l, weight w: sum of w (-log softmax(z)_l) / count            pixels with label 255 do not count
 *                      of shares q (rows of weights):  mean over rows of -sum_c q_c log softmax(z)_c
 *     restricted       softmax over the background and the photo's tags alone: OUTSIDE is added to the logits of all other classes
 *     recursion        make_cam(A) = relu(relu(A) - 1e-5) / (max relu(A) + 1e-5);   mean over tagged classes of mean |make_cam(A) - M_rs|
 *                      or, in its place, the binary cross entropy of sigmoid(A) against M_rs (tags are then judged by `smoothMaximum` of A, not by its mean)
 *
 * Soft margin, cross entropy and the recursion loss are those of RecurSeed + EdgePredictMix (arXiv 2204.06754), whose form of the last one is not published; L1 is
 * what the same authors' Puzzle-CAM has. Targets carry no gradient: they are inputs.
 */
import type { GraphBuilder } from './graph/builder';
import { range, type Value } from './graph/value';

/** Added to the logit of a class that a photo has not: its probability is 0 in single precision. */
export const OUTSIDE = -1e4;

/** In place of a sum of weights that is 0. */
const LEAST = 1e-12;

/** make_cam's share that is taken from maps and added to their maximum. */
const EPSILON = 1e-5;

/** Multi-label soft margin of logits B x K against tags B x K of 0 and 1 (binary cross entropy in its stable form). */
export function softMargin(g: GraphBuilder, logits: Value, tags: Value): Value {
  return g.mean(g.sub(g.softplus(logits), g.mul(tags, logits)), [0, 1], false);
}

export interface LabelLossOptions {
  /** One number a pixel, of the labels' shape (complementing: the teacher's sureness). */
  weights?: Value;
  /** One number a class. */
  classWeights?: readonly number[];
  /** 0 for the classes that count and `OUTSIDE` for the others; broadcast to the logits. */
  restriction?: Value;
  /** What the sum is divided by: the weights of the pixels that count, as PyTorch does, or their number, as complementing does. */
  over?: 'weights' | 'pixels';
}

/**
 * Cross entropy of pixels.
 * @param logits P x C or N x C x h x w
 * @param labels integers, P or N x h x w: a channel, or anything else (255) where the pixel does not count. No pixel counts: 0.
 */
export function labelCrossEntropy(g: GraphBuilder, logits: Value, labels: Value, { weights, classWeights, restriction, over = 'weights' }: LabelLossOptions = {}): Value {
  const classes = logits.shape[1];
  const column = logits.shape.map((d, axis) => (axis === 1 ? 1 : d));
  const row = logits.shape.map((_, axis) => (axis === 1 ? classes : 1));
  // 255 is no channel, so the row of an ignored pixel is all zeros and needs no case of its own.
  const chosen = g.cast(g.equal(g.reshape(g.cast(labels, 'int32'), column), g.constant(Int32Array.from(range(classes)), row)), 'float32');
  const weighed = classWeights ? g.mul(chosen, g.constant(Float32Array.from(classWeights), row)) : chosen;
  const shares = weights ? g.mul(weighed, g.reshape(weights, column)) : weighed;
  const all = range(logits.rank);
  const loss = g.neg(g.sum(g.mul(shares, restricted(g, logits, restriction)), all, false));
  return g.div(loss, g.max(g.sum(over === 'weights' ? shares : chosen, all, false), LEAST));
}

/**
 * Cross entropy of cells that belong to several classes by shares.
 * @param logits ... x C
 * @param shares of the same shape; a row adds up to the cell's weight, 0 where it does not count
 */
export function shareCrossEntropy(g: GraphBuilder, logits: Value, shares: Value, restriction?: Value): Value {
  const rows = logits.size / logits.shape[logits.rank - 1];
  const total = g.sum(g.mul(shares, restricted(g, logits, restriction, -1)), range(logits.rank), false);
  return g.mul(total, -1 / rows);
}

/** Log probabilities over the classes that count. */
function restricted(g: GraphBuilder, logits: Value, restriction: Value | undefined, axis = 1): Value {
  return g.logSoftmax(restriction ? g.add(logits, restriction) : logits, axis);
}

/** What `restriction` must hold for a photo with the classes `channels` (background included) among `classes`. */
export function restrictionTo(channels: Iterable<number>, classes: number): Float32Array {
  const row = new Float32Array(classes).fill(OUTSIDE);
  for (const channel of channels) row[channel] = 0;
  return row;
}

/** make_cam of raw maps B x K x ... (the last axes are places). */
export function makeCams(g: GraphBuilder, maps: Value, places: readonly number[]): Value {
  const positive = g.relu(maps);
  return g.div(g.relu(g.sub(positive, EPSILON)), g.add(g.reduceMax(positive, places), EPSILON));
}

/**
 * ln mean e^x over the places that count: a maximum that looks at all of them (Pinheiro & Collobert, CVPR 2015). The mean of a map of logits that is right is below 0
 * wherever the object is smaller than the rest, so a classifier that is to say yes by it would fill the photo; this one says yes by the object alone.
 * @param x B x K x N
 * @param inside B x 1 x N of 0 and 1
 * @returns B x K
 */
export function smoothMaximum(g: GraphBuilder, x: Value, inside: Value): Value {
  const seen = g.add(x, g.mul(g.sub(1, inside), OUTSIDE));
  const highest = g.reduceMax(seen, [2]);
  const total = g.sum(g.exp(g.sub(seen, highest)), [2], false);
  return g.add(g.reshape(highest, total.shape), g.log(g.div(total, g.sum(inside, [2], false))));
}

/**
 * How far class activation maps are from their refined selves.
 * @param maps raw, B x K x N (N places) or B x K x h x w
 * @param targets of that shape, in [0, 1]: M_rs
 * @param tags B x K of 0 and 1; maps of other classes do not count
 * @param inside B x 1 x N (B x 1 x h x w): 1 where there is a photo, 0 where only padding; all, if it is left out
 */
export function recursionLoss(g: GraphBuilder, maps: Value, targets: Value, tags: Value, kind: 'l1' | 'bce', inside?: Value): Value {
  const places = range(maps.rank).slice(2);
  const [photos, classes] = maps.shape;
  const counted = g.reshape(tags, maps.shape.map((_, axis) => (axis === 0 ? photos : axis === 1 ? classes : 1)));
  const seen = inside ? g.mul(maps, inside) : maps;
  const difference = kind === 'l1' ? g.abs(g.sub(makeCams(g, seen, places), targets)) : g.sub(g.softplus(seen), g.mul(targets, seen));
  const weights = inside ? g.mul(counted, inside) : g.expand(counted, maps.shape);
  const all = range(maps.rank);
  return g.div(g.sum(g.mul(difference, weights), all, false), g.add(g.sum(weights, all, false), LEAST));
}
