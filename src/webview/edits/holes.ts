/**
 * Holes of a selection: unselected pixels that cannot be reached from outside through pixels that share a side. What touches the photo's edge is no hole.
 */
import { areaOf, tight, window, type Selection } from './selection';
import { componentAt } from './component';
import { regionsOf } from './regions';

/** The holes as a selection of their own; only those of at most `atMost` pixels. Undefined when there are none. */
export function holesOf(selection: Selection, atMost = Infinity): Selection | undefined {
  const { x, y, width, height } = selection.rect;
  const rect = { x: x - 1, y: y - 1, width: width + 2, height: height + 2 };
  const data = window(selection, rect).inside;
  const size = { width: rect.width, height: rect.height };
  const outside = componentAt({ data, ...size }, 0, 0, { connectivity: 4 });
  if (outside === undefined) return undefined;
  // The outside goes all around, so its rectangle is the whole one.
  const inside = new Uint8Array(data.length);
  for (let p = 0; p < data.length; p++) inside[p] = 1 - (data[p] | outside.inside[p]);
  if (atMost < areaOf({ rect, inside })) {
    const holes = { data: inside.slice(), ...size };
    for (const hole of regionsOf(holes)) {
      if (hole.area <= atMost) continue;
      const large = componentAt(holes, hole.x, hole.y, { connectivity: 8, within: hole.rect });
      if (large !== undefined) forEachPixel(large, (column, row) => (inside[row * size.width + column] = 0));
    }
  }
  return tight({ rect, inside });
}

function forEachPixel({ rect, inside }: Selection, visit: (x: number, y: number) => void): void {
  for (let p = 0, y = rect.y; y < rect.y + rect.height; y++) for (let x = rect.x; x < rect.x + rect.width; x++, p++) if (inside[p] === 1) visit(x, y);
}
