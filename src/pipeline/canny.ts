/**
 * Canny edges in whole numbers, equal to OpenCV's 8-bit `GaussianBlur` (5 x 5, sigma from the size) and `Canny` (aperture 3,
 * L1 gradient): Sobel gradients, suppression of pixels that are no maximum across the edge, hysteresis between two thresholds
 * (J. Canny, A Computational Approach to Edge Detection, 1986).
 */

/** H x W bytes, row-major. */
export interface GreyImage {
  data: Uint8Array;
  height: number;
  width: number;
}

/** tan(22.5 degrees) in 15-bit fixed point: decides which neighbours lie across the edge. */
const TAN_22 = 13573;

/** Blurred with [1 4 6 4 1] / 16 along both axes, border mirrored without repeating the edge pixel, rounded half up. */
export function gaussianBlur5(image: GreyImage): GreyImage {
  const { data, height, width } = image;
  const rows = new Int32Array(height * width);
  const column = [-2, -1, 0, 1, 2].map(d => Int32Array.from({ length: width }, (_, x) => mirror(x + d, width)));
  for (let y = 0; y < height; y++) {
    const row = data.subarray(y * width, (y + 1) * width);
    for (let x = 0; x < width; x++) {
      rows[y * width + x] =
        row[column[0][x]] + row[column[4][x]] + 4 * (row[column[1][x]] + row[column[3][x]]) + 6 * row[x];
    }
  }
  const blurred = new Uint8Array(height * width);
  for (let y = 0; y < height; y++) {
    const [a, b, c, d] = [-2, -1, 1, 2].map(step => mirror(y + step, height) * width);
    for (let x = 0; x < width; x++) {
      blurred[y * width + x] = (rows[a + x] + rows[d + x] + 4 * (rows[b + x] + rows[c + x]) + 6 * rows[y * width + x] + 128) >> 8;
    }
  }
  return { data: blurred, height, width };
}

/** `index` reflected into 0..size-1 about the outermost pixels. */
function mirror(index: number, size: number): number {
  if (size === 1) return 0;
  const period = 2 * (size - 1);
  const folded = ((index % period) + period) % period;
  return folded < size ? folded : period - folded;
}

/**
 * Edge map (255 on edges, else 0) of `image`. A pixel is a candidate when its gradient |dx| + |dy| exceeds `low` and is a
 * maximum across the edge; candidates connected (8 neighbours) to one above `high` are edges.
 */
export function canny(image: GreyImage, low: number, high: number): GreyImage {
  const { data, height, width } = image;
  // Everything carries a rim of one pixel, where the magnitude is 0.
  const stride = width + 2;
  const dx = new Int32Array(stride * (height + 2));
  const dy = new Int32Array(dx.length);
  const magnitude = new Int32Array(dx.length);
  for (let y = 0; y < height; y++) {
    const up = Math.max(y - 1, 0) * width;
    const here = y * width;
    const down = Math.min(y + 1, height - 1) * width;
    for (let x = 0; x < width; x++) {
      const left = Math.max(x - 1, 0);
      const right = Math.min(x + 1, width - 1);
      const gx = data[up + right] - data[up + left] + 2 * (data[here + right] - data[here + left]) + data[down + right] - data[down + left];
      const gy = data[down + left] - data[up + left] + 2 * (data[down + x] - data[up + x]) + data[down + right] - data[up + right];
      const p = (y + 1) * stride + x + 1;
      dx[p] = gx;
      dy[p] = gy;
      magnitude[p] = Math.abs(gx) + Math.abs(gy);
    }
  }

  const CANDIDATE = 1;
  const EDGE = 2;
  const state = new Uint8Array(dx.length);
  const open: number[] = [];
  for (let y = 1; y <= height; y++) {
    for (let p = y * stride + 1; p <= y * stride + width; p++) {
      const m = magnitude[p];
      if (m <= low || !isMaximumAcross(magnitude, dx[p], dy[p], p, stride)) continue;
      if (m > high) {
        state[p] = EDGE;
        open.push(p);
      } else state[p] = CANDIDATE;
    }
  }

  const around = [-stride - 1, -stride, -stride + 1, -1, 1, stride - 1, stride, stride + 1];
  for (let p = open.pop(); p !== undefined; p = open.pop()) {
    for (const step of around) {
      if (state[p + step] === CANDIDATE) {
        state[p + step] = EDGE;
        open.push(p + step);
      }
    }
  }

  const edges = new Uint8Array(height * width);
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) edges[y * width + x] = state[(y + 1) * stride + x + 1] === EDGE ? 255 : 0;
  }
  return { data: edges, height, width };
}

/** Ties go to the pixel further right or down, except along diagonals, where both neighbours must be smaller. */
function isMaximumAcross(magnitude: Int32Array, dx: number, dy: number, p: number, stride: number): boolean {
  const m = magnitude[p];
  const ax = Math.abs(dx);
  const steep = Math.abs(dy) * 32768;
  const flat = ax * TAN_22;
  if (steep < flat) return m > magnitude[p - 1] && m >= magnitude[p + 1];
  if (steep > flat + ax * 65536) return m > magnitude[p - stride] && m >= magnitude[p + stride];
  const side = (dx ^ dy) < 0 ? -1 : 1;
  return m > magnitude[p - stride - side] && m > magnitude[p + stride + side];
}
