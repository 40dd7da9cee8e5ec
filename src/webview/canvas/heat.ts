/**
 * The colours of scores: a way through the OKLab space (Ottosson 2020) on which lightness rises evenly with the score, from a dark violet over red and orange to a pale
 * yellow, so that equal steps of score look equal, also without colour vision and in print.
 */
import type { Colour } from './patterns';

const DARKEST = 0.28;
const LIGHTEST = 0.96;
/** Hue in turns and chroma at the two ends; chroma is highest in between. */
const HUE = [0.81, 1.3];
const CHROMA = 0.19;

/** Colours of the scores 0..255. */
export const HEAT: readonly Colour[] = Array.from({ length: 256 }, (_, i) => heatAt(i / 255));

function heatAt(score: number): Colour {
  const lightness = DARKEST + (LIGHTEST - DARKEST) * score;
  const hue = 2 * Math.PI * (HUE[0] + (HUE[1] - HUE[0]) * score);
  let chroma = CHROMA * Math.sin(Math.PI * (0.18 + 0.7 * score));
  // As much colour as sRGB has at this lightness and hue.
  let colour = linear(lightness, chroma, hue);
  while (colour.some(part => part < 0 || part > 1) && chroma > 0.001) {
    chroma *= 0.97;
    colour = linear(lightness, chroma, hue);
  }
  const [red, green, blue] = colour.map(part => Math.round(255 * gamma(Math.min(1, Math.max(0, part)))));
  return [red, green, blue];
}

/** OKLCh to linear sRGB. */
function linear(lightness: number, chroma: number, hue: number): number[] {
  const a = chroma * Math.cos(hue);
  const b = chroma * Math.sin(hue);
  const l = (lightness + 0.3963377774 * a + 0.2158037573 * b) ** 3;
  const m = (lightness - 0.1055613458 * a - 0.0638541728 * b) ** 3;
  const s = (lightness - 0.0894841775 * a - 1.291485548 * b) ** 3;
  return [4.0767416621 * l - 3.3077115913 * m + 0.2309699292 * s, -1.2684380046 * l + 2.6097574011 * m - 0.3413193965 * s, -0.0041960863 * l - 0.7034186147 * m + 1.707614701 * s];
}

function gamma(part: number): number {
  return part <= 0.0031308 ? 12.92 * part : 1.055 * part ** (1 / 2.4) - 0.055;
}
