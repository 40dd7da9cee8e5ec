/**
 * The tiles of one set of layers (all that are shown, or one side of a comparison): composited when they come into sight, as many per frame as there is time for, and
 * kept while there is room. Until a tile is there, or is fresh, what is known of its place is drawn: its old state, a coarser tile or finer ones.
 */
import type { Rect } from '../../shared/labelPatch';
import { composite, type Grid, type InkedLayer } from './composite';
import type { Box, PaintedTile, Painter } from './painter';
import { TILE } from './painter';
import { boxOf, coarser, finer, levelFor, partOf, tilesOver, type TilePlace } from './tileMaths';

/** Tiles that are kept, 256 KiB each. */
const MOST_TILES = 384;
/** How far other levels are looked through for something to draw meanwhile. */
const LEVELS_UP = 6;

export interface View {
  /** The part of the photo in sight, photo pixels. */
  part: Box;
  /** Device pixels per photo pixel. */
  scale: number;
  photo: { width: number; height: number };
  /** Width of outlines, and how often patterns are doubled, for the screen's density. */
  line: number;
  grow: number;
}

interface Tile {
  painted: PaintedTile;
  /** Version of the layers it shows. */
  version: number;
  /** Nothing is on it: all of it is transparent. */
  clear: boolean;
}

const pixels = typeof ImageData === 'undefined' ? undefined : new ImageData(TILE, TILE);
const words = pixels && new Uint32Array(pixels.data.buffer);

export class LayerTiles {
  private readonly tiles = new Map<string, Tile>();
  private layers: readonly InkedLayer[] = [];
  private version = 0;
  /** Levels that tiles are there of. */
  private readonly levels = new Map<number, number>();

  constructor(private readonly painter: Painter) {}

  /** Other layers or other looks: what is there is drawn until it is composited anew. */
  setLayers(layers: readonly InkedLayer[]): void {
    this.layers = layers;
    this.version++;
  }

  /** Another photo. */
  clear(): void {
    for (const key of [...this.tiles.keys()]) this.drop(key);
  }

  /** Labels changed inside `rect`: tiles in sight are brought up to date there and then, others when they are seen. */
  touched(rect: Rect, view: View): void {
    const level = levelFor(view.scale);
    const inSight = new Set(tilesOver(view.part, level, view.photo).map(keyOf));
    for (const [key, tile] of this.tiles) {
      const place = placeOf(key);
      const part = partOf(place, rect, view.line + 1);
      if (!part) continue;
      if (inSight.has(key) && tile.version === this.version) this.paint(place, tile, part, view);
      else tile.version = -1;
    }
  }

  /** Composites what is missing in sight until `deadline` (performance.now()). @returns whether something is still missing */
  prepare(view: View, deadline: number): boolean {
    for (const place of tilesOver(view.part, levelFor(view.scale), view.photo)) {
      const key = keyOf(place);
      const there = this.tiles.get(key);
      if (there?.version === this.version) {
        // Used again: the last to go.
        this.tiles.delete(key);
        this.tiles.set(key, there);
        continue;
      }
      if (performance.now() > deadline) return true;
      const tile = there ?? this.add(key, place.level);
      this.paint(place, tile, { x: 0, y: 0, width: TILE, height: TILE }, view);
      tile.version = this.version;
    }
    this.trim();
    return false;
  }

  /** `place`: where a box of the photo is on the canvas, device pixels. */
  draw(view: View, place: (box: Box) => Box): void {
    for (const wanted of tilesOver(view.part, levelFor(view.scale), view.photo)) {
      const tile = this.tiles.get(keyOf(wanted));
      if (tile) this.put(tile, WHOLE, place(boxOf(wanted)));
      else if (!this.putCoarser(wanted, place)) this.putFiner(wanted, place, 2);
    }
  }

  private put(tile: Tile, from: Box, to: Box): void {
    if (!tile.clear) this.painter.drawTile(tile.painted, from, to);
  }

  private putCoarser(wanted: TilePlace, place: (box: Box) => Box): boolean {
    for (let up = 1; up <= LEVELS_UP; up++) {
      if (!this.levels.get(wanted.level + up)) continue;
      const other = coarser(wanted, up);
      const tile = this.tiles.get(keyOf(other));
      if (!tile) continue;
      const size = TILE / 2 ** up;
      this.put(tile, { x: (wanted.column - (other.column << up)) * size, y: (wanted.row - (other.row << up)) * size, width: size, height: size }, place(boxOf(wanted)));
      return true;
    }
    return false;
  }

  private putFiner(wanted: TilePlace, place: (box: Box) => Box, depth: number): void {
    for (const other of finer(wanted)) {
      const tile = this.tiles.get(keyOf(other));
      if (tile) this.put(tile, WHOLE, place(boxOf(other)));
      else if (depth > 1) this.putFiner(other, place, depth - 1);
    }
  }

  private paint({ level, column, row }: TilePlace, tile: Tile, part: Box, view: View): void {
    if (!pixels || !words) return;
    const grid: Grid = { level, photoWidth: view.photo.width, photoHeight: view.photo.height, line: view.line, grow: view.grow };
    // Beyond the photo's edge a tile stays clear.
    const width = Math.min(part.width, Math.ceil(view.photo.width / 2 ** level) - column * TILE - part.x);
    const height = Math.min(part.height, Math.ceil(view.photo.height / 2 ** level) - row * TILE - part.y);
    if (width < part.width || height < part.height) {
      for (let y = part.y; y < part.y + part.height; y++) words.fill(0, y * TILE + part.x, y * TILE + part.x + part.width);
    }
    const window = { x: column * TILE + part.x, y: row * TILE + part.y, width, height };
    const empty = width <= 0 || height <= 0 || !composite(words, TILE, part.y * TILE + part.x, window, grid, this.layers);
    if (empty && tile.clear) return;
    tile.clear = empty && (tile.clear || (part.width === TILE && part.height === TILE));
    tile.painted.update(pixels, part);
  }

  private add(key: string, level: number): Tile {
    const tile: Tile = { painted: this.painter.makeTile(), version: -1, clear: true };
    this.tiles.set(key, tile);
    this.levels.set(level, (this.levels.get(level) ?? 0) + 1);
    return tile;
  }

  private drop(key: string): void {
    const tile = this.tiles.get(key);
    if (!tile) return;
    this.tiles.delete(key);
    const { level } = placeOf(key);
    this.levels.set(level, (this.levels.get(level) ?? 1) - 1);
    tile.painted.dispose();
  }

  private trim(): void {
    for (const key of this.tiles.keys()) {
      if (this.tiles.size <= MOST_TILES) break;
      this.drop(key);
    }
  }
}

const WHOLE: Box = { x: 0, y: 0, width: TILE, height: TILE };

function keyOf({ level, column, row }: TilePlace): string {
  return `${level} ${column} ${row}`;
}

function placeOf(key: string): TilePlace {
  const [level, column, row] = key.split(' ').map(Number);
  return { level, column, row };
}
