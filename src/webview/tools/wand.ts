/**
 * The magic wand as a tool: a press paints what looks like the pixel under the pointer, inside the region of the mask that it is in (with shift: across regions);
 * dragging to the right takes more, to the left less; letting go keeps it. Inverted, it makes it background.
 */
import { signal, type Signal } from '@preact/signals';
import { BACKGROUND } from '../edits/labels';
import { isInside } from '../edits/rects';
import { areaOf, paint } from '../edits/selection';
import { Wand, type ReadPixels } from '../edits/wand';
import type { Rect } from '../../shared/labelPatch';
import type { Page, Pointer, Tool } from '../page';
import { pixels } from '../../shared/texts/words';
import { labelAt } from './drawnLines';
import { labelName } from './names';
import { Stroke } from './stroke';

/** Largest distance of colours (CIELAB) that is alike. It stays as it was left for the next click. */
export const wandTolerance: Signal<number> = signal(10);
export const MOST_TOLERANCE = 100;

/** CSS pixels of dragging for one step of tolerance. */
const DRAG = 6;

/** @param pixelsOf the photo's pixels inside a rectangle; from the page's own picture by default. */
export function wandTool(page: Page, pixelsOf: ReadPixels = rect => readImage(page, rect)): Tool {
  let stroke: Stroke | undefined;
  let wand: Wand | undefined;
  let start: { x: number; y: number; tolerance: number } | undefined;
  let label = BACKGROUND;
  let found = 0;

  const select = (tolerance: number): void => {
    if (!stroke?.alive || !wand) return;
    stroke.restore();
    const selection = wand.select(tolerance);
    found = areaOf(selection);
    stroke.write(selection.rect, labels => paint(labels, selection, label));
  };
  const stop = (): void => {
    stroke = undefined;
    wand = undefined;
    start = undefined;
  };

  return {
    cursor: 'crosshair',
    down(at) {
      const x = Math.floor(at.x);
      const y = Math.floor(at.y);
      stroke = Stroke.begin(page);
      if (!stroke || !isInside(stroke.labels, x, y)) return stop();
      label = at.invert ? BACKGROUND : page.hand.classId.peek();
      wand = new Wand(stroke.labels, x, y, pixelsOf, !at.shift);
      start = { ...position(page, at), tolerance: wandTolerance.peek() };
      select(start.tolerance);
    },
    move(at) {
      if (!start) return;
      const tolerance = Math.min(MOST_TOLERANCE, Math.max(0, start.tolerance + Math.round((position(page, at).x - start.x) / DRAG)));
      if (tolerance === wandTolerance.peek()) return;
      wandTolerance.value = tolerance;
      select(tolerance);
    },
    up() {
      const name = labelName(page, label);
      if (stroke?.finish(label === BACKGROUND ? 'Erase with the wand' : `Paint ${name} with the wand`)) page.say(`${name}: ${pixels(found)} within tolerance ${wandTolerance.peek()}`);
      stop();
    },
    cancel() {
      stroke?.restore();
      if (start) wandTolerance.value = start.tolerance;
      stop();
    },
    draw(context) {
      if (start) labelAt(context, `± ${wandTolerance.peek()}`, start.x + 14, start.y - 14);
    },
  };
}

function position(page: Page, at: Pointer): { x: number; y: number } {
  return page.viewport.toCanvas(at.x, at.y);
}

/** The picture may be smaller than the photo (a preview); it is stretched to it. */
function readImage(page: Page, { x, y, width, height }: Rect): Uint8ClampedArray {
  const context = new OffscreenCanvas(width, height).getContext('2d', { willReadFrequently: true, colorSpace: 'srgb' });
  const photo = page.photo.peek();
  if (!context || !photo) return new Uint8ClampedArray(width * height * 4);
  const { image, view } = photo;
  const across = image.width / view.width;
  const down = image.height / view.height;
  context.drawImage(image, x * across, y * down, width * across, height * down, 0, 0, width, height);
  return context.getImageData(0, 0, width, height).data;
}
