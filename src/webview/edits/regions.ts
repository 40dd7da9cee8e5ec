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

/** A run of a row; of joined runs, `parent` leads to the first in reading order. */
interface Run {
  label: number;
  y: number;
  from: number;
  to: number;
  parent: number;
}

/** Regions in reading order of their first pixels. */
export function regionsOf({ data, width, height }: LabelMap): Region[] {
  const runs: Run[] = [];
  let above = 0;
  for (let y = 0; y < height; y++) {
    const first = runs.length;
    const end = (y + 1) * width;
    for (let p = y * width; p < end; ) {
      const label = data[p];
      let to = p + 1;
      while (to < end && data[to] === label) to++;
      if (label !== BACKGROUND) runs.push({ label, y, from: p - y * width, to: to - y * width, parent: runs.length });
      p = to;
    }
    for (let i = first, j = above; i < runs.length; i++) {
      while (j < first && runs[j].to < runs[i].from) j++;
      for (let k = j; k < first && runs[k].from <= runs[i].to; k++) if (runs[k].label === runs[i].label) join(runs, i, k);
    }
    above = first;
  }
  const regions = new Map<number, Region>();
  runs.forEach(({ label, y, from, to }, i) => {
    const found = root(runs, i);
    const region = regions.get(found);
    const rect = { x: from, y, width: to - from, height: 1 };
    if (region === undefined) regions.set(found, { label, area: to - from, rect, x: from, y });
    else {
      region.area += to - from;
      region.rect = union(region.rect, rect) ?? rect;
    }
  });
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

function join(runs: Run[], a: number, b: number): void {
  const rootA = root(runs, a);
  const rootB = root(runs, b);
  runs[Math.max(rootA, rootB)].parent = Math.min(rootA, rootB);
}

function root(runs: Run[], i: number): number {
  while (runs[i].parent !== i) {
    runs[i].parent = runs[runs[i].parent].parent;
    i = runs[i].parent;
  }
  return i;
}
