/**
 * Measures of masks against true masks, accumulated over a data set in whole numbers:
 *
 *     IoU_c = TP_c / U_c,  FP_c = (P_c - TP_c) / U_c,  FN_c = (T_c - TP_c) / U_c,  U_c = T_c + P_c - TP_c     (their sum is 1)
 *
 * P predicted, T true, TP both. mIoU is the mean over all classes with background, in percent; FP and FN are means over the
 * foreground classes (SEAM, CVPR 2020; RecurSeed's evaluators). A class that is nowhere predicted nor true is left out. Pixels
 * whose truth is 255 do not count; a predicted 255 is wrong whatever the truth.
 */
import { IGNORE, type LabelMap, type Maps } from '../shared/maps';

export interface ClassScore {
  id: number;
  /** Pixels: predicted, true, both. */
  predicted: number;
  truth: number;
  correct: number;
  /** 0..1, null where the class is neither predicted nor true. */
  iou: number | null;
  fp: number | null;
  fn: number | null;
  /** The parts of `fp` whose truth is background and whose truth is another object. */
  fpBackground: number | null;
  fpOther: number | null;
}

export interface MaskScores {
  /** Percent, over all classes with background; 0 when nothing was added. */
  miou: number;
  /** Means over foreground classes, 0..1; 0 when there is none. */
  fp: number;
  fn: number;
  fpBackground: number;
  fpOther: number;
  /** One entry an id 0..classes-1. */
  classes: ClassScore[];
}

/** Pixel counts by predicted and true class, exact up to 2^53. */
export class Confusion {
  /** Row = predicted, column = true; the last row is "no class predicted", the last column "a class that is not measured". */
  private readonly counts: Float64Array;
  private readonly side: number;

  /** `classes` counts background: ids 0..classes-1 are measured. */
  constructor(readonly classes: number) {
    this.side = classes + 1;
    this.counts = new Float64Array(this.side * this.side);
  }

  /**
   * Counts one photo. With `tags`, foreground classes that are not in it are not measured in this photo, neither as predicted nor as true.
   * @throws if the sizes differ or an id other than 255 is beyond the classes.
   */
  add(prediction: LabelMap, truth: LabelMap, tags?: Iterable<number>): void {
    if (prediction.height !== truth.height || prediction.width !== truth.width) {
      throw new Error(`mask of ${prediction.height} x ${prediction.width} against truth of ${truth.height} x ${truth.width}`);
    }
    const index = this.indexOf(tags);
    for (let p = 0; p < truth.data.length; p++) {
      if (truth.data[p] === IGNORE) continue;
      this.count(index[prediction.data[p]], index[truth.data[p]], prediction.data[p], truth.data[p]);
    }
  }

  /** Adds all that `other` counted. @throws if it measures another number of classes. */
  merge(other: Confusion): void {
    if (other.classes !== this.classes) throw new Error(`confusions of ${this.classes} and ${other.classes} classes`);
    for (let i = 0; i < this.counts.length; i++) this.counts[i] += other.counts[i];
  }

  /** Adds what `other` counted as if it had predicted background wherever it predicted a class. */
  mergeAsBackground(other: Confusion): void {
    if (other.classes !== this.classes) throw new Error(`confusions of ${this.classes} and ${other.classes} classes`);
    for (let i = 0; i < this.counts.length; i++) this.counts[i % this.side] += other.counts[i];
  }

  scores(): MaskScores {
    const classes = Array.from({ length: this.classes }, (_, id) => this.classScore(id));
    const foreground = classes.slice(1);
    return {
      miou: 100 * mean(classes.map(c => c.iou)),
      fp: mean(foreground.map(c => c.fp)),
      fn: mean(foreground.map(c => c.fn)),
      fpBackground: mean(foreground.map(c => c.fpBackground)),
      fpOther: mean(foreground.map(c => c.fpOther)),
      classes,
    };
  }

  /** Where each label value counts; -1 for ids beyond the classes. */
  private indexOf(tags: Iterable<number> | undefined): Int16Array {
    const index = new Int16Array(256).fill(-1);
    const tagged = tags && new Set(tags);
    for (let id = 0; id < this.classes; id++) index[id] = id === 0 || !tagged || tagged.has(id) ? id : this.classes;
    index[IGNORE] = this.classes;
    return index;
  }

  private count(row: number, column: number, predicted: number, truth: number): void {
    if (row < 0 || column < 0) throw new Error(`label ${row < 0 ? predicted : truth} is beyond the ${this.classes} classes measured`);
    this.counts[row * this.side + column]++;
  }

  private classScore(id: number): ClassScore {
    let predicted = 0;
    let truth = 0;
    for (let other = 0; other < this.side; other++) {
      predicted += this.counts[id * this.side + other];
      truth += this.counts[other * this.side + id];
    }
    const correct = this.counts[id * this.side + id];
    const union = predicted + truth - correct;
    const share = (pixels: number) => (union === 0 ? null : pixels / union);
    const onBackground = id === 0 ? 0 : this.counts[id * this.side];
    return {
      id,
      predicted,
      truth,
      correct,
      iou: share(correct),
      fp: share(predicted - correct),
      fn: share(truth - correct),
      fpBackground: share(onBackground),
      fpOther: share(predicted - correct - onBackground),
    };
  }
}

export interface SweepPoint {
  threshold: number;
  scores: MaskScores;
}

/** 0.10, 0.15, ..., 0.80: the background scores that RecurSeed's evaluation tries. */
export const SWEEP_THRESHOLDS: readonly number[] = Array.from({ length: 15 }, (_, i) => (10 + 5 * i) / 100);

/** Scores maps at many background thresholds t at once: prediction = argmax over [t, maps], background on ties. */
export class ThresholdSweep {
  private readonly thresholds: Float64Array;
  /** `beaten[k]` counts the pixels whose best score exceeds exactly k thresholds, predicted as their best class. */
  private readonly beaten: Confusion[];

  constructor(classes: number, thresholds: readonly number[] = SWEEP_THRESHOLDS) {
    this.thresholds = Float64Array.from(thresholds).sort();
    this.beaten = Array.from({ length: this.thresholds.length + 1 }, () => new Confusion(classes));
  }

  /**
   * Counts one photo: `ids[k]` is the class of map k, of the truth's size. With `tags`, the maps of other classes are left out and
   * those classes are not measured in this photo. @throws as `Confusion.add`, or if there is not one id a map.
   */
  add(maps: Maps, ids: readonly number[], truth: LabelMap, tags?: Iterable<number>): void {
    if (ids.length !== maps.channels) throw new Error(`sweep: ${ids.length} class ids for ${maps.channels} maps`);
    const tagged = tags && new Set(tags);
    const channels = [...ids.keys()].filter(k => !tagged || tagged.has(ids[k]));
    const size = maps.height * maps.width;
    const level = new Uint8Array(size);
    const winner = new Uint8Array(size);
    for (let p = 0; p < size; p++) {
      let best = -Infinity;
      for (const k of channels) {
        const score = maps.data[k * size + p];
        if (score > best) {
          best = score;
          winner[p] = ids[k];
        }
      }
      while (level[p] < this.thresholds.length && best > this.thresholds[level[p]]) level[p]++;
    }
    this.beaten.forEach((confusion, k) => {
      const here = { ...truth, data: truth.data.map((label, p) => (level[p] === k ? label : IGNORE)) };
      confusion.add({ data: winner, height: maps.height, width: maps.width }, here, tagged);
    });
  }

  /** One point a threshold, ascending. */
  points(): SweepPoint[] {
    return [...this.thresholds].map((threshold, t) => {
      const at = new Confusion(this.beaten[0].classes);
      this.beaten.forEach((confusion, k) => (k > t ? at.merge(confusion) : at.mergeAsBackground(confusion)));
      return { threshold, scores: at.scores() };
    });
  }

  /** The point of best mIoU, the lowest threshold on ties. */
  best(): SweepPoint {
    return this.points().reduce((best, point) => (point.scores.miou > best.scores.miou ? point : best));
  }
}

function mean(values: (number | null)[]): number {
  const present = values.filter(value => value !== null);
  return present.length === 0 ? 0 : present.reduce((sum, value) => sum + value, 0) / present.length;
}
