/**
 * Removed regions: connected pixels (sides or corners) that were taken from one class. With neighbours at corners two regions of a class cannot have the same box,
 * so class and box name a region.
 */
import { IGNORE, type LabelMap } from '../../shared/maps';
import { labelComponents } from '../components';

export interface Region {
  classId: number;
  /** x, y, width, height. */
  box: [number, number, number, number];
  /** Indices into the mask, ascending. */
  pixels: Int32Array;
}

/** Regions of `removed` (class id where removed, 0 elsewhere), by class and then by their first pixel. Each removed pixel is in exactly one. */
export function regionsOf(removed: LabelMap): Region[] {
  const { data, height, width } = removed;
  const areas = new Int32Array(256);
  for (let p = 0; p < data.length; p++) areas[data[p]]++;
  return Array.from(areas.keys())
    .filter(classId => classId > 0 && classId < IGNORE && areas[classId] > 0)
    .flatMap(classId => {
      const { labels, count } = labelComponents(data.map(label => (label === classId ? 1 : 0)), height, width, 8);
      return componentsOf(labels, count, width).map(({ box, pixels }): Region => ({ classId, box, pixels }));
    });
}

export function regionId(photo: string, { classId, box }: Pick<Region, 'classId' | 'box'>): string {
  return `${photo}#${classId}@${box.join()}`;
}

function componentsOf(labels: Int32Array, count: number, width: number): { box: Region['box']; pixels: Int32Array }[] {
  const areas = new Int32Array(count + 1);
  for (let p = 0; p < labels.length; p++) areas[labels[p]]++;
  const pixels = Array.from({ length: count }, (_, i) => new Int32Array(areas[i + 1]));
  const filled = new Int32Array(count + 1);
  for (let p = 0; p < labels.length; p++) {
    const label = labels[p];
    if (label > 0) pixels[label - 1][filled[label]++] = p;
  }
  return pixels.map(own => {
    const [top, bottom] = [Math.floor(own[0] / width), Math.floor(own[own.length - 1] / width)];
    let [left, right] = [width, 0];
    for (let i = 0; i < own.length; i++) {
      const x = own[i] % width;
      if (x < left) left = x;
      if (x > right) right = x;
    }
    return { box: [left, top, right - left + 1, bottom - top + 1], pixels: own };
  });
}
