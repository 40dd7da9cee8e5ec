/**
 * The three pictures that travel through SeedMask, as plain typed arrays, row-major:
 * score maps (C x H x W floats), label maps (H x W class ids) and photos (H x W x 3 bytes).
 */

/** C planes of H x W scores: `data[(c * height + y) * width + x]`. */
export interface Maps {
  data: Float32Array;
  channels: number;
  height: number;
  width: number;
}

/** One class id per pixel: 0 background, 1..254 classes, 255 ignore. */
export interface LabelMap {
  data: Uint8Array;
  height: number;
  width: number;
}

/** An 8-bit sRGB photo, EXIF-oriented, interleaved: `data[(y * width + x) * 3 + channel]`. */
export interface RgbImage {
  data: Uint8Array;
  height: number;
  width: number;
}

/** The label that means "not decided": excluded from training and from measures. */
export const IGNORE = 255;

/** A zero-filled stack of maps. */
export function zeroMaps(channels: number, height: number, width: number): Maps {
  return { data: new Float32Array(channels * height * width), channels, height, width };
}

/** The pixels of channel `c`, as a view (writes go through). */
export function plane(maps: Maps, c: number): Float32Array {
  const size = maps.height * maps.width;
  return maps.data.subarray(c * size, (c + 1) * size);
}
