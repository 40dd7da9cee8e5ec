/**
 * All regions of a mask: the connected components (neighbours share a side or a corner) of each label other than background. Found from runs of rows joined by a
 * union-find, so that the time goes with the runs and not with the pixels of large regions.
 */
import type { Rect } from '../../shared/labelPatch';
import type { LabelMap } from '../../shared/maps';
import { componentAt } from './component';
import { BACKGROUND } from './labels';
import { grown, union } from './rects';
import { has, paint, type Selection } from './selection';

export interface Region {
  label: number;
  /** Pixels. */
  area: number;
  rect: Rect;
  /** Its first pixel in reading order. */
  x: number;
  y: number;
}

/** Runs of rows, by number in reading order. Of joined runs, `parents` lead to the first one. */
interface Runs {
  /** Index of the first pixel. */
  starts: number[];
  /** Index after the last pixel. */
  ends: number[];
  parents: number[];
}

/** Regions in reading order of their first pixels. */
export function regionsOf({ data, width, height }: LabelMap): Region[] {
  const { starts, ends, parents }: Runs = { starts: [], ends: [], parents: [] };
  let above = 0;
  for (let row = 0; row < height; row++) {
    const first = starts.length;
    const end = (row + 1) * width;
    for (let p = row * width; p < end; ) {
      const label = data[p];
      let to = p + 1;
      while (to < end && data[to] === label) to++;
      if (label !== BACKGROUND) {
        parents.push(starts.length);
        starts.push(p);
        ends.push(to);
      }
      p = to;
    }
    // Runs of both rows from left to right; those that touch at a corner are joined as well.
    for (let i = first, j = above; i < starts.length; i++) {
      while (j < first && ends[j] + width < starts[i]) j++;
      for (let k = j; k < first && starts[k] + width <= ends[i]; k++) if (data[starts[k]] === data[starts[i]]) join(parents, i, k);
    }
    above = first;
  }
  const regions = new Map<number, Region>();
  for (let i = 0; i < starts.length; i++) {
    const y = Math.floor(starts[i] / width);
    const rect = { x: starts[i] - y * width, y, width: ends[i] - starts[i], height: 1 };
    const found = root(parents, i);
    const region = regions.get(found);
    if (region === undefined) regions.set(found, { label: data[starts[i]], area: rect.width, rect, x: rect.x, y });
    else {
      region.area += rect.width;
      region.rect = union(region.rect, rect) ?? rect;
    }
  }
  return [...regions.values()];
}

/**
 * Gives regions of fewer than `area` pixels (of class `label` only, if that is said) the label that most of their neighbours have: crumbs in the background become
 * background, crumbs inside a class become that class.
 * @returns the rectangle that changed.
 */
export function removeSmall(labels: LabelMap, area: number, label?: number): Rect | undefined {
  let changed: Rect | undefined;
  for (const region of regionsOf(labels)) {
    if (region.area >= area || (label !== undefined && region.label !== label)) continue;
    const selection = componentAt(labels, region.x, region.y, { connectivity: 8, within: region.rect });
    // An earlier crumb may have become a part of this one's label.
    if (selection !== undefined) changed = union(changed, paint(labels, selection, mostAround(labels, selection), region.label));
  }
  return changed;
}

/** The most frequent label of the pixels that share a side with the selection, the smaller one of two; background where there are none. */
function mostAround(labels: LabelMap, selection: Selection): number {
  const counts = new Uint32Array(256);
  const rim = grown(selection.rect, 1, labels) ?? selection.rect;
  for (let y = rim.y; y < rim.y + rim.height; y++) {
    for (let x = rim.x; x < rim.x + rim.width; x++) {
      const besides = !has(selection, x, y) && (has(selection, x - 1, y) || has(selection, x + 1, y) || has(selection, x, y - 1) || has(selection, x, y + 1));
      if (besides) counts[labels.data[y * labels.width + x]]++;
    }
  }
  return counts.reduce((most, count, label) => (count > counts[most] ? label : most), BACKGROUND);
}

function join(parents: number[], a: number, b: number): void {
  const rootA = root(parents, a);
  const rootB = root(parents, b);
  parents[Math.max(rootA, rootB)] = Math.min(rootA, rootB);
}

function root(parents: number[], i: number): number {
  while (parents[i] !== i) {
    parents[i] = parents[parents[i]];
    i = parents[i];
  }
  return i;
}
