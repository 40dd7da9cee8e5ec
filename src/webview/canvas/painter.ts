/**
 * What paints on the canvas: pictures of the photo and tiles of composited layers, put where they belong.
 */
/** Side of a tile of layers, in pixels of the screen. */
export const TILE = 256;

/** A rectangle that may end between pixels. */
export interface Box {
  x: number;
  y: number;
  width: number;
  height: number;
}

/** A tile of TILE x TILE pixels that a painter can draw. */
export interface PaintedTile {
  /** Takes over the part `box` (whole pixels) of `pixels` (straight-alpha RGBA of the whole tile). */
  update(pixels: ImageData, box: Box): void;
  dispose(): void;
}

export interface Painter {
  readonly kind: 'gl' | '2d';
  /** Device pixels. */
  resize(width: number, height: number): void;
  makeTile(): PaintedTile;
  /** Begins a frame: the canvas is clear. */
  begin(): void;
  /** What follows is drawn inside this part of the canvas only. Device pixels. */
  clip(box: Box): void;
  /** The part `from` of the picture (in its pixels) at `to` (device pixels). `smooth`: between pixels, else the nearest. */
  drawPhoto(picture: ImageBitmap, from: Box, to: Box, smooth: boolean): void;
  drawTile(tile: PaintedTile, from: Box, to: Box): void;
  end(): void;
  dispose(): void;
}
