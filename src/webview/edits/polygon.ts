/**
 * A closed path as pixels: those whose centres lie inside it. A pixel that a side runs through belongs to one side only (left and top edges are in, right and bottom
 * edges are not), so that two shapes that share a side neither overlap nor leave a gap.
 */
import type { LabelMap } from '../../shared/maps';
import { tight, type Selection } from './selection';

/** What is inside where the path crosses itself: 'even-odd' leaves every second layer out, 'non-zero' takes all that the path goes around. */
export type FillRule = 'even-odd' | 'non-zero';

/** Pixels of a picture of this size inside the path through `points` (photo pixels, fractions) and back to the first; undefined when there are none. */
export function polygon({ width, height }: Pick<LabelMap, 'width' | 'height'>, points: readonly (readonly [number, number])[], rule: FillRule): Selection | undefined {
  if (points.length < 3) return undefined;
  const ys = points.map(([, y]) => y);
  const xs = points.map(([x]) => x);
  const top = Math.max(0, rowAfter(minimum(ys)));
  const end = Math.min(height, rowAfter(-minimum(ys.map(y => -y))));
  const left = Math.max(0, Math.floor(minimum(xs)));
  const right = Math.min(width, Math.ceil(-minimum(xs.map(x => -x))));
  if (top >= end || left >= right) return undefined;

  const crossings = Array.from({ length: end - top }, (): { x: number; turn: 1 | -1 }[] => []);
  points.forEach(([x0, y0], i) => {
    const [x1, y1] = points[(i + 1) % points.length];
    const turn = y1 > y0 ? 1 : -1;
    const last = Math.min(end, rowAfter(Math.max(y0, y1)));
    for (let row = Math.max(top, rowAfter(Math.min(y0, y1))); row < last; row++) {
      crossings[row - top].push({ x: x0 + ((row + 0.5 - y0) / (y1 - y0)) * (x1 - x0), turn });
    }
  });

  const rect = { x: left, y: top, width: right - left, height: end - top };
  const inside = new Uint8Array(rect.width * rect.height);
  crossings.forEach((row, y) => {
    row.sort((a, b) => a.x - b.x);
    let winding = 0;
    for (let i = 0; i + 1 < row.length; i++) {
      winding += rule === 'even-odd' ? 1 : row[i].turn;
      if (rule === 'even-odd' ? winding % 2 === 0 : winding === 0) continue;
      const from = Math.max(left, rowAfter(row[i].x));
      const to = Math.min(right, rowAfter(row[i + 1].x));
      if (from < to) inside.fill(1, y * rect.width + from - left, y * rect.width + to - left);
    }
  });
  return tight({ rect, inside });
}

/** The first row (or column) whose middle is at `y` or after it. */
function rowAfter(y: number): number {
  return Math.ceil(y - 0.5);
}

function minimum(values: readonly number[]): number {
  return values.reduce((least, value) => Math.min(least, value), Infinity);
}
