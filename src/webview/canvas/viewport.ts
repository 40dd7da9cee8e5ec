/**
 * Where the photo lies on the canvas: canvas = photo x scale + origin, in CSS pixels. `scale` is CSS pixels per photo pixel. Zooming keeps the photo pixel under
 * the pointer where it is; a photo is never pushed out of sight altogether.
 */
import { batch, signal } from '@preact/signals';
import type { Rect } from '../../shared/labelPatch';
import type { Viewport } from '../page';

/** Device pixels per photo pixel. */
const MOST = 64;
/** Of the fitting scale: how far one may zoom out. */
const LEAST_OF_FIT = 0.5;
/** CSS pixels of the photo that stay in sight. */
const KEPT = 48;
/** CSS pixels left free around a photo that fits. */
const MARGIN = 8;

export class PhotoViewport implements Viewport {
  readonly scale = signal(1);
  /** Canvas position of the photo's top left corner, CSS pixels. */
  readonly origin = signal({ x: 0, y: 0 });
  private canvas = { width: 1, height: 1, ratio: 1 };
  private photo = { width: 1, height: 1 };
  /** Whether the photo fits the canvas because that was asked for, so that it goes on to when the canvas changes. */
  private fitted = true;

  get size(): { width: number; height: number; ratio: number } {
    return this.canvas;
  }

  /** The canvas has another size (CSS pixels) or another number of device pixels per CSS pixel. */
  resize(width: number, height: number, ratio: number): void {
    // A hidden page has no size; it comes back as it was.
    if (width < 1 || height < 1) return;
    const { width: oldWidth, height: oldHeight } = this.canvas;
    this.canvas = { width, height, ratio };
    if (this.fitted) this.fit();
    else this.move(this.scale.peek(), this.origin.peek().x + (width - oldWidth) / 2, this.origin.peek().y + (height - oldHeight) / 2);
  }

  /** Another photo is shown: the view stays if it has the same size, else it is fitted. */
  show(width: number, height: number): void {
    const same = width === this.photo.width && height === this.photo.height;
    this.photo = { width, height };
    if (!same) this.fit();
  }

  toPhoto(x: number, y: number): { x: number; y: number } {
    const { x: left, y: top } = this.origin.peek();
    return { x: (x - left) / this.scale.peek(), y: (y - top) / this.scale.peek() };
  }

  toCanvas(x: number, y: number): { x: number; y: number } {
    const { x: left, y: top } = this.origin.peek();
    return { x: x * this.scale.peek() + left, y: y * this.scale.peek() + top };
  }

  zoomAt(x: number, y: number, factor: number): void {
    const before = this.scale.peek();
    const scale = this.bounded(before * factor);
    if (scale === before) return;
    const at = this.toPhoto(x, y);
    this.fitted = false;
    this.move(scale, x - at.x * scale, y - at.y * scale);
  }

  /** To `scale` about the canvas' middle. */
  zoomTo(scale: number): void {
    this.zoomAt(this.canvas.width / 2, this.canvas.height / 2, scale / this.scale.peek());
  }

  panBy(dx: number, dy: number): void {
    const { x, y } = this.origin.peek();
    this.fitted = false;
    this.move(this.scale.peek(), x + dx, y + dy);
  }

  fit(): void {
    const scale = this.fitting();
    this.fitted = true;
    this.move(scale, (this.canvas.width - this.photo.width * scale) / 2, (this.canvas.height - this.photo.height * scale) / 2);
  }

  reveal({ x, y, width, height }: Rect): void {
    const topLeft = this.toCanvas(x, y);
    const size = { width: width * this.scale.peek(), height: height * this.scale.peek() };
    const inSight = topLeft.x >= 0 && topLeft.y >= 0 && topLeft.x + size.width <= this.canvas.width && topLeft.y + size.height <= this.canvas.height;
    if (inSight && Math.max(size.width, size.height) >= 24) return;
    // A third of the canvas at most is what surrounds the box.
    const wanted = Math.min((this.canvas.width * 2) / 3 / width, (this.canvas.height * 2) / 3 / height, 8 / this.canvas.ratio);
    const scale = this.bounded(Math.max(wanted, this.fitting()));
    this.fitted = false;
    this.move(scale, this.canvas.width / 2 - (x + width / 2) * scale, this.canvas.height / 2 - (y + height / 2) * scale);
  }

  private fitting(): number {
    const { width, height } = this.canvas;
    const scale = Math.min(Math.max(1, width - 2 * MARGIN) / this.photo.width, Math.max(1, height - 2 * MARGIN) / this.photo.height);
    return Math.min(scale, MOST / this.canvas.ratio);
  }

  private bounded(scale: number): number {
    const most = MOST / this.canvas.ratio;
    return Math.min(most, Math.max(Math.min(this.fitting() * LEAST_OF_FIT, 1 / this.canvas.ratio), scale));
  }

  private move(scale: number, x: number, y: number): void {
    const kept = (position: number, photo: number, canvas: number): number => {
      const length = photo * scale;
      const least = Math.min(KEPT, length / 2);
      return Math.min(canvas - least, Math.max(least - length, position));
    };
    batch(() => {
      this.scale.value = scale;
      this.origin.value = { x: kept(x, this.photo.width, this.canvas.width), y: kept(y, this.photo.height, this.canvas.height) };
    });
  }
}
