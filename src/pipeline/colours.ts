/**
 * Colours as numbers that differ as much as people see them differ (CIE L*a*b*), and what tells edges by colour alone: how much neighbours differ, near and a little
 * farther.
 */
import { resizeArea, resizeBilinear } from './resize';
import { plane, zeroMaps, type Maps, type RgbImage } from '../shared/maps';

/** sRGB to CIE L*a*b* (D65), 3 x H x W. */
export function labMaps({ data, height, width }: RgbImage): Maps {
  const size = height * width;
  const out = zeroMaps(3, height, width);
  for (let p = 0; p < size; p++) {
    const [r, g, b] = [0, 1, 2].map(c => LINEAR[data[3 * p + c]]);
    const [x, y, z] = [
      (0.4124 * r + 0.3576 * g + 0.1805 * b) / 0.9505,
      0.2126 * r + 0.7152 * g + 0.0722 * b,
      (0.0193 * r + 0.1192 * g + 0.9505 * b) / 1.089,
    ].map(t => (t > 0.008856 ? Math.cbrt(t) : 7.787 * t + 16 / 116));
    out.data[p] = 116 * y - 16;
    out.data[size + p] = 500 * (x - y);
    out.data[2 * size + p] = 200 * (y - z);
  }
  return out;
}

/** Light of an 8-bit sRGB value. */
const LINEAR = Float64Array.from({ length: 256 }, (_, i) => (i / 255 <= 0.04045 ? i / 255 / 12.92 : ((i / 255 + 0.055) / 1.055) ** 2.4));

/** Channels of `colourChannels`. */
export const COLOUR_CHANNELS = 5;

/** In units of Lab: numbers of about one. */
const [COLOUR_UNIT, STEP_UNIT] = [50, 10];

/**
 * What a network of affinities sees of the colours, 5 x height x width: Lab / 50, then the largest difference (Lab / 10) to one of the four neighbours, on this grid and on
 * one of half its size.
 */
export function colourChannels(photo: RgbImage, height: number, width: number): Maps {
  const lab = resizeArea(labMaps(photo), height, width);
  const coarse = resizeArea(lab, Math.max(1, Math.round(height / 2)), Math.max(1, Math.round(width / 2)));
  const out = zeroMaps(COLOUR_CHANNELS, height, width);
  out.data.set(lab.data.map(value => value / COLOUR_UNIT));
  plane(out, 3).set(neighbourSteps(lab).data.map(value => value / STEP_UNIT));
  plane(out, 4).set(resizeBilinear(neighbourSteps(coarse), height, width).data.map(value => value / STEP_UNIT));
  return out;
}

/** 1 x h x w: the largest distance of a cell's vector to that of a neighbour on its left, right, above or below. */
function neighbourSteps({ data, channels, height, width }: Maps): Maps {
  const size = height * width;
  const out = zeroMaps(1, height, width);
  for (const [dy, dx] of [[0, 1], [1, 0]]) {
    const step = dy * width + dx;
    for (let y = 0; y + dy < height; y++) {
      for (let x = 0; x + dx < width; x++) {
        const p = y * width + x;
        let square = 0;
        for (let c = 0; c < channels; c++) square += (data[c * size + p] - data[c * size + p + step]) ** 2;
        const distance = Math.sqrt(square);
        out.data[p] = Math.max(out.data[p], distance);
        out.data[p + step] = Math.max(out.data[p + step], distance);
      }
    }
  }
  return out;
}
