/**
 * Complementing (MARS, stage d): when a network is trained on debiased labels, its moving average, the teacher, fills in what was removed, and says how much that is
 * worth. With Y^te the teacher's labels (argmax after its CRF) and P^ its probabilities:
 *
 *     Y^co(p) = Y^te(p) where removed, else Y^db(p)
 *     W(p)    = max over the photo's tags c of P^(c, p) where removed, else 1; 0 where 255
 *     L       = -mean over pixels p that are not 255 of W(p) log P(Y^co(p), p)          P the student's probabilities
 *
 * W looks at tagged classes alone: a removed pixel that the teacher is sure is background weighs little, so that removed pixels count most where the teacher brings a
 * class back.
 */
import { IGNORE, plane, type LabelMap, type Maps } from '../../shared/maps';

/** Least probability whose logarithm is taken. */
const LEAST = 1e-12;

export interface Complemented {
  labels: LabelMap;
  /** 1 x H x W in 0..1. */
  weights: Maps;
}

/**
 * @param mask before debiasing; @param removed class id where removed, 0 elsewhere
 * @param teacher (C + 1) x H x W probabilities, channel = class id; @param teacherLabels H x W
 * @throws if sizes differ, or a tag has no channel
 */
export function complement(mask: LabelMap, removed: LabelMap, teacher: Maps, teacherLabels: LabelMap, tags: readonly number[]): Complemented {
  for (const { height, width } of [removed, teacher, teacherLabels]) {
    if (height !== mask.height || width !== mask.width) throw new Error(`complementing: ${height} x ${width} for a mask of ${mask.height} x ${mask.width}`);
  }
  const unknown = tags.find(tag => tag >= teacher.channels);
  if (unknown !== undefined) throw new Error(`complementing: no channel for class ${unknown}`);
  const planes = tags.map(tag => plane(teacher, tag));
  const labels = { ...mask, data: mask.data.map((label, p) => (removed.data[p] > 0 ? teacherLabels.data[p] : label)) };
  const weights = Float32Array.from(labels.data, (label, p) => (removed.data[p] > 0 ? Math.max(0, ...planes.map(tag => tag[p])) : label === IGNORE ? 0 : 1));
  return { labels, weights: { data: weights, channels: 1, height: mask.height, width: mask.width } };
}

/** Channel of the largest value of each pixel, the first of equals: labels of a network whose channels are class ids. */
export function argmaxLabels(probabilities: Maps): LabelMap {
  const { channels, height, width } = probabilities;
  const data = new Uint8Array(height * width);
  const best = plane(probabilities, 0).slice();
  for (let c = 1; c < channels; c++) {
    const values = plane(probabilities, c);
    for (let p = 0; p < best.length; p++) {
      if (values[p] <= best[p]) continue;
      best[p] = values[p];
      data[p] = c;
    }
  }
  return { data, height, width };
}

/** Weighted cross entropy of the student's probabilities: the mean over pixels that are not 255 (0 if there is none), and the sum. */
export function complementedLoss(student: Maps, { labels, weights }: Complemented): { mean: number; sum: number } {
  const size = labels.height * labels.width;
  let sum = 0;
  let valid = 0;
  for (let p = 0; p < size; p++) {
    const label = labels.data[p];
    if (label === IGNORE) continue;
    valid++;
    sum -= weights.data[p] * Math.log(Math.max(LEAST, student.data[label * size + p]));
  }
  return { mean: valid === 0 ? 0 : sum / valid, sum };
}
