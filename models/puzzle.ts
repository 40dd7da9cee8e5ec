/**
 * Puzzle-CAM (Jo and Yu, ICIP 2021): the map of the whole image must equal the map put together from tiles that were looked at by themselves, since a classifier that
 * sees a tile cannot lean on the most telling part alone.
 *
 *     A_s  = f(I)                   K maps of the whole image
 *     A_re = merge(f(tile(I)))      K maps from s x s tiles
 *     L = L_cls(GAP A_s, Y) + L_cls(GAP A_re, Y) + alpha L_re,     L_re = mean |A_s - A_re| Y_k
 *     alpha_t = min(alpha_max t / (0.5 t_max), alpha_max)
 *
 * L_cls is the binary cross entropy of all classes; the mean of L_re counts the classes without a tag, too (their difference is zeroed). No gradient is stopped.
 */
import type { GraphBuilder } from './graph/builder';
import { range, type Value } from './graph/value';
import { softMargin } from './losses';

/** B x C x H x W cut into `perSide`^2 tiles, stacked piece by piece: all images' first tiles, all their second ones, … Both sides must divide. @param rows the axis of the rows: 1 where channels come last */
export function tile(g: GraphBuilder, images: Value, perSide: number, rows = 2): Value {
  const [height, width] = images.shape.slice(rows);
  if (height % perSide || width % perSide) throw new Error(`${height} x ${width} does not divide into ${perSide} x ${perSide} tiles`);
  const [h, w] = [height / perSide, width / perSide];
  return g.concat(range(perSide * perSide).map(i => {
    const [y, x] = [Math.floor(i / perSide) * h, (i % perSide) * w];
    return g.slice(images, [y, x], [y + h, x + w], [rows, rows + 1]);
  }), 0);
}

/** The inverse of `tile`. */
export function merge(g: GraphBuilder, tiles: Value, perSide: number): Value {
  const images = tiles.shape[0] / (perSide * perSide);
  if (!Number.isInteger(images)) throw new Error(`${tiles.shape[0]} tiles are no whole images of ${perSide} x ${perSide}`);
  const piece = (i: number): Value => g.slice(tiles, [i * images], [(i + 1) * images], [0]);
  return g.concat(range(perSide).map(row => g.concat(range(perSide).map(column => piece(row * perSide + column)), 3)), 2);
}

export interface PuzzleLosses {
  classification: Value;
  tilesClassification: Value;
  reconstruction: Value;
  /** Their sum, the last one times `alpha`. */
  total: Value;
}

export interface PuzzleOptions {
  /** B x 1 x h x w: what each position counts in a mean over its image; the sum of an image is 1. All alike if left out. */
  shares?: Value;
  /** K, added to the means that are held against the tags. */
  bias?: Value;
}

/**
 * @param whole and merged: scores B x K x h x w, before any ReLU
 * @param tags B x K of 0 and 1
 * @param alpha a number of shape []
 */
export function puzzleLosses(g: GraphBuilder, whole: Value, merged: Value, tags: Value, alpha: Value, { shares, bias }: PuzzleOptions = {}): PuzzleLosses {
  const [images, classes] = whole.shape;
  const pooled = (maps: Value): Value => (shares ? g.sum(g.mul(maps, shares), [2, 3], false) : g.mean(maps, [2, 3], false));
  const logits = (maps: Value): Value => (bias ? g.add(pooled(maps), bias) : pooled(maps));
  const classification = softMargin(g, logits(whole), tags);
  const tilesClassification = softMargin(g, logits(merged), tags);
  const difference = g.mul(g.abs(g.sub(whole, merged)), g.reshape(tags, [images, classes, 1, 1]));
  const reconstruction = shares ? g.mean(pooled(difference), [0, 1], false) : g.mean(difference, [0, 1, 2, 3], false);
  const total = g.add(g.add(classification, tilesClassification), g.mul(reconstruction, alpha));
  return { classification, tilesClassification, reconstruction, total };
}

/** alpha_t at step `step` of `steps`; the ramp ends at `until` of the training. */
export function puzzleAlpha(step: number, steps: number, most = 4, until = 0.5): number {
  return Math.min((most * step) / (until * steps), most);
}
