/**
 * The outline of the selected region over the photo: its pixels' outer edges, found once for each selection and state of the mask.
 */
import type { Selection } from '../edits/selection';
import type { Page, Viewport } from '../page';
import { selectedRegion } from './selected';

const MOST_EDGES = 40_000;

/** An edge between pixels, from (x0, y0) to (x1, y1) in photo pixels; horizontal or vertical. */
export type Edge = readonly [number, number, number, number];

/** The edges between selected pixels and others, neighbouring ones joined to one. */
export function edgesOf({ rect: { x, y, width, height }, inside }: Selection): Edge[] {
  const edges: Edge[] = [];
  const nothing = new Uint8Array(width);
  /** Where a vertical edge that goes on began, by its column; -1 where there is none. */
  const began = new Int32Array(width + 1).fill(-1);
  let above: Uint8Array = nothing;
  for (let row = 0; row <= height; row++) {
    const here = row < height ? inside.subarray(row * width, (row + 1) * width) : nothing;
    for (let column = 0, from = -1; column <= width; column++) {
      const across = column < width && above[column] !== here[column];
      if (across && from < 0) from = column;
      if (!across && from >= 0) {
        edges.push([x + from, y + row, x + column, y + row]);
        from = -1;
      }
      const down = (column > 0 ? here[column - 1] : 0) !== (column < width ? here[column] : 0);
      if (down && began[column] < 0) began[column] = row;
      if (!down && began[column] >= 0) {
        edges.push([x + column, y + began[column], x + column, y + row]);
        began[column] = -1;
      }
    }
    above = here;
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
      this.drawn = { selected, photo, revision, path: region && outlineOf(region.pixels) };
    }
    return this.drawn.path;
  }
}

/** In photo pixels. A region of too many edges to be drawn with every frame has its box for an outline. */
function outlineOf(pixels: Selection): Path2D {
  const path = new Path2D();
  const edges = edgesOf(pixels);
  const { x, y, width, height } = pixels.rect;
  if (edges.length > MOST_EDGES) path.rect(x, y, width, height);
  else {
    for (const [x0, y0, x1, y1] of edges) {
      path.moveTo(x0, y0);
      path.lineTo(x1, y1);
    }
  }
  return path;
}
