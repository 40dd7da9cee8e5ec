/**
 * The pointer of those who have no mouse in hand: Enter puts a cursor on the photo, arrows move it (a few pixels of the screen; with shift many), Enter presses and
 * lets go, Escape gives up what was begun and then takes the cursor away. Every tool works with it as with a pointer.
 */
import type { Page, Pointer, Tool, Viewport } from '../page';
import { strokeTwice } from './drawnLines';
import { labelName } from './names';
import { shownLabels } from './selected';

/** CSS pixels of a step, and of one with shift. */
const STEP = 4;
const LONG_STEP = 40;
/** CSS pixels of the canvas' edge that the cursor does not go into. */
const EDGE = 24;
/** Tools that press and let go at one place; the others keep on until Enter comes again. */
const CLICKS: ReadonlySet<string> = new Set(['fill', 'region', 'lasso', 'wand', 'pick', 'point']);

export class KeyboardCursor {
  private at: { x: number; y: number } | undefined;
  private pressed = false;

  /** @param tool the one in hand now. */
  constructor(
    private readonly page: Page,
    private readonly tool: () => Tool,
  ) {}

  /** @returns whether the key was for the cursor; others are for whoever else wants them. */
  key(key: string, { shift, invert }: { shift: boolean; invert: boolean }): boolean {
    if (!this.page.photo.peek()) return false;
    if (key === 'Enter') {
      if (this.at) this.press({ ...this.at, shift, invert });
      else this.appear();
      return true;
    }
    if (!this.at) return false;
    if (key === 'Escape') {
      this.leave();
      return true;
    }
    const by = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] }[key];
    if (!by) return false;
    // At least a pixel, and whole pixels, so that each can be reached.
    const step = Math.max(1, Math.round((shift ? LONG_STEP : STEP) / this.page.viewport.scale.peek()));
    this.move(by[0] * step, by[1] * step, invert);
    return true;
  }

  /** The pointer moved, the photo is another one, the canvas lost the focus: the cursor goes, what it had begun is given up. */
  hide(): void {
    if (this.pressed) this.tool().cancel();
    this.pressed = false;
    this.at = undefined;
  }

  draw(context: CanvasRenderingContext2D, viewport: Viewport): void {
    if (!this.at) return;
    const { x, y } = viewport.toCanvas(this.at.x, this.at.y);
    context.beginPath();
    for (const [dx, dy] of [[1, 0], [-1, 0], [0, 1], [0, -1]]) {
      context.moveTo(x + 3 * dx, y + 3 * dy);
      context.lineTo(x + 14 * dx, y + 14 * dy);
    }
    strokeTwice(context);
  }

  private appear(): void {
    const { page } = this;
    const photo = page.photo.peek();
    const selected = page.hand.selected.peek();
    if (!photo) return;
    const { width, height } = photo.view;
    const place = page.looks.pointer.peek() ?? (selected && !('evidence' in selected) ? selected : { x: width / 2, y: height / 2 });
    this.put(place.x, place.y);
    page.say('Cursor on: arrows move it, Enter presses, Escape takes it away');
  }

  private leave(): void {
    const begun = this.pressed;
    // Also what a tool keeps between presses, as the corners of a polygon.
    this.tool().cancel();
    this.pressed = false;
    if (!begun) {
      this.at = undefined;
      this.page.looks.pointer.value = null;
    }
    this.page.say(begun ? 'Given up' : 'Cursor off');
  }

  private press(at: Pointer): void {
    const tool = this.tool();
    if (this.pressed) {
      this.pressed = false;
      return tool.up(at);
    }
    tool.move(at);
    tool.down(at);
    if (CLICKS.has(this.page.hand.tool.peek())) return tool.up(at);
    this.pressed = true;
    this.page.say('Pressed: Enter lets go');
  }

  private move(dx: number, dy: number, invert: boolean): void {
    if (!this.at) return;
    const before = this.label();
    this.put(this.at.x + dx, this.at.y + dy);
    this.tool().move({ ...this.at, shift: false, invert });
    // What a mouse user sees, a screen reader says: the class that the cursor comes to.
    const label = this.label();
    if (label !== undefined && label !== before && !this.pressed) this.page.say(labelName(this.page, label));
  }

  /** What the mask has under the cursor. */
  private label(): number | undefined {
    const photo = this.page.photo.peek();
    const labels = photo && shownLabels(photo);
    return labels && this.at && labels.data[Math.floor(this.at.y) * labels.width + Math.floor(this.at.x)];
  }

  /** In the middle of a pixel of the photo; the view follows. */
  private put(x: number, y: number): void {
    const { page } = this;
    const photo = page.photo.peek();
    if (!photo) return;
    const { width, height } = photo.view;
    this.at = { x: Math.min(width - 1, Math.max(0, Math.floor(x))) + 0.5, y: Math.min(height - 1, Math.max(0, Math.floor(y))) + 0.5 };
    const place = page.viewport.toCanvas(this.at.x, this.at.y);
    const { size } = page.viewport;
    page.viewport.panBy(outside(place.x, size.width), outside(place.y, size.height));
    page.looks.pointer.value = { ...this.at };
  }
}

/** How far a position must move to lie inside the canvas, away from its edge. */
function outside(position: number, size: number): number {
  const edge = Math.min(EDGE, size / 2);
  return position < edge ? edge - position : position > size - edge ? size - edge - position : 0;
}
