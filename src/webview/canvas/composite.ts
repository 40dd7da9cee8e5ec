/**
 * Layers composited into one picture at the resolution of the screen: for a window of a grid that lies over the photo at 2^-level pixels per photo pixel, each layer is
 * sampled (labels nearest, scores bilinear), coloured with its inks and laid over what is below. Patterns and outlines are made on the grid, so they keep their size on
 * screen at every zoom.
 */
import type { LabelMap } from '../../shared/maps';
import type { ScoreLayer } from '../page';
import type { Inks } from './inks';
import { DASH_BITS, PATTERN_BITS, PITCH } from './patterns';

export interface InkedLayer {
  labels?: LabelMap;
  scores?: ScoreLayer;
  inks: Inks;
}

/** A window of the grid, in its pixels. */
export interface Window {
  x: number;
  y: number;
  width: number;
  height: number;
}

export interface Grid {
  /** Photo pixels per grid pixel are 2^level; negative when zoomed in. */
  level: number;
  /** Of the photo. */
  photoWidth: number;
  photoHeight: number;
  /** Width of outlines in grid pixels. */
  line: number;
  /** Patterns are 2^grow times as large, for screens of many pixels. */
  grow: number;
}

/**
 * Draws `layers`, the lowest first, into `out` (straight-alpha RGBA of the window, row-major, `stride` pixels from row to row, the window's first pixel at `offset`).
 * What was there is overwritten. @returns false if nothing was drawn
 */
export function composite(out: Uint32Array, stride: number, offset: number, window: Window, grid: Grid, layers: readonly InkedLayer[]): boolean {
  let drawn = false;
  for (let row = 0; row < window.height; row++) out.fill(0, offset + row * stride, offset + row * stride + window.width);
  for (const { labels, scores, inks } of layers) {
    const sampled = labels ? sampleLabels(labels, window, grid) : scores ? sampleScores(scores, window, grid) : undefined;
    if (!sampled) continue;
    lay(out, stride, offset, sampled, window, grid, inks);
    drawn = true;
  }
  return drawn;
}

/** Samples of a window and `line` grid pixels around it. Nothing where all of them are 0. */
function sampleLabels({ data, width, height }: LabelMap, window: Window, grid: Grid): Uint8Array | undefined {
  const { line } = grid;
  const columns = places(window.x - line, window.width + 2 * line, grid.level, grid.photoWidth, width);
  const rows = places(window.y - line, window.height + 2 * line, grid.level, grid.photoHeight, height);
  const out = scratch(columns.length * rows.length);
  let seen = 0;
  for (let j = 0, at = 0; j < rows.length; j++) {
    const base = rows[j] * width;
    if (j > 0 && rows[j] === rows[j - 1]) {
      out.copyWithin(at, at - columns.length, at);
      at += columns.length;
      continue;
    }
    for (let i = 0; i < columns.length; i++) seen |= out[at++] = data[base + columns[i]];
  }
  return seen === 0 ? undefined : out;
}

function sampleScores({ data, width, height }: ScoreLayer, window: Window, grid: Grid): Uint8Array | undefined {
  const { line } = grid;
  const columns = between(window.x - line, window.width + 2 * line, grid.level, grid.photoWidth, width);
  const rows = between(window.y - line, window.height + 2 * line, grid.level, grid.photoHeight, height);
  const count = columns.first.length;
  const out = scratch(count * rows.first.length);
  let seen = 0;
  for (let j = 0, at = 0; j < rows.first.length; j++) {
    const upper = rows.first[j] * width;
    const lower = Math.min(height - 1, rows.first[j] + 1) * width;
    const down = rows.share[j];
    for (let i = 0; i < count; i++) {
      const left = columns.first[i];
      const right = left + 1 < width ? left + 1 : left;
      const over = data[upper + left] + (data[upper + right] - data[upper + left]) * columns.share[i];
      const under = data[lower + left] + (data[lower + right] - data[lower + left]) * columns.share[i];
      seen |= out[at++] = over + (under - over) * down + 0.5;
    }
  }
  return seen === 0 ? undefined : out;
}

/** The layer's column (or row) under the middle of each grid pixel, clamped to the layer. */
function places(from: number, count: number, level: number, photo: number, layer: number): Int32Array {
  const step = (2 ** level * layer) / photo;
  const out = new Int32Array(count);
  for (let i = 0; i < count; i++) out[i] = Math.min(layer - 1, Math.max(0, Math.floor((from + i + 0.5) * step)));
  return out;
}

/** The two columns (or rows) whose middles lie around it: the first, and how far towards the second, 0..1. */
function between(from: number, count: number, level: number, photo: number, layer: number): { first: Int32Array; share: Float32Array } {
  const step = (2 ** level * layer) / photo;
  const first = new Int32Array(count);
  const share = new Float32Array(count);
  for (let i = 0; i < count; i++) {
    const at = Math.min(layer - 1, Math.max(0, (from + i + 0.5) * step - 0.5));
    first[i] = Math.floor(at);
    share[i] = at - first[i];
  }
  return { first, share };
}

function lay(out: Uint32Array, stride: number, offset: number, values: Uint8Array, window: Window, { line, grow }: Grid, { fill, line: outline, slots, shift }: Inks): void {
  const width = window.width + 2 * line;
  for (let j = 0; j < window.height; j++) {
    const gridY = (window.y + j) >> grow;
    const patternRow = (gridY & (PITCH - 1)) * PITCH;
    let at = (j + line) * width + line;
    let to = offset + j * stride;
    for (let i = 0; i < window.width; i++, at++, to++) {
      const value = values[at];
      if (value === 0) continue;
      const group = value >> shift;
      const gridX = (window.x + i) >> grow;
      const edge = values[at - line] >> shift !== group || values[at + line] >> shift !== group || values[at - line * width] >> shift !== group || values[at + line * width] >> shift !== group;
      const slot = slots[value];
      const ink = edge
        ? outline[value * 2 + DASH_BITS[slot * PITCH + ((gridX + gridY) & (PITCH - 1))]]
        : fill[value * 2 + PATTERN_BITS[slot * PITCH * PITCH + patternRow + (gridX & (PITCH - 1))]];
      if (ink === 0) continue;
      out[to] = out[to] === 0 || ink >>> 24 === 255 ? ink : over(ink, out[to]);
    }
  }
}

/** One straight-alpha pixel over another. */
export function over(top: number, bottom: number): number {
  const a = top >>> 24;
  const b = ((bottom >>> 24) * (255 - a)) / 255;
  const alpha = a + b;
  const mix = (shift: number): number => Math.round((((top >>> shift) & 255) * a + ((bottom >>> shift) & 255) * b) / alpha);
  return ((Math.round(alpha) << 24) | (mix(16) << 16) | (mix(8) << 8) | mix(0)) >>> 0;
}

let memory = new Uint8Array(0);

/** Room for samples, used again and again; what it holds is all written before it is read. */
function scratch(size: number): Uint8Array {
  if (memory.length < size) memory = new Uint8Array(size);
  return memory;
}
