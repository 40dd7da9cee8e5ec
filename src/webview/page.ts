/**
 * The review page as its parts see it: what is known (the session and the photo that is open), how it is looked at, and what the hand holds. One object, made by
 * main.ts, given to everything; its parts are signals, so that a panel re-draws by itself when what it reads changes. Pixels of the open mask live in one label
 * map that tools write into; `revision` counts the writes.
 */
import type { ReadonlySignal, Signal } from '@preact/signals';
import type { LabelPatch, Rect } from '../shared/labelPatch';
import type { LabelMap } from '../shared/maps';
import type { Ask, AskParams, AskResult, ReviewCommand, Session } from '../shared/pageMessages';
import type { Hints, LayerKind, PhotoView } from '../shared/review';

/** Scores of one class, 0..255, covering the whole photo at their own size. */
export interface ScoreLayer {
  width: number;
  height: number;
  data: Uint8Array;
}

/** A layer of the open photo, decoded. Its key is its kind, with the class of score layers: 'mask', 'cam:3'. 'difference' is made on the page. */
export interface OpenLayer {
  key: string;
  kind: LayerKind | 'difference';
  classId?: number;
  scores?: ScoreLayer;
  labels?: LabelMap;
  made: string;
}

export interface OpenPhoto {
  index: number;
  view: PhotoView;
  /** The photo itself, oriented. */
  image: ImageBitmap;
  /** The mask as it is now, at the photo's size; tools write here through `Editing`. Undefined where it must not be edited. */
  labels?: LabelMap;
  layers: readonly OpenLayer[];
}

/** How one layer is shown. */
export interface LayerLook {
  visible: boolean;
  /** 0..1 */
  opacity: number;
  style: 'fill' | 'outline' | 'both';
}

export type Compare = { mode: 'none' } | { mode: 'side' | 'swipe'; left: string; right: string; /** of swipe, 0..1 */ at: number };

/** How the photo is looked at. Never part of undo. */
export interface Looks {
  layers: Signal<ReadonlyMap<string, LayerLook>>;
  /** Only this layer is shown. */
  solo: Signal<string | null>;
  hiddenClasses: Signal<ReadonlySet<number>>;
  /** The bare photo, while a key is held. */
  peek: Signal<boolean>;
  compare: Signal<Compare>;
  /** Photo pixel under the pointer. */
  pointer: Signal<{ x: number; y: number } | null>;
}

export const TOOL_NAMES = ['pan', 'brush', 'eraser', 'fill', 'region', 'lasso', 'wand', 'pick', 'box', 'point', 'scribble'] as const;
export type ToolName = (typeof TOOL_NAMES)[number];

export interface Hand {
  tool: Signal<ToolName>;
  /** Class that is painted: 0 background, 255 ignore. */
  classId: Signal<number>;
  /** Radius of brush and eraser in photo pixels, 0.5 (one pixel) .. 500. */
  radius: Signal<number>;
  /** Removed region, or region of the mask, that panels and region commands are about. */
  selected: Signal<{ evidence: string } | { classId: number; x: number; y: number } | null>;
  /** Hints of the open photo that are not applied yet. */
  hints: Signal<Hints>;
}

/** The only way to change labels. */
export interface Editing {
  /**
   * Labels were written into the open mask inside `rect`; `before` are the rectangle's labels from before the whole stroke. Sends one undoable edit. `choices`: removed
   * regions that this edit restores (or takes the restoring back).
   */
  commit(label: string, rect: Rect, before: Uint8Array, choices?: AskParams<'edit'>['choices']): void;
  /** Re-draws `rect` while a stroke is under way. */
  touched(rect: Rect): void;
  /** From VS Code: an edit was taken back or repeated. */
  apply(patch: LabelPatch, direction: 'undo' | 'redo'): void;
}

/** Where photo pixels are on the canvas; in CSS pixels of the canvas. */
export interface Viewport {
  scale: Signal<number>;
  /** Of the canvas, CSS pixels. */
  readonly size: { width: number; height: number };
  toPhoto(x: number, y: number): { x: number; y: number };
  toCanvas(x: number, y: number): { x: number; y: number };
  zoomAt(x: number, y: number, factor: number): void;
  /** CSS pixels per photo pixel, about the middle of the canvas. */
  zoomTo(scale: number): void;
  panBy(dx: number, dy: number): void;
  fit(): void;
  /** So that the box (x, y, width, height in photo pixels) is in sight. */
  reveal(box: Rect): void;
}

/** What a tool does with the pointer; coordinates are photo pixels (fractions, may lie outside). */
export interface Tool {
  cursor: string;
  down(at: Pointer): void;
  move(at: Pointer): void;
  up(at: Pointer): void;
  /** Escape, a photo change, a lost pointer: as if nothing had been done. */
  cancel(): void;
  /** Draws what the tool is about to do (brush ring, lasso line) over the canvas, in CSS pixels. */
  draw?(context: CanvasRenderingContext2D, viewport: Viewport): void;
}

export interface Pointer {
  x: number;
  y: number;
  /** Inverts brush and eraser, adds or takes away with others. */
  invert: boolean;
  shift: boolean;
}

/** What is open around the canvas. */
export interface Panels {
  side: Signal<'layers' | 'why' | 'class'>;
  /** Over everything; Escape closes it. */
  over: Signal<'help' | 'tags' | null>;
  /** Indices of the queue as it is filtered and sorted: the way of next and previous. Null: all, as they come. Written by the queue's panel. */
  order: Signal<readonly number[] | null>;
  /** Several photos picked in the queue. */
  picked: Signal<ReadonlySet<number>>;
}

export interface Page {
  session: ReadonlySignal<Session>;
  /** Undefined while the first photo is loading. */
  photo: ReadonlySignal<OpenPhoto | undefined>;
  /** Why the photo cannot be shown. */
  problem: ReadonlySignal<string | undefined>;
  /** Raised with every change of the open mask. */
  revision: ReadonlySignal<number>;
  /** What the live region says at present. */
  said: ReadonlySignal<string>;
  /** Progress of re-runs of single photos, by index. */
  working: ReadonlySignal<ReadonlyMap<number, string>>;
  looks: Looks;
  hand: Hand;
  panels: Panels;
  viewport: Viewport;
  editing: Editing;
  /** What the live region says (screen readers) and the status line shows. */
  say(text: string): void;
  /** @throws SeedMaskError with the extension's reason. */
  ask<A extends Ask>(ask: A, params: AskParams<A>): Promise<AskResult<A>>;
  run(command: ReviewCommand): void;
  goTo(index: number): void;
}
