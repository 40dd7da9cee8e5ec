/**
 * The connected pixels of one label around a pixel: what *fill* fills and what a region is. Found run by run (Smith, "Tint fill", SIGGRAPH 1979): the runs of a row are
 * looked up once, when the region first comes to that row, so that the time goes with the rows that it touches and not with its neighbourhoods; a photo's whole
 * background takes some tenths of a second.
 */
import type { Rect } from '../../shared/labelPatch';
import type { LabelMap } from '../../shared/maps';
import { intersection, isInside, union, whole } from './rects';
import type { Selection } from './selection';

export interface ComponentOptions {
  /** Neighbours share a side (4), or a side or a corner (8). */
  connectivity: 4 | 8;
  /** Pixels outside are not looked at; the whole map by default. */
  within?: Rect;
}

/** The runs of one row that have the label, from left to right: [starts[i], ends[i]). */
interface Row {
  starts: number[];
  ends: number[];
  taken: boolean[];
}

/** The pixels that have the label of pixel (x, y) and are connected with it; undefined when that lies outside. */
export function componentAt(labels: LabelMap, x: number, y: number, { connectivity, within = whole(labels) }: ComponentOptions): Selection | undefined {
  const limits = intersection(within, whole(labels));
  if (limits === undefined || !isInside(limits, x - limits.x, y - limits.y)) return undefined;
  const label = labels.data[y * labels.width + x];
  const rows = new Map<number, Row>();
  const rowAt = (at: number): Row => {
    let row = rows.get(at);
    if (row === undefined) rows.set(at, (row = runsOf(labels, label, at, limits)));
    return row;
  };
  // Runs at corners touch where one more pixel to each side is looked at.
  const reach = connectivity === 8 ? 1 : 0;
  const seed = rowAt(y);
  const first = firstEndingAfter(seed, x);
  seed.taken[first] = true;
  const found: number[] = [y, first];
  let rect: Rect | undefined;
  for (let i = 0; i < found.length; i += 2) {
    const row = found[i];
    const { starts, ends } = rowAt(row);
    const from = starts[found[i + 1]];
    const to = ends[found[i + 1]];
    rect = union(rect, { x: from, y: row, width: to - from, height: 1 });
    for (const next of [row - 1, row + 1]) {
      if (next < limits.y || next >= limits.y + limits.height) continue;
      const beside = rowAt(next);
      for (let run = firstEndingAfter(beside, from - reach); run < beside.starts.length && beside.starts[run] < to + reach; run++) {
        if (beside.taken[run]) continue;
        beside.taken[run] = true;
        found.push(next, run);
      }
    }
  }
  if (rect === undefined) return undefined;
  const inside = new Uint8Array(rect.width * rect.height);
  for (let i = 0; i < found.length; i += 2) {
    const { starts, ends } = rowAt(found[i]);
    const at = (found[i] - rect.y) * rect.width - rect.x;
    inside.fill(1, at + starts[found[i + 1]], at + ends[found[i + 1]]);
  }
  return { rect, inside };
}

function runsOf({ data, width }: LabelMap, label: number, y: number, limits: Rect): Row {
  const row: Row = { starts: [], ends: [], taken: [] };
  const line = data.subarray(y * width, y * width + limits.x + limits.width);
  for (let from = line.indexOf(label, limits.x); from >= 0; ) {
    let to = from + 1;
    while (to < line.length && line[to] === label) to++;
    row.starts.push(from);
    row.ends.push(to);
    row.taken.push(false);
    from = line.indexOf(label, to);
  }
  return row;
}

/** The first run of a row that reaches beyond `x`. */
function firstEndingAfter({ ends }: Row, x: number): number {
  let low = 0;
  let high = ends.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (ends[middle] > x) high = middle;
    else low = middle + 1;
  }
  return low;
}
