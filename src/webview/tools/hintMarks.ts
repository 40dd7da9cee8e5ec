/**
 * How hints look over the photo: boxes as dashed frames, points as rings, scribbles as see-through strokes, each with the id of its class beside it.
 */
import type { Hints } from '../../shared/review';
import type { Viewport } from '../page';
import { classColour, labelAt, strokeTwice } from './drawnLines';

export function drawHintsOf(context: CanvasRenderingContext2D, { boxes, points, scribbles }: Hints, viewport: Viewport): void {
  const scale = viewport.scale.peek();
  context.save();
  context.lineJoin = 'round';
  context.lineCap = 'round';
  for (const { id, radius, points: line } of scribbles) {
    const path = new Path2D();
    const places = line.map(([x, y]) => viewport.toCanvas(x + 0.5, y + 0.5));
    places.forEach(({ x, y }, i) => (i === 0 ? path.moveTo(x, y) : path.lineTo(x, y)));
    // A line of one point would not be drawn.
    if (places.length === 1) path.lineTo(places[0].x + 0.01, places[0].y);
    context.globalAlpha = 0.35;
    context.strokeStyle = classColour(id);
    context.lineWidth = Math.max(2, 2 * radius * scale);
    context.stroke(path);
    context.globalAlpha = 1;
    strokeTwice(context, path, classColour(id));
    if (places.length > 0) labelAt(context, String(id), places[0].x + 6, places[0].y - 10);
  }
  context.setLineDash([6, 4]);
  for (const { id, box } of boxes) {
    strokeTwice(context, boxPath(box, viewport), classColour(id));
    const { x, y } = viewport.toCanvas(box[0], box[1]);
    labelAt(context, String(id), x + 4, y - 10);
  }
  context.setLineDash([]);
  for (const { id, x: column, y: row } of points) {
    const { x, y } = viewport.toCanvas(column + 0.5, row + 0.5);
    context.beginPath();
    context.arc(x, y, 6, 0, 2 * Math.PI);
    strokeTwice(context, undefined, classColour(id));
    context.beginPath();
    context.arc(x, y, 1.5, 0, 2 * Math.PI);
    context.fillStyle = '#ffffff';
    context.fill();
    labelAt(context, String(id), x + 10, y - 8);
  }
  context.restore();
}

/** The frame of a box (x, y, width, height in photo pixels) on the canvas. */
export function boxPath([x, y, width, height]: readonly [number, number, number, number], viewport: Viewport): Path2D {
  const from = viewport.toCanvas(x, y);
  const to = viewport.toCanvas(x + width, y + height);
  const path = new Path2D();
  path.rect(from.x, from.y, to.x - from.x, to.y - from.y);
  return path;
}
