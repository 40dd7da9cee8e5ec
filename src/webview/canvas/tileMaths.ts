/**
 * Which tiles of layers a view needs. At level L a tile pixel is 2^L photo pixels (negative levels: parts of one), chosen so that it is about one pixel of the screen;
 * tile (column, row) begins at tile pixel (column x TILE, row x TILE).
 */
import type { Box } from './painter';
import { TILE } from './painter';

/** A photo pixel is at most 64 pixels of the screen. */
const FINEST = -6;

export interface TilePlace {
  level: number;
  column: number;
  row: number;
}

/** The level whose tile pixels come closest to the screen's; when zoomed in, never coarser than the screen. `scale`: device pixels per photo pixel. */
export function levelFor(scale: number): number {
  const level = -Math.log2(scale);
  return Math.max(FINEST, scale >= 1 ? Math.floor(level + 1e-9) : Math.round(level));
}

/** The tiles of a level that a part of the photo touches, those nearest to its middle first. Empty outside the photo. */
export function tilesOver(part: Box, level: number, photo: { width: number; height: number }): TilePlace[] {
  const size = TILE * 2 ** level;
  const first = (start: number): number => Math.max(0, Math.floor(start / size));
  const last = (end: number, side: number): number => Math.ceil(Math.min(end, side) / size) - 1;
  const places: (TilePlace & { far: number })[] = [];
  for (let row = first(part.y); row <= last(part.y + part.height, photo.height); row++) {
    for (let column = first(part.x); column <= last(part.x + part.width, photo.width); column++) {
      const far = Math.hypot((column + 0.5) * size - part.x - part.width / 2, (row + 0.5) * size - part.y - part.height / 2);
      places.push({ level, column, row, far });
    }
  }
  return places.sort((a, b) => a.far - b.far).map(({ column, row }) => ({ level, column, row }));
}

/** Where a tile lies on the photo, photo pixels; it may reach beyond the photo. */
export function boxOf({ level, column, row }: TilePlace): Box {
  const size = TILE * 2 ** level;
  return { x: column * size, y: row * size, width: size, height: size };
}

/** The part of a tile that a box of the photo touches, `margin` tile pixels around it included; whole tile pixels, undefined where it does not touch. */
export function partOf(place: TilePlace, box: Box, margin: number): Box | undefined {
  const { x, y } = boxOf(place);
  const unit = 2 ** place.level;
  const left = Math.max(0, Math.floor((box.x - x) / unit) - margin);
  const top = Math.max(0, Math.floor((box.y - y) / unit) - margin);
  const right = Math.min(TILE, Math.ceil((box.x + box.width - x) / unit) + margin);
  const bottom = Math.min(TILE, Math.ceil((box.y + box.height - y) / unit) + margin);
  return right > left && bottom > top ? { x: left, y: top, width: right - left, height: bottom - top } : undefined;
}

/** The tile `up` levels coarser that holds this one. */
export function coarser({ level, column, row }: TilePlace, up: number): TilePlace {
  return { level: level + up, column: column >> up, row: row >> up };
}

/** The four tiles one level finer inside this one. */
export function finer({ level, column, row }: TilePlace): TilePlace[] {
  return [0, 1, 2, 3].map(part => ({ level: level - 1, column: column * 2 + (part & 1), row: row * 2 + (part >> 1) }));
}
