/**
 * PAMR, pixel-adaptive mask refinement (Araslanov & Roth, "Single-Stage Semantic Segmentation from Image Labels", CVPR 2020,
 * section 4): each pixel's scores become a mean of its neighbours' scores, weighted by likeness of colour, several times over.
 *
 *     taps n: for each dilation d, the 8 neighbours d pixels away; coordinates outside are clamped
 *     sigma_c(p) = unbiased std of colour c over taps and centre, the centre counted once a dilation
 *     e(p, n) = mean_c -|x_c(p) - x_c(p + n)| / (1e-8 + 0.1 sigma_c(p));     w(p, .) = softmax_n e(p, n)
 *     m(p) <- sum_n w(p, n) m(p + n)                                         `iterations` times
 *
 * The weights depend on the photo only and are scale-free in its values, so they are computed once a photo and serve all its maps.
 * The centre is no tap of its own; peaks shrink; values stay inside the range of m.
 */
import { plane, zeroMaps, type Maps, type RgbImage } from '../shared/maps';
import { checkSize, PamrAffinity, tapsOf, type Tap } from './pamrAffinity';

export type { PamrAffinity } from './pamrAffinity';

export const PAMR_DILATIONS: readonly number[] = [1, 2, 4, 8, 12, 24];
export const PAMR_ITERATIONS = 10;

export interface PamrOptions {
  /** Distances of the taps in pixels; 1, 2, 4, 8, 12, 24 by default. */
  dilations?: readonly number[];
}

/**
 * Weights of a photo, given as bytes or as 3 x H x W floats of any range.
 * @throws SeedMaskError 'too-large' beyond 4 GB of weights, 'out-of-memory'.
 */
export function pamrAffinity(image: RgbImage | Maps, options: PamrOptions = {}): PamrAffinity {
  return new PamrAffinity(colourPlanes(image), options.dilations ?? PAMR_DILATIONS);
}

/** C x H x W `maps` after `iterations` sweeps with the weights of a photo of the same size. Each map is treated alone. */
export function pamrIterate(affinity: PamrAffinity, maps: Maps, iterations = PAMR_ITERATIONS): Maps {
  return affinity.iterate(maps, iterations);
}

/** Both steps at once. @throws as `pamrAffinity`. */
export function pamr(image: RgbImage | Maps, maps: Maps, options: PamrOptions & { iterations?: number } = {}): Maps {
  const affinity = pamrAffinity(image, options);
  try {
    return pamrIterate(affinity, maps, options.iterations);
  } finally {
    affinity.release();
  }
}

/** The same as `pamr`, from the definition, in double precision. */
export function pamrReference(image: RgbImage | Maps, maps: Maps, options: PamrOptions & { iterations?: number } = {}): Maps {
  const { dilations = PAMR_DILATIONS, iterations = PAMR_ITERATIONS } = options;
  const photo = colourPlanes(image);
  const { height, width } = photo;
  checkSize(maps, photo);
  const taps = tapsOf(dilations);
  const at = (p: number, [dy, dx]: Tap) => clamp(Math.floor(p / width) + dy, height) * width + clamp((p % width) + dx, width);
  const weights = Array.from({ length: height * width }, (_, p) => {
    const exponents = taps.map(() => 0);
    for (let c = 0; c < photo.channels; c++) {
      const colour = plane(photo, c);
      const near = taps.map(tap => colour[at(p, tap)]);
      const scale = 1e-8 + 0.1 * deviation([...near, ...dilations.map(() => colour[p])]);
      near.forEach((value, n) => (exponents[n] -= Math.abs(colour[p] - value) / scale / photo.channels));
    }
    const largest = Math.max(...exponents);
    const powers = exponents.map(e => Math.exp(e - largest));
    const sum = powers.reduce((a, b) => a + b, 0);
    return powers.map(power => power / sum);
  });
  const out = { ...maps, data: maps.data.slice() };
  for (let c = 0; c < maps.channels; c++) {
    for (let i = 0; i < iterations; i++) {
      const before = Float64Array.from(plane(out, c));
      plane(out, c).set(before.map((_, p) => taps.reduce((sum, tap, n) => sum + weights[p][n] * before[at(p, tap)], 0)));
    }
  }
  return out;
}

function deviation(values: readonly number[]): number {
  const mean = values.reduce((a, b) => a + b, 0) / values.length;
  return Math.sqrt(values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / (values.length - 1));
}

function clamp(value: number, size: number): number {
  return Math.min(Math.max(value, 0), size - 1);
}

/** The photo as 3 x H x W floats; bytes in 0..1. */
function colourPlanes(image: RgbImage | Maps): Maps {
  if ('channels' in image) {
    if (image.channels !== 3) throw new Error(`PAMR: a photo has 3 colours, this one ${image.channels}`);
    return image;
  }
  const out = zeroMaps(3, image.height, image.width);
  const size = image.height * image.width;
  for (let p = 0; p < size; p++) for (let c = 0; c < 3; c++) out.data[c * size + p] = image.data[p * 3 + c] / 255;
  return out;
}
