/**
 * Mixed crops: EdgePredictMix pastes foreground classes of one crop of a batch into another, with the labels that EdgePredict gave them; ClassMix half of the classes
 * that a teacher sees, background included (`src/pipeline/classMix.ts` has both rules). Photo, labels and scores are mixed alike.
 */
import { chooseClasses, chooseForeground, classesOf, classMask, mixImages, mixLabels, mixMaps, partners, type Random } from '../../../pipeline/classMix';
import { decided } from '../../../pipeline/hints';
import { argmaxLabels } from '../../../pipeline/mars/complement';
import { IGNORE, plane, zeroMaps, type LabelMap, type Maps, type RgbImage } from '../../../shared/maps';
import type { Lesson } from './targets';

/** A crop made of two. */
export interface MixedLesson {
  image: RgbImage;
  channels: readonly number[];
  /** grid x grid: 1 where one of the two photos is seen. */
  inside: Uint8Array;
  scores: Maps;
  labels: LabelMap;
  /** What its labels weigh, 0..1. */
  weight: number;
}

/** @param tags of a mixed crop: the classes that its labels show, or those of both crops */
export function edgePredictMix(lessons: readonly Lesson[], random: Random, tags: 'shown' | 'both'): MixedLesson[] {
  const order = partners(lessons.length, random);
  return lessons.map((target, i) => {
    const source = lessons[order[i]];
    const from = mixLabelsOf(source);
    const mask = classMask(from, chooseForeground(from, random));
    const labels = mixLabels(mask, from, mixLabelsOf(target));
    const both = [...new Set([...target.channels, ...source.channels])];
    const shown = new Set(classesOf(labels));
    const channels = tags === 'both' ? both : both.filter(channel => shown.has(channel));
    const scores = mixMaps(mask, spread(source, channels), spread(target, channels));
    return { image: mixedImage(mask, source, target), channels, inside: union(mask, source, target), scores, labels, weight: 1 };
  });
}

/**
 * @param teachers probabilities (1 + classes) x grid x grid of the moving average, a map a lesson
 * @param confident pixels of at least this probability count; the share of such pixels of the batch weighs all mixes
 */
export function classMix(lessons: readonly Lesson[], teachers: readonly Maps[], random: Random, confident: number): MixedLesson[] {
  const seen = lessons.map((lesson, i) => {
    const labels = argmaxLabels(teachers[i]);
    return decided({ ...labels, data: labels.data.map((label, p) => (lesson.inside[p] ? label : IGNORE)) }, lesson.certain);
  });
  const best = teachers.map(({ data, channels, height, width }) => Float32Array.from({ length: height * width }, (_, p) => {
    let most = 0;
    for (let c = 0; c < channels; c++) most = Math.max(most, data[c * height * width + p]);
    return most;
  }));
  const mixes = lessons.map((target, i) => {
    const next = (i + 1) % lessons.length;
    // Here the mask is of the crop itself, and what it lacks comes from its neighbour.
    const mask = classMask(seen[i], chooseClasses(seen[i], random));
    const labels = mixLabels(mask, seen[i], seen[next]);
    const sure = best[i].reduce((count, _, p) => count + Number((mask[p] ? best[i] : best[next])[p] >= confident), 0) / mask.length;
    return {
      sure,
      mixed: { image: mixedImage(mask, target, lessons[next]), channels: classesOf(labels).filter(label => label !== 0), inside: union(mask, target, lessons[next]), scores: zeroMaps(0, labels.height, labels.width), labels },
    };
  });
  const weight = mixes.reduce((sum, { sure }) => sum + sure, 0) / mixes.length;
  return mixes.map(({ mixed }) => ({ ...mixed, weight }));
}

function mixLabelsOf({ mixLabels: labels }: Lesson): LabelMap {
  if (!labels) throw new Error('a lesson without labels to mix');
  return labels;
}

/** Scores by channel of `channels`; those that the lesson has not are 0. */
function spread(lesson: Lesson, channels: readonly number[]): Maps {
  const out = zeroMaps(channels.length, lesson.scores.height, lesson.scores.width);
  channels.forEach((channel, k) => {
    const own = lesson.channels.indexOf(channel);
    if (own >= 0) plane(out, k).set(plane(lesson.scores, own));
  });
  return out;
}

function mixedImage(mask: Uint8Array, source: Lesson, target: Lesson): RgbImage {
  const { side } = target.crop.view;
  const grid = target.labels.width;
  const factor = side / grid;
  const fine = Uint8Array.from({ length: side * side }, (_, p) => mask[Math.floor(Math.floor(p / side) / factor) * grid + Math.floor((p % side) / factor)]);
  return mixImages(fine, source.crop.image, target.crop.image);
}

function union(mask: Uint8Array, source: Lesson, target: Lesson): Uint8Array {
  return mask.map((pasted, p) => (pasted ? source : target).inside[p]);
}
