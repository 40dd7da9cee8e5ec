/**
 * The pictures of a contact sheet's cells: maps and labels laid over a photo of any size. Colours are blended in sRGB, as screens do.
 */
import { resizeBilinear } from '../src/pipeline/resize';
import { IGNORE, type LabelMap, type Maps, type RgbImage } from '../src/shared/maps';
import { vocPalette } from '../src/shared/palette';

type Rgb = readonly [number, number, number];

/** From no evidence to the most, dark to light (after matplotlib's inferno). */
export const HEAT: readonly Rgb[] = [[0, 0, 4], [51, 10, 95], [120, 28, 109], [187, 55, 84], [237, 105, 37], [252, 181, 25], [252, 255, 164]];

const PALETTE = vocPalette();
const WHITE: Rgb = [255, 255, 255];

/** The colour of class `id` on the sheet: that of the mask file's palette, lightened for dark photos. Different ids keep different colours. */
export function classColour(id: number): Rgb {
  const lighter = (value: number): number => Math.round(32 + (value * 223) / 224);
  return [lighter(PALETTE[id * 3]), lighter(PALETTE[id * 3 + 1]), lighter(PALETTE[id * 3 + 2])];
}

/** The largest of the maps (0..1) as heat over a grey photo. */
export function camPanel(photo: RgbImage, cams: Maps): RgbImage {
  const maps = resizeBilinear(cams, photo.height, photo.width);
  const size = photo.height * photo.width;
  return paint(photo, (i, pixel) => {
    let score = 0;
    for (let k = 0; k < maps.channels; k++) score = Math.max(score, maps.data[k * size + i]);
    return blend(heat(score), grey(pixel), 0.3);
  });
}

/** Certain pixels in their class's colour, certain background darkened, undecided pixels hatched. */
export function seedPanel(photo: RgbImage, seed: LabelMap): RgbImage {
  const labels = resizeLabels(seed, photo.height, photo.width);
  return paint(photo, (i, pixel) => {
    const label = labels[i];
    const shade = grey(pixel);
    if (label === IGNORE) {
      const stripe = ((i % photo.width) + Math.floor(i / photo.width)) % 8 < 3;
      return blend(stripe ? [110, 110, 110] : WHITE, shade, 0.45);
    }
    return label === 0 ? blend([0, 0, 0], shade, 0.35) : blend(classColour(label), shade, 0.25);
  });
}

/** Classes in their colours with a light outline; the background is the photo in grey, darkened. */
export function maskPanel(photo: RgbImage, mask: LabelMap): RgbImage {
  const { width, height } = photo;
  const labels = resizeLabels(mask, height, width);
  const differs = (i: number, x: number, y: number): boolean => x >= 0 && y >= 0 && x < width && y < height && labels[y * width + x] !== labels[i];
  return paint(photo, (i, pixel) => {
    const x = i % width;
    const y = Math.floor(i / width);
    const edge = labels[i] !== 0 && (differs(i, x - 1, y) || differs(i, x + 1, y) || differs(i, x, y - 1) || differs(i, x, y + 1));
    if (edge) return WHITE;
    return labels[i] === 0 ? blend([0, 0, 0], grey(pixel), 0.55) : blend(classColour(labels[i]), pixel, 0.4);
  });
}

/** Nearest label of each pixel's centre. */
function resizeLabels({ data, height, width }: LabelMap, toHeight: number, toWidth: number): Uint8Array {
  const out = new Uint8Array(toHeight * toWidth);
  for (let y = 0; y < toHeight; y++) {
    const row = Math.floor(((y + 0.5) * height) / toHeight) * width;
    for (let x = 0; x < toWidth; x++) out[y * toWidth + x] = data[row + Math.floor(((x + 0.5) * width) / toWidth)];
  }
  return out;
}

function paint(photo: RgbImage, colour: (i: number, pixel: Rgb) => Rgb): RgbImage {
  const data = new Uint8Array(photo.data.length);
  for (let i = 0; i < photo.width * photo.height; i++) data.set(colour(i, [photo.data[i * 3], photo.data[i * 3 + 1], photo.data[i * 3 + 2]]), i * 3);
  return { ...photo, data };
}

function grey([r, g, b]: Rgb): Rgb {
  const y = 0.299 * r + 0.587 * g + 0.114 * b;
  return [y, y, y];
}

/** `share` of `b`, the rest of `a`. */
function blend(a: Rgb, b: Rgb, share: number): Rgb {
  const mix = (c: 0 | 1 | 2): number => Math.round(a[c] * (1 - share) + b[c] * share);
  return [mix(0), mix(1), mix(2)];
}

function heat(score: number): Rgb {
  const place = Math.min(1, Math.max(0, score)) * (HEAT.length - 1);
  const low = Math.min(HEAT.length - 2, Math.floor(place));
  return blend(HEAT[low], HEAT[low + 1], place - low);
}
