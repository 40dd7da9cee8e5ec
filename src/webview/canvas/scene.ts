/**
 * What is on the canvas: the photo and the layers that are shown, or two layers compared. Keeps the tiles of each set of layers, and knows what a change makes stale.
 */
import { computed, effect } from '@preact/signals';
import type { ReviewPage } from '../core';
import type { LoadedPhoto } from '../decodePhoto';
import { lookOf, shownLayers } from '../looks';
import type { LayerLook, OpenLayer } from '../page';
import { choosePainter } from './choosePainter';
import type { InkedLayer } from './composite';
import { inksOf } from './inks';
import { LayerTiles, type View } from './layerTiles';
import type { Box, Painter } from './painter';

/** Where the photo can be pointed at, CSS pixels of the canvas. */
export interface Pane {
  x: number;
  width: number;
}

/** A part of the canvas and the layers in it. */
interface Part {
  set: string;
  /** CSS pixels: where the photo's view begins, and what of the canvas is drawn on. */
  x: number;
  from: number;
  width: number;
}

interface Looked {
  layer: OpenLayer;
  look: LayerLook;
}

/** Time of a frame that may go into compositing, ms: while the view moves, and while it stands still. */
const MOVING_BUDGET = 5;
const STILL_BUDGET = 14;
/** The first frame of a photo waits for its layers this long, so that they do not flicker. */
const FIRST_BUDGET = 60;
const MASK = { key: 'mask', kind: 'mask' } as const;
/** Device pixels per photo pixel from which on photo pixels are drawn as squares. */
const SQUARES_FROM = 2;

export class Scene {
  private readonly painter: Painter;
  private canvasSize = { width: 1, height: 1, ratio: 1 };
  /** The layers that are compared, as text: moving the line between them changes nothing of them. */
  private readonly sides = computed(() => {
    const compare = this.page.looks.compare.value;
    return compare.mode === 'none' ? '' : `${compare.left} ${compare.right}`;
  });
  private readonly sets = new Map<string, LayerTiles>();
  private readonly stops: (() => void)[];
  private shown: LoadedPhoto | undefined;
  private fresh = false;
  private lastView = '';

  /** `changed`: a frame should be drawn. */
  constructor(
    canvas: HTMLCanvasElement,
    private readonly page: ReviewPage,
    private readonly changed: () => void,
  ) {
    this.painter = choosePainter(canvas, document.body.dataset['painter'], () => this.forget());
    document.body.dataset['painting'] = this.painter.kind;
    this.stops = [
      effect(() => this.arrange()),
      effect(() => {
        const { mode } = page.looks.compare.value;
        const { width, height, ratio } = this.canvasSize;
        page.viewport.resize(mode === 'side' ? width / 2 : width, height, ratio);
        this.changed();
      }),
      effect(() => {
        void page.looks.peek.value;
        this.changed();
      }),
      page.editing.onTouched(rect => {
        for (const tiles of this.sets.values()) for (const part of this.parts()) tiles.touched(rect, this.viewOf(part));
        this.changed();
      }),
    ];
  }

  dispose(): void {
    for (const stop of this.stops) stop();
    this.forget();
    this.painter.dispose();
  }

  /** The canvas has another size: in device pixels, and in CSS pixels. */
  resize(deviceWidth: number, deviceHeight: number, width: number, height: number, ratio: number): void {
    this.canvasSize = { width, height, ratio };
    this.painter.resize(deviceWidth, deviceHeight);
    this.page.viewport.resize(this.page.looks.compare.peek().mode === 'side' ? width / 2 : width, height, ratio);
  }

  panes(): readonly Pane[] {
    const { width } = this.canvasSize;
    return this.page.looks.compare.peek().mode === 'side' ? [{ x: 0, width: width / 2 }, { x: width / 2, width: width / 2 }] : [{ x: 0, width }];
  }

  /** @returns whether layers are still to be composited */
  draw(): boolean {
    const photo = this.page.photo.peek();
    this.painter.begin();
    let missing = false;
    if (photo) {
      const deadline = performance.now() + this.budget();
      for (const part of this.parts()) missing = this.drawPart(part, photo, deadline) || missing;
    }
    this.painter.end();
    return missing;
  }

  private drawPart(part: Part, photo: LoadedPhoto, deadline: number): boolean {
    const { ratio, height } = this.canvasSize;
    if (part.width <= 0) return false;
    const view = this.viewOf(part);
    const { x, y } = this.page.viewport.origin.peek();
    const left = (x + part.x) * ratio;
    const top = y * ratio;
    const place = (box: Box): Box => ({ x: left + box.x * view.scale, y: top + box.y * view.scale, width: box.width * view.scale, height: box.height * view.scale });
    this.painter.clip({ x: part.from * ratio, y: 0, width: part.width * ratio, height: height * ratio });
    this.drawPhoto(photo, view, place);
    const tiles = this.sets.get(part.set);
    if (!tiles || this.page.looks.peek.peek()) return false;
    const missing = tiles.prepare(view, deadline);
    tiles.draw(view, place);
    return missing;
  }

  private drawPhoto(photo: LoadedPhoto, { part, scale, photo: size }: View, place: (box: Box) => Box): void {
    // The largest picture that is not scaled down by more than half, so that nothing of it is skipped.
    const perPixel = (scale * size.width) / photo.image.width;
    const level = Math.max(0, Math.min(photo.levels.length - 1, Math.floor(-Math.log2(perPixel) + 1e-9)));
    const picture = photo.levels[level];
    const [unitX, unitY] = [size.width / picture.width, size.height / picture.height];
    const left = Math.max(0, Math.floor(part.x / unitX) - 1);
    const top = Math.max(0, Math.floor(part.y / unitY) - 1);
    const right = Math.min(picture.width, Math.ceil((part.x + part.width) / unitX) + 1);
    const bottom = Math.min(picture.height, Math.ceil((part.y + part.height) / unitY) + 1);
    if (right <= left || bottom <= top) return;
    const from = { x: left, y: top, width: right - left, height: bottom - top };
    this.painter.drawPhoto(picture, from, place({ x: left * unitX, y: top * unitY, width: from.width * unitX, height: from.height * unitY }), scale * unitX < SQUARES_FROM && scale * unitX !== 1);
  }

  private budget(): number {
    if (this.fresh) {
      this.fresh = false;
      return FIRST_BUDGET;
    }
    const { x, y } = this.page.viewport.origin.peek();
    const view = `${x} ${y} ${this.page.viewport.scale.peek()}`;
    const moves = view !== this.lastView;
    this.lastView = view;
    return moves ? MOVING_BUDGET : STILL_BUDGET;
  }

  private viewOf({ x, from, width }: Part): View {
    const { ratio, height } = this.canvasSize;
    const scale = this.page.viewport.scale.peek();
    const topLeft = this.page.viewport.toPhoto(from - x, 0);
    const photo = this.page.photo.peek();
    return {
      part: { ...topLeft, width: width / scale, height: height / scale },
      scale: scale * ratio,
      photo: { width: photo?.view.width ?? 1, height: photo?.view.height ?? 1 },
      line: Math.max(2, Math.round(1.5 * ratio)),
      grow: ratio >= 1.5 ? 1 : 0,
    };
  }

  private parts(): Part[] {
    const { width } = this.canvasSize;
    const compare = this.page.looks.compare.peek();
    if (compare.mode === 'none') return [{ set: 'shown', x: 0, from: 0, width }];
    const middle = Math.round(width * (compare.mode === 'side' ? 0.5 : compare.at));
    const second = compare.mode === 'side' ? width / 2 : 0;
    const from = compare.mode === 'side' ? width / 2 : middle;
    return [
      { set: 'left', x: 0, from: 0, width: from },
      { set: 'right', x: second, from, width: width - from },
    ];
  }

  /** Gives each set its layers: when the photo, a look or the comparison changes. */
  private arrange(): void {
    const photo = this.page.photo.value;
    const sides = this.sides.value;
    const hidden = this.page.looks.hiddenClasses.value;
    const layers = photo?.layers ?? [];
    if (photo !== this.shown) {
      // Its tiles are of no use for another one.
      for (const tiles of this.sets.values()) tiles.clear();
      this.shown = photo;
      this.fresh = true;
    }
    const chosen = this.page.looks.layers.value;
    // Like with like: label maps that nobody gave a look are drawn as the mask is.
    const likeMask = ({ key, kind, labels }: OpenLayer): boolean => labels !== undefined && kind !== 'difference' && !chosen.has(key);
    const single = (key: string): Looked[] => layers.filter(layer => layer.key === key).map(layer => ({ layer, look: lookOf(chosen, likeMask(layer) ? MASK : layer) }));
    const wanted: Record<string, Looked[]> = sides === '' ? { shown: shownLayers(this.page.looks, layers) } : { left: single(sides.split(' ')[0]), right: single(sides.split(' ')[1]) };
    for (const name of this.sets.keys()) if (!(name in wanted)) this.remove(name);
    for (const [name, entries] of Object.entries(wanted)) {
      const tiles = this.sets.get(name) ?? new LayerTiles(this.painter);
      this.sets.set(name, tiles);
      tiles.setLayers(
        entries.flatMap(({ layer, look }): InkedLayer[] => {
          const inks = inksOf(layer, look, hidden);
          return inks ? [{ labels: layer.labels, scores: layer.scores, inks }] : [];
        }),
      );
    }
    this.changed();
  }

  private remove(name: string): void {
    this.sets.get(name)?.clear();
    this.sets.delete(name);
  }

  private forget(): void {
    for (const tiles of this.sets.values()) tiles.clear();
    this.fresh = true;
    this.changed();
  }
}
