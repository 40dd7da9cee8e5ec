/**
 * A person's stronger labels (Khoreva et al., "Simple Does It", CVPR 2017, for boxes; Lin et al., "ScribbleSup", CVPR 2016, for points and scribbles) inside the
 * chain of one photo, at every resolution it works at:
 *
 *     box of a class             its scores are 0 outside all boxes of the class: s_k(p) = 0 where p touches none
 *     point, scribble of a class  pinned: s_k(p) = 1 and s_j(p) = 0 for the other classes; label 0 pins the background (all 0), 255 what is not decided
 *
 * Pinned scores go into SCG and PAMR, which carry them along the photo; on the mask itself the pinned pixels have their label exactly, and no pixel outside the
 * boxes has theirs. Where hints of two labels meet, the later one counts: scribbles after points.
 */
import type { Hints } from '../shared/review';
import { IGNORE, plane, type LabelMap, type Maps } from '../shared/maps';

/** Size of the photo, whose pixels hints are in. */
export interface PhotoSize {
  height: number;
  width: number;
}

const FREE = -1;

/** Classes that a point or scribble says are there: no doubt of the tag may weaken their maps. */
export function pinnedClasses({ points, scribbles }: Hints): Set<number> {
  return new Set([...points, ...scribbles].map(({ id }) => id).filter(id => id !== 0 && id !== IGNORE));
}

/** C x h x w `scores` of the classes `ids`, on any grid over the photo, with boxes and pins. The scores given stay as they are. */
export function hintedScores(scores: Maps, ids: readonly number[], hints: Hints, photo: PhotoSize): Maps {
  const { height, width } = scores;
  const out = { ...scores, data: scores.data.slice() };
  const pins = pinMap(hints, photo, height, width);
  ids.forEach((id, k) => {
    const map = plane(out, k);
    const outside = outsideBoxes(hints, id, photo, height, width);
    for (let i = 0; i < map.length; i++) {
      if (pins[i] === FREE || pins[i] === IGNORE) map[i] = outside?.[i] ? 0 : map[i];
      else map[i] = pins[i] === id ? 1 : 0;
    }
  });
  return out;
}

/** The mask of the whole photo with boxes and pins. The mask given stays as it is. */
export function hintedMask(mask: LabelMap, hints: Hints): LabelMap {
  const data = mask.data.slice();
  for (const id of new Set(hints.boxes.map(box => box.id))) {
    const outside = outsideBoxes(hints, id, mask, mask.height, mask.width);
    if (outside) for (let i = 0; i < data.length; i++) if (data[i] === id && outside[i]) data[i] = 0;
  }
  const pins = pinMap(hints, mask, mask.height, mask.width);
  for (let i = 0; i < data.length; i++) if (pins[i] !== FREE) data[i] = pins[i];
  return { ...mask, data };
}

/** Hints of a photo in pixels of the photo at another size. */
export function scaledHints({ boxes, points, scribbles }: Hints, from: PhotoSize, to: PhotoSize): Hints {
  const [sx, sy] = [to.width / from.width, to.height / from.height];
  return {
    boxes: boxes.map(({ id, box: [x, y, w, h] }) => ({ id, box: [x * sx, y * sy, w * sx, h * sy] })),
    points: points.map(({ id, x, y }) => ({ id, x: (x + 0.5) * sx - 0.5, y: (y + 0.5) * sy - 0.5 })),
    scribbles: scribbles.map(({ id, radius, points: way }) => ({ id, radius: radius * Math.sqrt(sx * sy), points: way.map(([x, y]) => [(x + 0.5) * sx - 0.5, (y + 0.5) * sy - 0.5]) })),
  };
}

/**
 * What hints say for certain on a grid over the photo: pins, and the background outside all boxes where each class of the photo (`ids`) has some; 255 elsewhere. Nothing
 * where they say nothing.
 */
export function hintedCells(hints: Hints, ids: readonly number[], photo: PhotoSize, height: number, width: number): LabelMap | undefined {
  const data = new Uint8Array(height * width).fill(IGNORE);
  const outside = ids.map(id => outsideBoxes(hints, id, photo, height, width));
  if (ids.length > 0) for (let i = 0; i < data.length; i++) if (outside.every(cells => cells?.[i] === 1)) data[i] = 0;
  const pins = pinMap(hints, photo, height, width);
  for (let i = 0; i < data.length; i++) if (pins[i] !== FREE) data[i] = pins[i];
  return data.every(label => label === IGNORE) ? undefined : { data, height, width };
}

/** `labels` where nobody decided (255 in `certain`, which has their size), else what was decided. */
export function decided(labels: LabelMap, certain: LabelMap | undefined): LabelMap {
  return certain ? { ...labels, data: labels.data.map((label, p) => (certain.data[p] === IGNORE ? label : certain.data[p])) } : labels;
}

/** 1 where a cell touches no box of the class; nothing for a class without boxes. */
function outsideBoxes({ boxes }: Hints, id: number, photo: PhotoSize, height: number, width: number): Uint8Array | undefined {
  const own = boxes.filter(box => box.id === id);
  if (own.length === 0) return undefined;
  const outside = new Uint8Array(height * width).fill(1);
  for (const { box: [x, y, w, h] } of own) {
    if (w === 0 || h === 0) continue;
    const [left, right] = [Math.floor((x * width) / photo.width), Math.min(width, Math.ceil(((x + w) * width) / photo.width))];
    const [top, bottom] = [Math.floor((y * height) / photo.height), Math.min(height, Math.ceil(((y + h) * height) / photo.height))];
    for (let row = top; row < bottom; row++) outside.fill(0, row * width + Math.min(left, width), row * width + right);
  }
  return outside;
}

/** The pinned label of each cell, or -1. A cell is pinned when a hint touches it, so that no hint is lost on a coarse grid. */
function pinMap({ points, scribbles }: Hints, photo: PhotoSize, height: number, width: number): Int16Array {
  const pins = new Int16Array(height * width).fill(FREE);
  const sx = width / photo.width;
  const sy = height / photo.height;
  const set = (x: number, y: number, id: number): void => {
    if (x >= 0 && y >= 0 && x < width && y < height) pins[y * width + x] = id;
  };
  for (const { id, x, y } of points) set(Math.floor((x + 0.5) * sx), Math.floor((y + 0.5) * sy), id);
  for (const { id, radius, points: way } of scribbles) {
    way.forEach(([x, y], i) => {
      const [fromX, fromY] = way[Math.max(0, i - 1)];
      stamp([(fromX + 0.5) * sx, (fromY + 0.5) * sy], [(x + 0.5) * sx, (y + 0.5) * sy], radius * sx, radius * sy, height, width, (px, py) => set(px, py, id));
    });
  }
  return pins;
}

/** Visits the cells that a round brush drawn from one place to another covers (by their centres) or at least passes. */
function stamp(from: [number, number], to: [number, number], rx: number, ry: number, height: number, width: number, visit: (x: number, y: number) => void): void {
  const [dx, dy] = [to[0] - from[0], to[1] - from[1]];
  // In units of the brush, so that it is round in the photo whatever the grid.
  const [ux, uy] = [dx / rx, dy / ry];
  const length = ux * ux + uy * uy;
  const [left, right] = [Math.max(0, Math.floor(Math.min(from[0], to[0]) - rx)), Math.min(width - 1, Math.ceil(Math.max(from[0], to[0]) + rx))];
  const [top, bottom] = [Math.max(0, Math.floor(Math.min(from[1], to[1]) - ry)), Math.min(height - 1, Math.ceil(Math.max(from[1], to[1]) + ry))];
  for (let y = top; y <= bottom; y++) {
    for (let x = left; x <= right; x++) {
      const [px, py] = [(x + 0.5 - from[0]) / rx, (y + 0.5 - from[1]) / ry];
      const along = length > 0 ? Math.min(1, Math.max(0, (px * ux + py * uy) / length)) : 0;
      if ((px - along * ux) ** 2 + (py - along * uy) ** 2 <= 1) visit(x, y);
    }
  }
  const steps = Math.max(1, Math.ceil(2 * Math.max(Math.abs(dx), Math.abs(dy))));
  for (let step = 0; step <= steps; step++) visit(Math.floor(from[0] + (dx * step) / steps), Math.floor(from[1] + (dy * step) / steps));
}
