/**
 * The losses of a network on images, as means over the items of a batch, so that a batch may be run in parts:
 *
 *     L = L_cls(mean of A inside the box, Y)                                       from the first epoch
 *       + w_cam L_rec(A, M_rs) + w_seg L_seg(P, M_seg)                             from `recurseFrom`
 *       + w_mix (w_cam L_rec(A', M'_rs) + w_seg L_seg(P', M'_seg)) + w' L_cls'     from `mixFrom`; A', P' of mixed photos, which are items of the same run
 *
 * (RecurSeed + EdgePredictMix, arXiv 2204.06754.) Targets are inputs: no gradient passes through them. Each loss is also an output `loss.<name>`.
 */
import type { GraphBuilder } from '../graph/builder';
import { range, type Value } from '../graph/value';
import { labelCrossEntropy, recursionLoss, softMargin } from '../losses';
import type { NetworkGraph } from './imageNetwork';

/** What a step of the single-stage network learns from. 'certain': tags, and pixels that a person decided. */
export type NetworkStep = 'tags' | 'certain' | 'recursive' | 'edgePredict' | 'classMix';

export interface NetworkLossWeights {
  classification: number;
  cam: number;
  segmentation: number;
  mixed: number;
  mixedClassification: number;
}

export interface StepSize {
  items: number;
  /** Of the crops. */
  side: number;
  /** Of the labels. */
  grid: number;
}

/** Logits N x K: the mean of maps N x K x h x w over the cells where `inside` (N x 1 x h x w) is 1. */
export function meanInside(g: GraphBuilder, cams: Value, inside: Value): Value {
  return g.div(g.sum(g.mul(cams, inside), [2, 3], false), g.sum(inside, [2, 3], false));
}

/**
 * Cross entropy of pixels, the mean over items of sum_p w_p (-log P(l_p)).
 * @param logits N x C x h x w, brought to the labels' grid (bilinear)
 * @param labels N x G x G: channels, 255 where undecided
 * @param weights N x G x G; those of an item sum up to what it counts for (1, or less)
 */
export function pixelLoss(g: GraphBuilder, logits: Value, labels: Value, weights: Value): Value {
  const [items, grid] = labels.shape;
  const mean = labelCrossEntropy(g, g.resize(logits, grid, grid), labels, { weights });
  return g.mul(g.mul(mean, g.sum(weights, [0, 1, 2], false)), 1 / items);
}

/** L_rec as the mean over items; an item without tags counts 0. */
export function itemRecursionLoss(g: GraphBuilder, cams: Value, targets: Value, tags: Value, kind: 'l1' | 'bce', inside: Value): Value {
  const [items] = cams.shape;
  const one = (value: Value, item: number): Value => g.slice(value, [item], [item + 1], [0]);
  const losses = range(items).map(item => recursionLoss(g, one(cams, item), one(targets, item), one(tags, item), kind, one(inside, item)));
  return g.mul(losses.reduce((sum, loss) => g.add(sum, loss)), 1 / items);
}

/**
 * The loss of one kind of step.
 * @param bytes the backbone's file, for as many photos as the step has (twice its items where it mixes)
 */
export function networkLoss(network: NetworkGraph, bytes: Uint8Array, step: NetworkStep, { items, side, grid }: StepSize, weights: NetworkLossWeights, recursion: 'l1' | 'bce'): Value {
  const { g, shape: { classes } } = network;
  const mixes = step === 'edgePredict' || step === 'classMix';
  const names = mixes ? ['', 'mixed.'] : [''];
  const photos = g.concat(names.map(name => g.input(`${name}photos`, [items, side, side, 3], 'uint8')), 0);
  const maps = network.maps(bytes, photos);
  const half = (value: Value, which: number): Value => (mixes ? g.slice(value, [which * items], [(which + 1) * items], [0]) : value);
  const allCams = network.cams(maps);
  const [, , h, w] = allCams.shape;
  const allLogits = step === 'tags' ? undefined : network.logits(maps);

  let total: Value | undefined;
  const count = (name: string, loss: Value, weight: number): void => {
    g.output(`loss.${name}`, loss);
    const weighted = g.mul(loss, weight);
    total = total ? g.add(total, weighted) : weighted;
  };
  const part = (which: number, factors: { classification: number; recursion: number; segmentation: number }): void => {
    const input = (name: string, shape: readonly number[], dtype?: 'uint8'): Value => g.input(names[which] + name, shape, dtype);
    const called = (name: string): string => (which === 0 ? name : `mixed${name[0].toUpperCase()}${name.slice(1)}`);
    if (factors.classification > 0 || factors.recursion > 0) {
      const cams = half(allCams, which);
      const tags = input('tags', [items, classes]);
      const inside = input('inside', [items, 1, h, w]);
      if (factors.classification > 0) count(called('classification'), softMargin(g, meanInside(g, cams, inside), tags), factors.classification);
      if (factors.recursion > 0) count(called('recursion'), itemRecursionLoss(g, cams, input('targets', [items, classes, h, w]), tags, recursion, inside), factors.recursion);
    }
    if (!allLogits || factors.segmentation === 0) return;
    count(called('segmentation'), pixelLoss(g, half(allLogits, which), input('labels', [items, grid, grid], 'uint8'), input('labelWeights', [items, grid, grid])), factors.segmentation);
  };
  const recursive = step !== 'tags' && step !== 'certain';
  part(0, { classification: weights.classification, recursion: recursive ? weights.cam : 0, segmentation: weights.segmentation });
  if (mixes) part(1, { classification: weights.mixedClassification, recursion: step === 'edgePredict' ? weights.mixed * weights.cam : 0, segmentation: weights.mixed * weights.segmentation });
  if (!total) throw new Error('a step without a loss');
  return total;
}
