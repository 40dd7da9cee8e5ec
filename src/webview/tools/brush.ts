/**
 * Brush and eraser. The modifier that inverts makes one the other for a stroke; shift holds the brush to the background and the eraser to the class in hand.
 */
import { BACKGROUND } from '../edits/labels';
import { boundOfLine, onGrid, SMALLEST_RADIUS, stampLine, wholeRadius, type Brush } from '../edits/stampLine';
import type { Page, Pointer, Tool, Viewport } from '../page';
import { strokeTwice } from './drawnLines';
import { labelName } from './names';
import { Stroke } from './stroke';

export function brushTool(page: Page, kind: 'brush' | 'eraser'): Tool {
  let stroke: Stroke | undefined;
  let brush: Brush = { radius: SMALLEST_RADIUS, label: BACKGROUND };
  let last: { x: number; y: number } | undefined;
  let inverted = false;

  const paintTo = (at: Pointer): void => {
    const from = last ?? at;
    stroke?.write(boundOfLine(from, at, brush.radius), labels => stampLine(labels, from, at, brush));
    last = { x: at.x, y: at.y };
  };
  const erases = (): boolean => (kind === 'eraser') !== inverted;

  return {
    cursor: 'crosshair',
    down(at) {
      inverted = at.invert;
      stroke = Stroke.begin(page);
      brush = brushFor(page, erases(), at.shift);
      last = undefined;
      paintTo(at);
    },
    move(at) {
      if (stroke) paintTo(at);
      else {
        inverted = at.invert;
        last = { x: at.x, y: at.y };
      }
    },
    up(at) {
      if (!stroke) return;
      paintTo(at);
      stroke.finish(erases() ? 'Erase' : `Paint ${labelName(page, brush.label)}`);
      stroke = undefined;
    },
    cancel() {
      stroke?.restore();
      stroke = undefined;
    },
    draw(context, viewport) {
      if (last && (stroke || page.looks.pointer.peek())) drawRing(context, viewport, last, page.hand.radius.peek(), erases());
    },
  };
}

function brushFor(page: Page, erases: boolean, held: boolean): Brush {
  const classId = page.hand.classId.peek();
  const label = erases ? BACKGROUND : classId;
  // Holding to the label that is painted would paint nothing.
  const only = held && classId !== BACKGROUND ? (erases ? classId : BACKGROUND) : undefined;
  return { radius: page.hand.radius.peek(), label, only };
}

/** The outline of what a click would paint; dashed when it would erase. */
function drawRing(context: CanvasRenderingContext2D, viewport: Viewport, at: { x: number; y: number }, radius: number, erases: boolean): void {
  const r = wholeRadius(radius);
  const middle = onGrid(at, r);
  const { x, y } = viewport.toCanvas(middle.x, middle.y);
  const shown = r * viewport.scale.peek();
  context.save();
  if (erases) context.setLineDash([4, 3]);
  context.beginPath();
  if (shown < 3) {
    // Too small for a ring: four lines that leave the middle free.
    for (const [dx, dy] of [[1, 0], [-1, 0], [0, 1], [0, -1]]) {
      context.moveTo(x + 4 * dx, y + 4 * dy);
      context.lineTo(x + 9 * dx, y + 9 * dy);
    }
  } else if (r === SMALLEST_RADIUS) context.rect(x - shown, y - shown, 2 * shown, 2 * shown);
  else context.arc(x, y, shown, 0, 2 * Math.PI);
  strokeTwice(context);
  context.restore();
}
