/**
 * A mask at another size, for taking over the mask of the photo before: nearest neighbour by pixel centres, since labels have no values between them.
 *
 *     source = floor((target + 1/2) * sourceSize / targetSize)
 */
import type { LabelMap } from '../../shared/maps';

/** The map at `width` x `height` pixels; itself where it has that size. */
export function resized(labels: LabelMap, width: number, height: number): LabelMap {
  if (labels.width === width && labels.height === height) return labels;
  const data = new Uint8Array(width * height);
  const columns = Int32Array.from({ length: width }, (_, x) => nearest(x, labels.width, width));
  for (let y = 0; y < height; y++) {
    const from = nearest(y, labels.height, height) * labels.width;
    for (let x = 0; x < width; x++) data[y * width + x] = labels.data[from + columns[x]];
  }
  return { data, width, height };
}

/** Pixel of a side of `sourceSize` pixels that covers the middle of pixel `target` of `targetSize`. */
export function nearest(target: number, sourceSize: number, targetSize: number): number {
  return Math.min(sourceSize - 1, Math.floor(((target + 0.5) * sourceSize) / targetSize));
}
