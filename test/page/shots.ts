/**
 * What is on the page's canvas, as pixels: screenshots of it, and where a pixel of a fitted photo is on them.
 */
import type { Page } from 'playwright-core';
import sharp from 'sharp';

export interface Shot {
  data: Uint8Array;
  /** Device pixels. */
  width: number;
  height: number;
}

/** CSS pixels that a fitted photo leaves free on the tighter sides. */
const MARGIN = 8;

/** The canvas with all that lies on it. */
export async function shoot(page: Page): Promise<Shot> {
  const png = await page.locator('.stage').screenshot();
  const { data, info } = await sharp(png).removeAlpha().raw().toBuffer({ resolveWithObject: true });
  return { data: new Uint8Array(data), width: info.width, height: info.height };
}

/** Mean colour around the middle of a photo pixel, while the photo is fitted. `reach`: device pixels to each side. */
export function colourAt(shot: Shot, photo: { width: number; height: number }, x: number, y: number, { ratio = 1, reach = 1 } = {}): [number, number, number] {
  const scale = Math.min((shot.width / ratio - 2 * MARGIN) / photo.width, (shot.height / ratio - 2 * MARGIN) / photo.height, 64 / ratio) * ratio;
  const left = (shot.width - photo.width * scale) / 2;
  const top = (shot.height - photo.height * scale) / 2;
  return meanAt(shot, Math.floor(left + (x + 0.5) * scale), Math.floor(top + (y + 0.5) * scale), reach);
}

/** Mean colour around a device pixel. */
export function meanAt({ data, width }: Shot, x: number, y: number, reach: number): [number, number, number] {
  const sums: [number, number, number] = [0, 0, 0];
  for (let j = -reach; j <= reach; j++) for (let i = -reach; i <= reach; i++) for (let c = 0; c < 3; c++) sums[c] += data[((y + j) * width + x + i) * 3 + c];
  const count = (2 * reach + 1) ** 2;
  return [sums[0] / count, sums[1] / count, sums[2] / count];
}

/** The largest difference of two colours' channels. */
export function far(a: readonly number[], b: readonly number[]): number {
  return Math.max(...a.map((part, c) => Math.abs(part - b[c])));
}

/** Share of pixels whose colours are farther apart than `limit`. */
export function differing(a: Shot, b: Shot, limit: number): number {
  let count = 0;
  for (let i = 0; i < a.data.length; i += 3) if (far([...a.data.subarray(i, i + 3)], [...b.data.subarray(i, i + 3)]) > limit) count++;
  return count / (a.data.length / 3);
}
