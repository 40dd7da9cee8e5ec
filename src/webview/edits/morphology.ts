/**
 * Growing and shrinking by a round structuring element: dilation takes the pixels with a selected pixel at most r away, erosion those without an unselected one at most
 * r away (Serra, "Image Analysis and Mathematical Morphology", 1982). Exact in time that does not depend on r: two sweeps down and up find each pixel's distance g
 * to the nearest selected pixel of its column; in a row, such a pixel reaches sqrt(r^2 - g^2) to both sides, and two sweeps carry the farthest reach along.
 */
import type { Rect } from '../../shared/labelPatch';
import { BACKGROUND } from './labels';
import type { LabelMap } from '../../shared/maps';
import { grown } from './rects';
import { complement, paint, tight, window, type Selection } from './selection';

type Size = Pick<LabelMap, 'width' | 'height'>;

/** Pixels of a picture of this size that are at most `radius` (>= 0) away from a selected one. */
export function dilated(selection: Selection, radius: number, size: Size): Selection {
  const rect = grown(selection.rect, Math.floor(radius), size);
  return rect === undefined ? selection : { rect, inside: reached(window(selection, rect), radius) };
}

/** Selected pixels that are more than `radius` (>= 0) away from all pixels of the picture that are not selected; undefined when none is left. */
export function eroded(selection: Selection, radius: number, size: Size): Selection | undefined {
  // The nearest unselected pixel beyond the rectangle is right beside it; outside of the picture there is none.
  const rect = grown(selection.rect, 1, size);
  if (rect === undefined) return undefined;
  const outside = complement(window(selection, rect));
  return tight(complement({ rect, inside: reached(outside, radius) }));
}

/**
 * Lets a region of class `label` grow by `radius` pixels over the background, never into other classes.
 * @returns the rectangle that changed.
 */
export function grow(labels: LabelMap, region: Selection, label: number, radius: number): Rect | undefined {
  return paint(labels, dilated(region, radius, labels), label, BACKGROUND);
}

/** Takes the outermost `radius` pixels of a region of class `label` away. The photo's edge is no edge of the region. @returns the rectangle that changed. */
export function shrink(labels: LabelMap, region: Selection, label: number, radius: number): Rect | undefined {
  const rim = { rect: region.rect, inside: region.inside.slice() };
  const core = eroded(region, radius, labels);
  if (core !== undefined) {
    const kept = window(core, region.rect).inside;
    for (let p = 0; p < kept.length; p++) if (kept[p] === 1) rim.inside[p] = 0;
  }
  return paint(labels, rim, BACKGROUND, label);
}

function reached({ rect: { width, height }, inside }: Selection, radius: number): Uint8Array {
  const far = Math.floor(radius) + 1;
  const halves = Int32Array.from({ length: far + 1 }, (_, g) => (g > radius ? -1 : Math.floor(Math.sqrt(radius * radius - g * g))));
  const distances = new Uint16Array(width * height);
  for (let p = 0; p < distances.length; p++) distances[p] = inside[p] === 1 ? 0 : p < width ? far : Math.min(far, distances[p - width] + 1);
  for (let p = distances.length - width - 1; p >= 0; p--) distances[p] = Math.min(distances[p], distances[p + width] + 1);

  const out = new Uint8Array(width * height);
  for (let start = 0; start < out.length; start += width) {
    let reach = -1;
    for (let x = 0; x < width; x++) {
      const half = halves[distances[start + x]];
      if (half >= 0 && x + half > reach) reach = x + half;
      if (x <= reach) out[start + x] = 1;
    }
    reach = width;
    for (let x = width - 1; x >= 0; x--) {
      const half = halves[distances[start + x]];
      if (half >= 0 && x - half < reach) reach = x - half;
      if (x >= reach) out[start + x] = 1;
    }
  }
  return out;
}
