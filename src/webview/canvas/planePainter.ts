/**
 * Paints with the 2D canvas: tiles are small canvases, scaled without smoothing to whole device pixels, so that neither gaps nor blur appear.
 */
import type { Box, PaintedTile, Painter } from './painter';
import { TILE } from './painter';

class PlaneTile implements PaintedTile {
  readonly canvas = new OffscreenCanvas(TILE, TILE);
  private readonly context = this.canvas.getContext('2d', { willReadFrequently: true });

  update(pixels: ImageData, { x, y, width, height }: Box): void {
    this.context?.putImageData(pixels, 0, 0, x, y, width, height);
  }

  dispose(): void {
    this.canvas.width = this.canvas.height = 0;
  }
}

export class PlanePainter implements Painter {
  readonly kind = '2d';
  private readonly context: CanvasRenderingContext2D;

  constructor(private readonly canvas: HTMLCanvasElement) {
    const context = canvas.getContext('2d', { alpha: true });
    if (!context) throw new Error('this browser has no 2D canvas');
    this.context = context;
  }

  resize(width: number, height: number): void {
    this.canvas.width = width;
    this.canvas.height = height;
  }

  makeTile(): PaintedTile {
    return new PlaneTile();
  }

  begin(): void {
    this.context.clearRect(0, 0, this.canvas.width, this.canvas.height);
    this.context.save();
  }

  clip({ x, y, width, height }: Box): void {
    this.context.restore();
    this.context.save();
    this.context.beginPath();
    this.context.rect(Math.round(x), y, Math.round(x + width) - Math.round(x), height);
    this.context.clip();
  }

  drawPhoto(picture: ImageBitmap, from: Box, to: Box, smooth: boolean): void {
    this.context.imageSmoothingEnabled = smooth;
    this.context.imageSmoothingQuality = 'low';
    this.context.drawImage(picture, from.x, from.y, from.width, from.height, to.x, to.y, to.width, to.height);
  }

  drawTile(tile: PaintedTile, from: Box, to: Box): void {
    if (!(tile instanceof PlaneTile)) return;
    const [x, y] = [Math.round(to.x), Math.round(to.y)];
    this.context.imageSmoothingEnabled = false;
    this.context.drawImage(tile.canvas, from.x, from.y, from.width, from.height, x, y, Math.round(to.x + to.width) - x, Math.round(to.y + to.height) - y);
  }

  end(): void {
    this.context.restore();
  }

  dispose(): void {
    this.canvas.width = this.canvas.height = 0;
  }
}
