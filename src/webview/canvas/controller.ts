/**
 * Between the canvas and the page: keeps the canvas at the screen's exact pixels, turns pointer, wheel and keys into views and strokes, and draws a frame when something
 * has changed.
 */
import { effect } from '@preact/signals';
import type { ReviewPage } from '../core';
import { measured } from '../marks';
import type { Pointer, Tool } from '../page';
import { KeyboardCursor } from '../tools/keyboardCursor';
import { toolFor } from '../tools/registry';
import { Scene } from './scene';

/** CSS pixels that an arrow key moves the photo. */
const ARROW_STEP = 64;
/** Zoom of a wheel's pixel, and of a pinch's. */
const WHEEL_ZOOM = 0.0018;
const PINCH_ZOOM = 0.01;

type Drag = { kind: 'pan'; x: number; y: number } | { kind: 'stroke'; pane: number };

export class CanvasController {
  private readonly picture: HTMLCanvasElement;
  private readonly marks: HTMLCanvasElement;
  private readonly scene: Scene;
  private readonly stops: (() => void)[] = [];
  private tool: Tool;
  private readonly cursor: KeyboardCursor;
  private drag: Drag | undefined;
  private spaceHeld = false;
  private frame = 0;
  /** When the first pointer event that no frame has shown yet came. */
  private strokeSince: number | undefined;

  constructor(
    private readonly stage: HTMLElement,
    private readonly page: ReviewPage,
  ) {
    const [picture, marks] = stage.querySelectorAll('canvas');
    this.picture = picture;
    this.marks = marks;
    this.scene = new Scene(picture, page, () => this.requestFrame());
    this.tool = toolFor(page.hand.tool.peek(), page);
    this.cursor = new KeyboardCursor(page, () => this.tool);
    this.watchSize();
    this.listen();
    this.stops.push(
      effect(() => {
        const name = page.hand.tool.value;
        this.tool.cancel();
        this.tool = toolFor(name, page);
        this.stage.style.cursor = this.tool.cursor;
        this.requestFrame();
      }),
      effect(() => {
        void page.photo.value;
        this.cursor.hide();
        this.dropStroke();
      }),
      effect(() => {
        void [page.hand.radius.value, page.hand.classId.value, page.hand.hints.value, page.hand.selected.value, page.looks.pointer.value, page.viewport.origin.value, page.viewport.scale.value];
        this.requestFrame();
      }),
    );
  }

  dispose(): void {
    cancelAnimationFrame(this.frame);
    for (const stop of this.stops) stop();
    this.scene.dispose();
  }

  private requestFrame(): void {
    if (this.frame === 0) this.frame = requestAnimationFrame(() => this.draw());
  }

  private draw(): void {
    this.frame = 0;
    const start = performance.now();
    const unfinished = this.scene.draw();
    this.drawMarks();
    measured('frame', start);
    this.page.drawn();
    if (this.strokeSince !== undefined) {
      measured('stroke', this.strokeSince);
      this.strokeSince = undefined;
    }
    if (unfinished) this.requestFrame();
  }

  /** What the tool is about to do, in each pane. */
  private drawMarks(): void {
    const context = this.marks.getContext('2d');
    if (!context) return;
    const { ratio } = this.page.viewport.size;
    context.setTransform(1, 0, 0, 1, 0, 0);
    context.clearRect(0, 0, this.marks.width, this.marks.height);
    if (!this.tool.draw || !this.page.photo.peek()) return;
    for (const { x, width } of this.scene.panes()) {
      context.save();
      context.setTransform(ratio, 0, 0, ratio, x * ratio, 0);
      context.beginPath();
      context.rect(0, 0, width, this.page.viewport.size.height);
      context.clip();
      this.tool.draw(context, this.page.viewport);
      this.cursor.draw(context, this.page.viewport);
      context.restore();
    }
  }

  private watchSize(): void {
    const observer = new ResizeObserver(entries => {
      const [entry] = entries;
      const [{ inlineSize: width, blockSize: height }] = entry.contentBoxSize;
      const ratio = window.devicePixelRatio;
      const exact = entry.devicePixelContentBoxSize?.[0];
      this.scene.resize(devicePixels(exact?.inlineSize, width * ratio), devicePixels(exact?.blockSize, height * ratio), width, height, ratio);
      this.marks.width = this.picture.width;
      this.marks.height = this.picture.height;
      // At once: a canvas that was resized is empty.
      cancelAnimationFrame(this.frame);
      this.draw();
    });
    observer.observe(this.stage, { box: 'device-pixel-content-box' });
    this.stops.push(() => observer.disconnect());
  }

  private listen(): void {
    const on = <K extends keyof HTMLElementEventMap>(type: K, heard: (event: HTMLElementEventMap[K]) => void, options?: AddEventListenerOptions): void => {
      this.stage.addEventListener(type, heard, options);
      this.stops.push(() => this.stage.removeEventListener(type, heard, options));
    };
    on('pointerdown', event => this.down(event));
    on('pointermove', event => this.move(event));
    on('pointerup', event => this.up(event));
    on('pointercancel', () => this.dropStroke());
    on('lostpointercapture', () => {
      // It is lost after each press as well.
      if (this.drag) this.dropStroke();
    });
    on('pointerleave', () => {
      if (!this.drag) this.page.looks.pointer.value = null;
    });
    on('contextmenu', event => event.preventDefault());
    on('wheel', event => this.wheel(event), { passive: false });
    on('keydown', event => this.key(event));
    const held = (event: KeyboardEvent): void => {
      if (event.type === 'keydown' && event.key === 'Escape') this.dropStroke();
      if (event.key !== ' ' || (event.type === 'keydown' && event.target !== this.stage && event.target !== document.body)) return;
      this.spaceHeld = event.type === 'keydown';
      this.stage.style.cursor = this.spaceHeld ? 'grab' : this.tool.cursor;
      event.preventDefault();
    };
    window.addEventListener('keydown', held);
    window.addEventListener('keyup', held);
    this.stops.push(() => {
      window.removeEventListener('keydown', held);
      window.removeEventListener('keyup', held);
    });
  }

  private down(event: PointerEvent): void {
    if (this.drag || !this.page.photo.peek()) return;
    this.cursor.hide();
    this.stage.focus({ preventScroll: true });
    this.stage.setPointerCapture(event.pointerId);
    if (event.button === 1 || (event.button === 0 && this.spaceHeld)) {
      this.drag = { kind: 'pan', x: event.clientX, y: event.clientY };
      this.stage.style.cursor = 'grabbing';
      event.preventDefault();
    } else if (event.button === 0 || event.button === 2) {
      this.drag = { kind: 'stroke', pane: this.paneAt(event.offsetX) };
      this.strokeSince ??= event.timeStamp;
      this.tool.down(this.pointer(event, this.drag.pane));
    }
    this.requestFrame();
  }

  private move(event: PointerEvent): void {
    const pane = this.drag?.kind === 'stroke' ? this.drag.pane : this.paneAt(event.offsetX);
    const at = this.pointer(event, pane);
    this.page.looks.pointer.value = { x: at.x, y: at.y };
    if (this.drag?.kind === 'pan') {
      this.page.viewport.panBy(event.clientX - this.drag.x, event.clientY - this.drag.y);
      this.drag = { kind: 'pan', x: event.clientX, y: event.clientY };
    } else {
      if (this.drag) this.strokeSince ??= event.timeStamp;
      const parts = this.drag ? event.getCoalescedEvents() : [];
      for (const part of parts.length > 0 ? parts : [event]) this.tool.move(this.pointer(part, pane));
    }
    this.requestFrame();
  }

  private up(event: PointerEvent): void {
    const { drag } = this;
    this.drag = undefined;
    this.stage.style.cursor = this.spaceHeld ? 'grab' : this.tool.cursor;
    if (drag?.kind === 'stroke') this.tool.up(this.pointer(event, drag.pane));
    this.requestFrame();
  }

  /** Ends what is under way as if it had not begun. */
  private dropStroke(): void {
    this.drag = undefined;
    this.tool.cancel();
    this.requestFrame();
  }

  private wheel(event: WheelEvent): void {
    event.preventDefault();
    const unit = event.deltaMode === WheelEvent.DOM_DELTA_LINE ? 33 : event.deltaMode === WheelEvent.DOM_DELTA_PAGE ? 400 : 1;
    const delta = (event.deltaY || event.deltaX) * unit;
    if (event.shiftKey || event.altKey) return this.page.run(delta < 0 ? 'larger' : 'smaller');
    const pane = this.paneAt(event.offsetX);
    // Pinches come as wheels with Ctrl.
    this.page.viewport.zoomAt(event.offsetX - this.scene.panes()[pane].x, event.offsetY, Math.exp(-delta * (event.ctrlKey ? PINCH_ZOOM : WHEEL_ZOOM)));
  }

  private key(event: KeyboardEvent): void {
    // Only keys of the stage itself, not those of what may lie on it.
    if (event.target !== this.stage) return;
    if (event.ctrlKey || event.metaKey) return;
    if (this.cursor.key(event.key, { shift: event.shiftKey, invert: event.altKey })) {
      event.preventDefault();
      return this.requestFrame();
    }
    if (event.altKey) return;
    const step = ARROW_STEP * (event.shiftKey ? 4 : 1);
    const by = { ArrowLeft: [step, 0], ArrowRight: [-step, 0], ArrowUp: [0, step], ArrowDown: [0, -step] }[event.key];
    if (!by) return;
    this.page.viewport.panBy(by[0], by[1]);
    event.preventDefault();
  }

  private paneAt(x: number): number {
    const panes = this.scene.panes();
    return Math.max(0, panes.findLastIndex(pane => x >= pane.x));
  }

  private pointer(event: PointerEvent, pane: number): Pointer {
    const { x, y } = this.page.viewport.toPhoto(event.offsetX - this.scene.panes()[pane].x, event.offsetY);
    return { x, y, invert: event.ctrlKey || event.metaKey || event.altKey || (event.buttons & 2) !== 0 || event.button === 2, shift: event.shiftKey };
  }
}

/** What the browser says is exact; the product may be off by one. (Browsers that emulate another density say CSS pixels.) */
function devicePixels(said: number | undefined, product: number): number {
  return said !== undefined && Math.abs(said - product) < 1.5 ? said : Math.round(product);
}
