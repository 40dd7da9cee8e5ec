/**
 * The magic wand: pixels of the photo that look like the one pointed at and are connected with it, inside the region of the mask that was pointed at. Likeness is the
 * distance of colours in CIELAB, where it agrees with the eye (CIE 1976: sRGB -> linear -> XYZ (D65) -> L*a*b*; 2.3 is just noticeable); CIELAB is linear near black, so
 * that the noise of shadows does not tear a region apart. Only as much of the photo is looked at as the pixels reach: a window that doubles while they touch its edge.
 */
import type { Rect } from '../../shared/labelPatch';
import type { LabelMap } from '../../shared/maps';
import { componentAt } from './component';
import { holesOf } from './holes';
import { grown, isInside } from './rects';
import { window, type Selection } from './selection';

/** RGBA bytes of the photo inside a rectangle that lies in it. */
export type ReadPixels = (rect: Rect) => Uint8ClampedArray;

/** Distances are kept in bytes, in steps of a half; what is farther counts as 127.5. */
const STEPS = 2;
/** Half the first window. */
const REACH = 256;
/** Holes of a few pixels are noise. */
const NOISE = 24;

export class Wand {
  private reach = REACH;
  private seen: { rect: Rect; distances: Uint8Array } | undefined;
  private readonly reference: readonly [number, number, number];
  private readonly label: number;

  /**
   * @param x of a photo pixel inside the mask; its colour is the mean of 3 x 3 pixels.
   * @param held whether the region of the mask that (x, y) is in holds the wand.
   */
  constructor(
    private readonly labels: LabelMap,
    private readonly x: number,
    private readonly y: number,
    private readonly read: ReadPixels,
    private readonly held: boolean,
  ) {
    if (!isInside(labels, x, y)) throw new Error(`wand: (${x}, ${y}) lies outside`);
    this.label = labels.data[y * labels.width + x];
    this.reference = meanColour(read(grown({ x, y, width: 1, height: 1 }, 1, labels) ?? { x, y, width: 1, height: 1 }));
  }

  /** Pixels that are at most `tolerance` (0..100) from the colour pointed at. The mask must be as it was when the wand was made. */
  select(tolerance: number): Selection {
    for (;;) {
      const { rect, distances } = this.look();
      const alike = new Uint8Array(distances.length);
      const most = tolerance * STEPS;
      for (let p = 0, y = rect.y; y < rect.y + rect.height; y++) {
        for (let x = rect.x, at = y * this.labels.width + rect.x; x < rect.x + rect.width; x++, p++, at++) {
          if (distances[p] <= most && (!this.held || this.labels.data[at] === this.label)) alike[p] = 1;
        }
      }
      // The mean colour may be far from the pixel's own.
      alike[(this.y - rect.y) * rect.width + this.x - rect.x] = 1;
      const found = componentAt({ data: alike, width: rect.width, height: rect.height }, this.x - rect.x, this.y - rect.y, { connectivity: 4 });
      if (found === undefined) throw new Error('wand: its own pixel is not there');
      const selection = { rect: { ...found.rect, x: found.rect.x + rect.x, y: found.rect.y + rect.y }, inside: found.inside };
      if (!this.touchesWindow(selection.rect, rect)) return this.withoutNoise(selection);
      this.reach *= 2;
      this.seen = undefined;
    }
  }

  private look(): { rect: Rect; distances: Uint8Array } {
    if (this.seen === undefined) {
      const { x, y, reach } = this;
      const rect = grown({ x, y, width: 1, height: 1 }, reach, this.labels) ?? { x, y, width: 1, height: 1 };
      this.seen = { rect, distances: colourDistances(this.read(rect), this.reference) };
    }
    return this.seen;
  }

  /** Whether there may be more beyond the window. */
  private touchesWindow(rect: Rect, { x, y, width, height }: Rect): boolean {
    return (
      (rect.x === x && x > 0) ||
      (rect.y === y && y > 0) ||
      (rect.x + rect.width === x + width && x + width < this.labels.width) ||
      (rect.y + rect.height === y + height && y + height < this.labels.height)
    );
  }

  /** With its smallest holes filled, as far as they have the label pointed at. */
  private withoutNoise(selection: Selection): Selection {
    const holes = holesOf(selection, NOISE);
    if (holes === undefined) return selection;
    const { inside } = window(holes, selection.rect);
    const { x, y, width } = selection.rect;
    for (let p = 0; p < inside.length; p++) {
      if (inside[p] === 0 || (this.held && this.labels.data[(y + Math.floor(p / width)) * this.labels.width + x + (p % width)] !== this.label)) continue;
      selection.inside[p] = 1;
    }
    return selection;
  }
}

/** Distance of each RGBA pixel from a colour (0..255, fractions) in CIELAB, times 2, rounded, 255 at most. */
export function colourDistances(rgba: Uint8ClampedArray, reference: readonly [number, number, number]): Uint8Array {
  const distances = new Uint8Array(rgba.length >> 2);
  const [x0, y0, z0] = reference.map(value => linear(value / 255));
  const fx0 = root(0.4124564 * x0 + 0.3575761 * y0 + 0.1804375 * z0, WHITE_X);
  const fy0 = root(0.2126729 * x0 + 0.7151522 * y0 + 0.072175 * z0, 1);
  const fz0 = root(0.0193339 * x0 + 0.119192 * y0 + 0.9503041 * z0, WHITE_Z);
  for (let p = 0, i = 0; p < distances.length; p++, i += 4) {
    const r = LINEAR[rgba[i]];
    const g = LINEAR[rgba[i + 1]];
    const b = LINEAR[rgba[i + 2]];
    const fx = root(0.4124564 * r + 0.3575761 * g + 0.1804375 * b, WHITE_X) - fx0;
    const fy = root(0.2126729 * r + 0.7151522 * g + 0.072175 * b, 1) - fy0;
    const fz = root(0.0193339 * r + 0.119192 * g + 0.9503041 * b, WHITE_Z) - fz0;
    const lightness = 116 * fy;
    const a = 500 * (fx - fy);
    const yellow = 200 * (fy - fz);
    distances[p] = Math.min(255, Math.round(STEPS * Math.sqrt(lightness * lightness + a * a + yellow * yellow)));
  }
  return distances;
}

const WHITE_X = 0.95047;
const WHITE_Z = 1.08883;
const LINEAR = Float64Array.from({ length: 256 }, (_, value) => linear(value / 255));

function linear(value: number): number {
  return value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4;
}

/** The f of CIELAB over 0..1, in a table that is read between its entries: its error is below 1e-5. */
const ROOT_ENTRIES = 4096;
const ROOTS = Float64Array.from({ length: ROOT_ENTRIES + 2 }, (_, i) => {
  const t = i / ROOT_ENTRIES;
  return t > (6 / 29) ** 3 ? Math.cbrt(t) : (t * (29 / 6) ** 2) / 3 + 4 / 29;
});

function root(value: number, white: number): number {
  const at = Math.min(1, value / white) * ROOT_ENTRIES;
  const i = Math.floor(at);
  return ROOTS[i] + (at - i) * (ROOTS[i + 1] - ROOTS[i]);
}

function meanColour(rgba: Uint8ClampedArray): readonly [number, number, number] {
  const sums: [number, number, number] = [0, 0, 0];
  for (let i = 0; i < rgba.length; i += 4) for (let c = 0; c < 3; c++) sums[c] += rgba[i + c];
  const count = rgba.length / 4;
  return [sums[0] / count, sums[1] / count, sums[2] / count];
}
