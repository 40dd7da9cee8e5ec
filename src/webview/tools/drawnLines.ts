/**
 * Lines that tools draw over the photo: a light line on a wider dark one, so that they are seen on any picture and in any theme.
 */
import { vocPalette } from '../../shared/palette';

const PALETTE = vocPalette();
/** The least that each channel of a class' colour has. */
const WHITE = 70;

/** Strokes the context's present path (or `path`). */
export function strokeTwice(context: CanvasRenderingContext2D, path?: Path2D, light = '#ffffff'): void {
  const trace = (style: string, width: number): void => {
    context.strokeStyle = style;
    context.lineWidth = width;
    if (path) context.stroke(path);
    else context.stroke();
  };
  trace('rgba(0, 0, 0, 0.75)', 3);
  trace(light, 1.25);
}

/** The colour of a class, as bright as it can be, so that it is seen on the dark line; grey for those without colour. */
export function classColour(id: number): string {
  const rgb = Array.from(PALETTE.subarray(id * 3, id * 3 + 3));
  const most = Math.max(...rgb);
  const [r, g, b] = rgb.map(value => (most === 0 ? 200 : Math.round(WHITE + (255 - WHITE) * (value / most))));
  return `rgb(${r}, ${g}, ${b})`;
}

/** A word with a dark shade around it. */
export function labelAt(context: CanvasRenderingContext2D, text: string, x: number, y: number): void {
  context.font = '600 12px system-ui, sans-serif';
  context.textBaseline = 'middle';
  context.lineJoin = 'round';
  context.strokeStyle = 'rgba(0, 0, 0, 0.85)';
  context.lineWidth = 3;
  context.strokeText(text, x, y);
  context.fillStyle = '#ffffff';
  context.fillText(text, x, y);
}
