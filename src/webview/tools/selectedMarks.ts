/**
 * The outline of the selected region over the photo: its pixels' outer edges, found once for each selection and state of the mask.
 */
import type { Selection } from '../edits/selection';
import type { Page, Viewport } from '../page';
import { selectedRegion } from './selected';

/** An edge between pixels, from (x0, y0) to (x1, y1) in photo pixels; horizontal or vertical. */
export type Edge = readonly [number, number, number, number];

/** The edges between selected pixels and others, neighbouring ones joined to one. */
export function edgesOf({ rect: { x, y, width, height }, inside }: Selection): Edge[] {
  const edges: Edge[] = [];
  const at = (column: number, row: number): number => (column < 0 || row < 0 || column >= width || row >= height ? 0 : inside[row * width + column]);
  for (let row = 0; row <= height; row++) {
    for (let column = 0, from = -1; column <= width; column++) {
      const edge = column < width && at(column, row - 1) !== at(column, row);
      if (edge && from < 0) from = column;
      if (!edge && from >= 0) {
        edges.push([x + from, y + row, x + column, y + row]);
        from = -1;
      }
    }
  }
  for (let column = 0; column <= width; column++) {
    for (let row = 0, from = -1; row <= height; row++) {
      const edge = row < height && at(column - 1, row) !== at(column, row);
      if (edge && from < 0) from = row;
      if (!edge && from >= 0) {
        edges.push([x + column, y + from, x + column, y + row]);
        from = -1;
      }
    }
  }
  return edges;
}

/** Draws the outline of what is selected on the page; remembers its path. */
export class SelectedMarks {
  private drawn: { selected: unknown; photo: unknown; revision: number; path: Path2D | undefined } | undefined;

  constructor(private readonly page: Page) {}

  draw(context: CanvasRenderingContext2D, viewport: Viewport): void {
    const path = this.path();
    if (!path) return;
    const scale = viewport.scale.peek();
    const { x, y } = viewport.toCanvas(0, 0);
    context.save();
    context.translate(x, y);
    context.scale(scale, scale);
    context.lineCap = 'square';
    for (const [style, width, dash] of [['rgba(0, 0, 0, 0.8)', 3, []], ['#ffffff', 1.5, [6, 4]]] as const) {
      context.strokeStyle = style;
      context.lineWidth = width / scale;
      context.setLineDash(dash.map(length => length / scale));
      context.stroke(path);
    }
    context.restore();
  }

  private path(): Path2D | undefined {
    const { page } = this;
    const selected = page.hand.selected.peek();
    const photo = page.photo.peek();
    const revision = page.revision.peek();
    if (this.drawn?.selected !== selected || this.drawn.photo !== photo || this.drawn.revision !== revision) {
      const region = selectedRegion(page);
      const path = region && new Path2D();
      for (const [x0, y0, x1, y1] of region ? edgesOf(region.pixels) : []) {
        path?.moveTo(x0, y0);
        path?.lineTo(x1, y1);
      }
      this.drawn = { selected, photo, revision, path };
    }
    return this.drawn.path;
  }
}
