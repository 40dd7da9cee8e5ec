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

/** Distances are kept in bytes, in steps of a half; what is farther counts as 127. */
const STEPS = 2;
const FARTHEST = 254;
/** Half the first window. */
const REACH = 256;
/** Holes of a few pixels are noise. */
const NOISE = 24;

export class Wand {
  private reach = REACH;
  private seen: { rect: Rect; distances: Uint8Array } | undefined;
  private readonly distances: ColourDistances;
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
    this.distances = new ColourDistances(meanColour(read(grown({ x, y, width: 1, height: 1 }, 1, labels) ?? { x, y, width: 1, height: 1 })));
  }

  /** Pixels that are at most `tolerance` (0..100) from the colour pointed at. The mask must be as it was when the wand was made. */
  select(tolerance: number): Selection {
    for (;;) {
      const { rect, distances } = this.look();
      const alike = this.alike(rect, distances, Math.min(FARTHEST - 1, tolerance * STEPS));
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

  /** 1 where the distance is at most `most` and the label is the one held to. */
  private alike(rect: Rect, distances: Uint8Array, most: number): Uint8Array {
    const { held, label } = this;
    const { data, width } = this.labels;
    const alike = new Uint8Array(distances.length);
    for (let p = 0, y = rect.y; y < rect.y + rect.height; y++) {
      for (let at = y * width + rect.x, end = at + rect.width; at < end; p++, at++) if (distances[p] <= most && (!held || data[at] === label)) alike[p] = 1;
    }
    return alike;
  }

  private look(): { rect: Rect; distances: Uint8Array } {
    if (this.seen === undefined) {
      const { x, y, reach } = this;
      const rect = grown({ x, y, width: 1, height: 1 }, reach, this.labels) ?? { x, y, width: 1, height: 1 };
      this.seen = { rect, distances: this.distances.of(this.read(rect)) };
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

/** Distances from one colour in CIELAB. A photo has far fewer colours than pixels, so each colour is reckoned once. */
export class ColourDistances {
  /** By the 24 bits of a colour: 0 not known yet, else 1 + the distance in steps. */
  private readonly known = new Uint8Array(2 ** 24);
  private readonly fx: number;
  private readonly fy: number;
  private readonly fz: number;

  /** @param reference sRGB, 0..255, fractions allowed */
  constructor(reference: readonly [number, number, number]) {
    const [r, g, b] = reference.map(value => linear(value / 255));
    this.fx = root(0.4124564 * r + 0.3575761 * g + 0.1804375 * b, WHITE_X);
    this.fy = root(0.2126729 * r + 0.7151522 * g + 0.072175 * b, 1);
    this.fz = root(0.0193339 * r + 0.119192 * g + 0.9503041 * b, WHITE_Z);
  }

  /** Of each RGBA pixel: times 2, rounded, 254 at most. */
  of(rgba: Uint8ClampedArray): Uint8Array {
    const { known } = this;
    const distances = new Uint8Array(rgba.length >> 2);
    for (let p = 0, i = 0; p < distances.length; p++, i += 4) {
      const colour = (rgba[i] << 16) | (rgba[i + 1] << 8) | rgba[i + 2];
      let distance = known[colour];
      if (distance === 0) known[colour] = distance = 1 + this.reckon(rgba[i], rgba[i + 1], rgba[i + 2]);
      distances[p] = distance - 1;
    }
    return distances;
  }

  private reckon(red: number, green: number, blue: number): number {
    const r = LINEAR[red];
    const g = LINEAR[green];
    const b = LINEAR[blue];
    const x = root(0.4124564 * r + 0.3575761 * g + 0.1804375 * b, WHITE_X) - this.fx;
    const y = root(0.2126729 * r + 0.7151522 * g + 0.072175 * b, 1) - this.fy;
    const z = root(0.0193339 * r + 0.119192 * g + 0.9503041 * b, WHITE_Z) - this.fz;
    return Math.min(FARTHEST, Math.round(STEPS * Math.hypot(116 * y, 500 * (x - y), 200 * (y - z))));
  }
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
