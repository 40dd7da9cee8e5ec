/**
 * Square crops of photos, as training sees them: a photo is brought to a size, perhaps mirrored, and a window is cut out of it. Where the window reaches beyond the
 * photo it is padded, with the colour that the backbone takes for 0 and with label 255; the part that shows the photo is the valid box (RS+EPM's Random_Crop).
 */
import { IGNORE, type LabelMap, type RgbImage } from '../../../shared/maps';

export interface CropView {
  /** Side of the crop. */
  side: number;
  /** Of the photo when it is cropped. */
  width: number;
  height: number;
  /** Where the crop begins in it; below 0: in the padding. */
  left: number;
  top: number;
  flip: boolean;
}

/** Of a crop: from (included) and to (not included). */
export interface Box {
  left: number;
  top: number;
  right: number;
  bottom: number;
}

/** The part of the crop that shows the photo; never empty. */
export function validBox({ side, width, height, left, top }: CropView): Box {
  return { left: Math.max(0, -left), top: Math.max(0, -top), right: Math.min(side, width - left), bottom: Math.min(side, height - top) };
}

/** @param photo of the view's size, not mirrored; @param colour of the padding */
export function cropImage(photo: RgbImage, view: CropView, colour: readonly [number, number, number]): RgbImage {
  const { side, width, left, top, flip } = view;
  const { data } = photo;
  const out = new Uint8Array(side * side * 3);
  const box = validBox(view);
  for (let y = 0; y < side; y++) {
    for (let x = 0; x < side; x++) {
      const to = (y * side + x) * 3;
      if (x < box.left || x >= box.right || y < box.top || y >= box.bottom) {
        out.set(colour, to);
        continue;
      }
      const column = flip ? width - 1 - (x + left) : x + left;
      const from = ((y + top) * width + column) * 3;
      for (let c = 0; c < 3; c++) out[to + c] = data[from + c];
    }
  }
  return { data: out, width: side, height: side };
}

/** Labels of the whole photo (of any size) on a grid x grid over the crop, nearest; 255 in the padding. */
export function cropLabels(labels: LabelMap, view: CropView, grid: number): LabelMap {
  const { side, width, height, left, top, flip } = view;
  const data = new Uint8Array(grid * grid).fill(IGNORE);
  const source = (at: number, length: number, size: number): number => Math.min(size - 1, Math.floor((at * size) / length));
  for (let y = 0; y < grid; y++) {
    const down = top + ((y + 0.5) * side) / grid;
    if (down < 0 || down >= height) continue;
    const row = source(down, height, labels.height) * labels.width;
    for (let x = 0; x < grid; x++) {
      const across = left + ((x + 0.5) * side) / grid;
      if (across < 0 || across >= width) continue;
      data[y * grid + x] = labels.data[row + source(flip ? width - across : across, width, labels.width)];
    }
  }
  return { data, width: grid, height: grid };
}

/** 1 on each cell of a grid x grid over the crop of which at least half shows the photo (all it touches, if there is no such cell), else 0. */
export function insideBox(box: Box, side: number, grid: number): Uint8Array {
  const cell = side / grid;
  const covered = (at: number, from: number, to: number): number => Math.max(0, Math.min(to, (at + 1) * cell) - Math.max(from, at * cell)) / cell;
  const shares = Float32Array.from({ length: grid * grid }, (_, i) => covered(i % grid, box.left, box.right) * covered(Math.floor(i / grid), box.top, box.bottom));
  const half = shares.some(share => share >= 0.5);
  return Uint8Array.from(shares, share => Number(half ? share >= 0.5 : share > 0));
}

/** The mean colour of each square of `factor` x `factor` pixels. Sides must divide. */
export function shrinkImage(image: RgbImage, factor: number): RgbImage {
  if (factor === 1) return image;
  const [width, height] = [image.width / factor, image.height / factor];
  const data = new Uint8Array(width * height * 3);
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      for (let c = 0; c < 3; c++) {
        let sum = 0;
        for (let dy = 0; dy < factor; dy++) {
          const row = ((y * factor + dy) * image.width + x * factor) * 3 + c;
          for (let dx = 0; dx < factor; dx++) sum += image.data[row + dx * 3];
        }
        data[(y * width + x) * 3 + c] = Math.round(sum / (factor * factor));
      }
    }
  }
  return { data, width, height };
}
