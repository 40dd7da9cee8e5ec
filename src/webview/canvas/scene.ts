/**
 * What is drawn: the photo and the layers over it.
 */
import { effect } from '@preact/signals';
import type { ReviewPage } from '../core';

export interface Pane {
  /** Left edge and width, CSS pixels of the canvas. */
  x: number;
  width: number;
}

export class Scene {
  private readonly stop: () => void;

  constructor(
    private readonly canvas: HTMLCanvasElement,
    private readonly page: ReviewPage,
    changed: () => void,
  ) {
    this.stop = effect(() => {
      void [page.photo.value, page.revision.value];
      changed();
    });
  }

  dispose(): void {
    this.stop();
  }

  resize(deviceWidth: number, deviceHeight: number, width: number, height: number, ratio: number): void {
    this.canvas.width = deviceWidth;
    this.canvas.height = deviceHeight;
    this.page.viewport.resize(width, height, ratio);
  }

  panes(): readonly Pane[] {
    return [{ x: 0, width: this.page.viewport.size.width }];
  }

  /** @returns whether more is to be drawn in the next frame */
  draw(): boolean {
    const context = this.canvas.getContext('2d');
    const photo = this.page.photo.peek();
    if (!context) return false;
    context.clearRect(0, 0, this.canvas.width, this.canvas.height);
    if (!photo) return false;
    const { ratio } = this.page.viewport.size;
    const scale = this.page.viewport.scale.peek() * ratio;
    const { x, y } = this.page.viewport.origin.peek();
    context.drawImage(photo.image, x * ratio, y * ratio, photo.view.width * scale, photo.view.height * scale);
    return false;
  }
}
