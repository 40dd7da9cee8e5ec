/**
 * Pasting the pixels of some classes of one photo into another, to vary edges and company of objects in training.
 *
 * ClassMix (Olsson et al., WACV 2021) pastes half of the source's classes, background included. EdgePredictMix (arXiv 2204.06754)
 * pastes foreground classes only; the source's undecided pixels stay behind, so no rim follows a pasted object:
 *
 *     m = [source label in chosen];  mixed = m source + (1 - m) target      for photo, labels and score maps alike
 */
import { IGNORE, type LabelMap, type Maps, type RgbImage } from '../shared/maps';

/** Uniform numbers in [0, 1). */
export type Random = () => number;

/** ClassMix: floor(n / 2) of the n classes of `labels`, background included, without replacement; ascending. */
export function chooseClasses(labels: LabelMap, random: Random): number[] {
  const present = classesOf(labels);
  return sample(present, Math.floor(present.length / 2), random);
}

/** EdgePredictMix: half of the foreground classes of `labels`, at least one if there is one; ascending. */
export function chooseForeground(labels: LabelMap, random: Random): number[] {
  const present = classesOf(labels).filter(id => id !== 0);
  return sample(present, present.length === 1 ? 1 : Math.floor(present.length / 2), random);
}

/** A source for every one of `count` photos, none of them itself and each used once. @throws for one photo alone. */
export function partners(count: number, random: Random): number[] {
  if (count === 1) throw new Error('mixing needs at least two photos');
  // Sattolo's shuffle gives one cycle through all photos, hence no fixed point.
  const order = Array.from({ length: count }, (_, index) => index);
  for (let last = count - 1; last > 0; last--) swap(order, last, Math.floor(random() * last));
  return order;
}

/** 1 where `labels` is one of `chosen`, else 0. */
export function classMask(labels: LabelMap, chosen: readonly number[]): Uint8Array {
  const wanted = new Uint8Array(256);
  for (const id of chosen) wanted[id] = 1;
  return labels.data.map(label => wanted[label]);
}

/** `source` where `mask` (H x W) is 1, else `target`; both of one shape. */
export function mixMaps(mask: Uint8Array, source: Maps, target: Maps): Maps {
  if (source.channels !== target.channels) throw new Error(`mix: ${source.channels} and ${target.channels} maps`);
  checkSizes(mask, source, target);
  const data = source.data.map((value, i) => (mask[i % mask.length] ? value : target.data[i]));
  return { ...target, data };
}

/** As `mixMaps`, for label maps. */
export function mixLabels(mask: Uint8Array, source: LabelMap, target: LabelMap): LabelMap {
  checkSizes(mask, source, target);
  return { ...target, data: source.data.map((label, p) => (mask[p] ? label : target.data[p])) };
}

/** As `mixMaps`, for photos. */
export function mixImages(mask: Uint8Array, source: RgbImage, target: RgbImage): RgbImage {
  checkSizes(mask, source, target);
  return { ...target, data: source.data.map((value, i) => (mask[Math.floor(i / 3)] ? value : target.data[i])) };
}

/** The classes of a label map, ascending: background counts, undecided pixels do not. */
export function classesOf(labels: LabelMap): number[] {
  const present = new Uint8Array(256);
  for (const label of labels.data) present[label] = 1;
  return [...present.keys()].filter(id => present[id] && id !== IGNORE);
}

function sample(values: readonly number[], count: number, random: Random): number[] {
  const pool = [...values];
  for (let i = 0; i < count; i++) swap(pool, i, i + Math.floor(random() * (pool.length - i)));
  return pool.slice(0, count).sort((a, b) => a - b);
}

function swap(values: number[], i: number, j: number): void {
  [values[i], values[j]] = [values[j], values[i]];
}

function checkSizes(mask: Uint8Array, ...pictures: { height: number; width: number }[]): void {
  for (const { height, width } of pictures) {
    if (height * width !== mask.length || width !== pictures[0].width) throw new Error('mix: mask and pictures differ in size');
  }
}
