/**
 * How classes are told apart on the canvas, not by colour alone: each id has a colour (the VOC palette's, as in the mask file), a pattern that its area is filled with
 * and a rhythm of dashes along its outline. Fifteen patterns go round among the ids; 'ignore' has one of its own.
 */
import { IGNORE } from '../../shared/maps';
import { vocPalette } from '../../shared/palette';

/** Pixels after which a pattern repeats, in both directions. */
export const PITCH = 16;
const COUNT = 16;

/** Whether a pattern has a stroke at (x, y), by place in the list. */
const STROKES: readonly ((x: number, y: number) => boolean)[] = [
  (x, y) => (x + y) % 8 < 2,
  (x, y) => (x - y + PITCH) % 8 < 2,
  (_, y) => y % 8 < 2,
  x => x % 8 < 2,
  (x, y) => x % 8 < 3 && y % 8 < 3,
  (x, y) => x % 8 < 1 || y % 8 < 1,
  (x, y) => (x + y) % 8 < 1 || (x - y + PITCH) % 8 < 1,
  (x, y) => ((x >> 2) + (y >> 2)) % 2 === 0,
  (x, y) => (x + y) % 16 < 5,
  (x, y) => (x - y + PITCH) % 16 < 5,
  (_, y) => y % 16 < 5,
  x => x % 16 < 5,
  (x, y) => y % 8 < 1 || (x + (y & 8)) % 16 < 1,
  (x, y) => (y % 8 < 2 && (x + (y & 8) / 2) % 8 < 4),
  (x, y) => (y + Math.abs((x % 8) - 4)) % 8 < 2,
  (x, y) => (x + y) % 4 < 1,
];

/** The rhythm of an outline along x + y, by place in the list: strokes in the class' colour, gaps in the contrasting one. */
const DASHES = ['############....', '########........', '####....####....', '##..##..##..##..', '#########..##...', '######..######..', '###...###...##..', '##############..'];

/** Strokes of all patterns: `[slot * PITCH² + y * PITCH + x]` is 0 or 1. */
export const PATTERN_BITS = Uint8Array.from({ length: COUNT * PITCH * PITCH }, (_, i) => {
  const [slot, y, x] = [Math.floor(i / (PITCH * PITCH)), Math.floor(i / PITCH) % PITCH, i % PITCH];
  return Number(STROKES[slot](x, y));
});

/** Strokes of all outlines: `[slot * PITCH + (x + y) % PITCH]` is 1 in a gap. */
export const DASH_BITS = Uint8Array.from({ length: COUNT * PITCH }, (_, i) => Number(DASHES[Math.floor(i / PITCH) % DASHES.length][i % PITCH] === '.'));

/** The pattern of a label, 0..15. */
export function slotOf(label: number): number {
  return label === IGNORE ? COUNT - 1 : (label + COUNT - 2) % (COUNT - 1);
}

export type Colour = readonly [red: number, green: number, blue: number];

const PALETTE = vocPalette();

/** The label's colour as the mask file has it. */
export function classColour(label: number): Colour {
  return [PALETTE[label * 3], PALETTE[label * 3 + 1], PALETTE[label * 3 + 2]];
}

/** Black or white, whichever stands out against the colour. */
export function contrasting([red, green, blue]: Colour): Colour {
  return 0.299 * red + 0.587 * green + 0.114 * blue > 120 ? [0, 0, 0] : [255, 255, 255];
}
