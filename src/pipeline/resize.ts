/**
 * Resizing of maps by the rules of `torch.nn.functional.interpolate` (no antialias), which every method here was written with.
 * For n input and N output positions:
 *
 *     bilinear, half pixel       source = max((i + 0.5) n / N - 0.5, 0)
 *     bilinear, aligned corners  source = i (n - 1) / (N - 1)            (0 when N = 1)
 *     nearest                    source = floor(i n / N)
 *
 * Puzzle-CAM and RS+EPM use half pixels, 1-stage-wseg (PAMR) aligned corners.
 */
import { plane, zeroMaps, type LabelMap, type Maps } from '../shared/maps';

export interface BilinearOptions {
  /** Corner pixels of input and output coincide (torch's `align_corners=True`); half pixels otherwise. */
  alignCorners?: boolean;
  /** Only these rows of the result, [from, to). */
  rows?: readonly [from: number, to: number];
}

/** `maps` at height x width (or some rows of that), bilinear. Values stay inside the range of the input. @throws on an empty input or output size. */
export function resizeBilinear(maps: Maps, height: number, width: number, options: BilinearOptions = {}): Maps {
  checkSizes(maps, height, width);
  const columns = bilinearTaps(maps.width, width, options);
  const rows = bilinearTaps(maps.height, height, options);
  const [from, to] = options.rows ?? [0, height];
  const out = zeroMaps(maps.channels, to - from, width);
  // Each needed source row is stretched once; the two that the current output row lies between are kept.
  let upper = new Float32Array(width);
  let lower = new Float32Array(width);
  for (let c = 0; c < maps.channels; c++) {
    const source = plane(maps, c);
    const target = plane(out, c);
    let upperRow = -1;
    let lowerRow = -1;
    for (let y = from; y < to; y++) {
      const first = rows.first[y];
      const second = rows.second[y];
      if (first === lowerRow) {
        [upper, lower] = [lower, upper];
        [upperRow, lowerRow] = [lowerRow, upperRow];
      }
      if (first !== upperRow) stretchRow(source.subarray(first * maps.width, (first + 1) * maps.width), columns, upper);
      upperRow = first;
      if (second !== lowerRow) stretchRow(source.subarray(second * maps.width, (second + 1) * maps.width), columns, lower);
      lowerRow = second;
      const share = rows.share[y];
      const keep = 1 - share;
      const start = (y - from) * width;
      for (let x = 0; x < width; x++) target[start + x] = keep * upper[x] + share * lower[x];
    }
  }
  return out;
}

/** The same as `resizeBilinear`, pixel by pixel from the definition. */
export function resizeBilinearReference(maps: Maps, height: number, width: number, options: BilinearOptions = {}): Maps {
  checkSizes(maps, height, width);
  const out = zeroMaps(maps.channels, height, width);
  for (let c = 0; c < maps.channels; c++) {
    const from = plane(maps, c);
    const to = plane(out, c);
    for (let y = 0; y < height; y++) {
      const sy = bilinearSource(y, maps.height, height, options);
      const y0 = Math.floor(sy);
      const y1 = Math.min(y0 + 1, maps.height - 1);
      for (let x = 0; x < width; x++) {
        const sx = bilinearSource(x, maps.width, width, options);
        const x0 = Math.floor(sx);
        const x1 = Math.min(x0 + 1, maps.width - 1);
        const top = from[y0 * maps.width + x0] * (1 - (sx - x0)) + from[y0 * maps.width + x1] * (sx - x0);
        const bottom = from[y1 * maps.width + x0] * (1 - (sx - x0)) + from[y1 * maps.width + x1] * (sx - x0);
        to[y * width + x] = top * (1 - (sy - y0)) + bottom * (sy - y0);
      }
    }
  }
  return out;
}

/** `maps` at height x width, nearest. @throws on an empty input or output size. */
export function resizeNearest(maps: Maps, height: number, width: number): Maps {
  checkSizes(maps, height, width);
  const out = zeroMaps(maps.channels, height, width);
  for (let c = 0; c < maps.channels; c++) copyNearest(plane(maps, c), maps, plane(out, c), out);
  return out;
}

/**
 * `maps` at height x width: the mean of the pixels that each cell touches (torch's `adaptive_avg_pool2d`; cell i of N reaches from floor(i n / N) to before
 * ceil((i + 1) n / N)). @throws on an empty input or output size.
 */
export function areaMeans(maps: Maps, height: number, width: number): Maps {
  checkSizes(maps, height, width);
  const out = zeroMaps(maps.channels, height, width);
  for (let c = 0; c < maps.channels; c++) {
    const source = plane(maps, c);
    const target = plane(out, c);
    for (let y = 0; y < height; y++) {
      const [top, bottom] = [Math.floor((y * maps.height) / height), Math.ceil(((y + 1) * maps.height) / height)];
      for (let x = 0; x < width; x++) {
        const [left, right] = [Math.floor((x * maps.width) / width), Math.ceil(((x + 1) * maps.width) / width)];
        let sum = 0;
        for (let row = top; row < bottom; row++) for (let i = row * maps.width + left; i < row * maps.width + right; i++) sum += source[i];
        target[y * width + x] = sum / ((bottom - top) * (right - left));
      }
    }
  }
  return out;
}

/** `maps` at height x width: `areaMeans` where that is smaller on both sides, else bilinear. @throws on an empty input or output size. */
export function resizeArea(maps: Maps, height: number, width: number): Maps {
  return height < maps.height && width < maps.width ? areaMeans(maps, height, width) : resizeBilinear(maps, height, width);
}

/** `labels` at height x width, nearest: every label of the result is a label of the input. @throws on an empty input or output size. */
export function resizeLabels(labels: LabelMap, height: number, width: number): LabelMap {
  checkSizes(labels, height, width);
  const out = { data: new Uint8Array(height * width), height, width };
  copyNearest(labels.data, labels, out.data, out);
  return out;
}

interface Size {
  height: number;
  width: number;
}

/** For each output position: the two source positions it lies between and the share of the second. */
interface Taps {
  first: Int32Array;
  second: Int32Array;
  share: Float64Array;
}

function bilinearTaps(from: number, to: number, options: BilinearOptions): Taps {
  const taps: Taps = { first: new Int32Array(to), second: new Int32Array(to), share: new Float64Array(to) };
  for (let i = 0; i < to; i++) {
    const source = bilinearSource(i, from, to, options);
    taps.first[i] = Math.floor(source);
    taps.second[i] = Math.min(taps.first[i] + 1, from - 1);
    taps.share[i] = source - taps.first[i];
  }
  return taps;
}

function bilinearSource(i: number, from: number, to: number, options: BilinearOptions): number {
  if (options.alignCorners) return to === 1 ? 0 : Math.min((i * (from - 1)) / (to - 1), from - 1);
  return Math.min(Math.max(((i + 0.5) * from) / to - 0.5, 0), from - 1);
}

function stretchRow(from: Float32Array, taps: Taps, to: Float32Array): void {
  for (let x = 0; x < to.length; x++) {
    const share = taps.share[x];
    to[x] = from[taps.first[x]] * (1 - share) + from[taps.second[x]] * share;
  }
}

function copyNearest<T extends Float32Array | Uint8Array>(from: T, fromSize: Size, to: T, toSize: Size): void {
  const columns = Int32Array.from({ length: toSize.width }, (_, x) => nearestSource(x, fromSize.width, toSize.width));
  for (let y = 0; y < toSize.height; y++) {
    const source = nearestSource(y, fromSize.height, toSize.height) * fromSize.width;
    const target = y * toSize.width;
    for (let x = 0; x < toSize.width; x++) to[target + x] = from[source + columns[x]];
  }
}

function nearestSource(i: number, from: number, to: number): number {
  return Math.min(Math.floor((i * from) / to), from - 1);
}

function checkSizes(from: Size, height: number, width: number): void {
  if (from.height < 1 || from.width < 1 || height < 1 || width < 1) {
    throw new Error(`resize: cannot turn ${from.height} x ${from.width} into ${height} x ${width}`);
  }
}
