/**
 * What each value of a layer is drawn with: two colours for its area (between and on the strokes of its pattern) and two for its outline (dashes and gaps), as packed
 * RGBA pixels. Value 0 of labels, hidden classes and an opacity of 0 are clear.
 */
import { DIFFERENCE } from '../difference';
import type { LayerLook, OpenLayer } from '../page';
import { HEAT } from './heat';
import { classColour, contrasting, slotOf, type Colour } from './patterns';

/** Straight-alpha pixels as a little-endian Uint32Array over RGBA bytes has them. */
export interface Inks {
  /** `[value * 2 + onStroke]` */
  fill: Uint32Array;
  /** `[value * 2 + inGap]` */
  line: Uint32Array;
  /** Pattern of each value, 0..15. */
  slots: Uint8Array;
  /** Values whose difference is below 2^shift are one area: 0 for labels, more for scores, whose outlines are lines of equal score. */
  shift: number;
}

/** Of a fill's opacity: what is left of it between the strokes of its pattern, and beside an outline. */
const BETWEEN = 0.62;
const BESIDE_LINE = 0.75;
/** Scores below this share of the highest fade out. */
const FADED = 0.35;
const SCORE_SHIFT = 5;
const REMOVED_SLOT = 6;

const DIFFERENCE_COLOURS: Record<number, { colour: Colour; slot: number }> = {
  [DIFFERENCE.added]: { colour: [46, 178, 80], slot: 0 },
  [DIFFERENCE.removed]: { colour: [240, 70, 62], slot: 6 },
  [DIFFERENCE.changed]: { colour: [240, 170, 40], slot: 2 },
};

/** The inks of a layer; undefined when nothing of it is to be seen. */
export function inksOf(layer: OpenLayer, look: LayerLook, hidden: ReadonlySet<number>): Inks | undefined {
  if (look.opacity <= 0 || (layer.classId !== undefined && hidden.has(layer.classId))) return undefined;
  return layer.scores ? scoreInks(look) : labelInks(layer.kind, look, hidden);
}

function labelInks(kind: OpenLayer['kind'], { opacity, style }: LayerLook, hidden: ReadonlySet<number>): Inks {
  const inks: Inks = { fill: new Uint32Array(512), line: new Uint32Array(512), slots: new Uint8Array(256), shift: 0 };
  for (let label = 1; label < 256; label++) {
    const changed = kind === 'difference' ? DIFFERENCE_COLOURS[label] : undefined;
    if (kind === 'difference' ? !changed : hidden.has(label)) continue;
    const colour = changed?.colour ?? classColour(label);
    inks.slots[label] = changed?.slot ?? (kind === 'removed' ? REMOVED_SLOT : slotOf(label));
    const area = style === 'outline' ? 0 : opacity * (style === 'both' ? BESIDE_LINE : 1);
    inks.fill[label * 2] = pixel(colour, area * BETWEEN);
    inks.fill[label * 2 + 1] = pixel(kind === 'removed' ? contrasting(colour) : colour, area);
    if (style === 'fill') {
      inks.line.set(inks.fill.subarray(label * 2, label * 2 + 2), label * 2);
    } else {
      const strength = Math.min(1, opacity * 1.5);
      const bright = lightened(colour);
      inks.line[label * 2] = pixel(kind === 'truth' ? [255, 255, 255] : bright, strength);
      inks.line[label * 2 + 1] = pixel(kind === 'truth' ? bright : contrasting(bright), strength);
    }
  }
  return inks;
}

function scoreInks({ opacity, style }: LayerLook): Inks {
  const inks: Inks = { fill: new Uint32Array(512), line: new Uint32Array(512), slots: new Uint8Array(256), shift: SCORE_SHIFT };
  for (let score = 1; score < 256; score++) {
    const strength = opacity * Math.min(1, score / 255 / FADED);
    const area = style === 'outline' ? 0 : strength;
    inks.fill.fill(pixel(HEAT[score], area), score * 2, score * 2 + 2);
    inks.line.fill(style === 'fill' ? inks.fill[score * 2] : pixel(style === 'both' ? [0, 0, 0] : HEAT[score], Math.min(1, strength * 1.3)), score * 2, score * 2 + 2);
  }
  return inks;
}

/** Dark colours of the palette would not be seen as lines. */
function lightened([red, green, blue]: Colour): Colour {
  const most = Math.max(red, green, blue, 1);
  const up = (part: number): number => Math.round(Math.min(255, (part * 255) / most) * 0.82 + 46);
  return most >= 200 ? [red, green, blue] : [up(red), up(green), up(blue)];
}

function pixel([red, green, blue]: Colour, opacity: number): number {
  const alpha = Math.round(255 * Math.min(1, Math.max(0, opacity)));
  return alpha === 0 ? 0 : ((alpha << 24) | (blue << 16) | (green << 8) | red) >>> 0;
}
