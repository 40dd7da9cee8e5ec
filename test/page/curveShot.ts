/**
 * What is on a chart of the training page, as pixels.
 */
import type { Locator } from 'playwright-core';
import sharp from 'sharp';

/** Of a page's globals, what is used here: the tests that run in Node know no others. */
interface Browser {
  getComputedStyle(element: unknown): { stroke: string };
}

/** In each column of a chart's picture where the bold curve is drawn, the row of its lowest pixel; and the picture's width. */
export async function curveRows(svg: Locator): Promise<{ rows: number[]; width: number }> {
  const stroke = await svg.locator('polyline.curve').evaluate(line => (globalThis as unknown as Browser).getComputedStyle(line).stroke);
  const [r, g, b] = (stroke.match(/^rgb\((\d+), (\d+), (\d+)\)$/) ?? []).slice(1).map(Number);
  if (b === undefined) throw new Error(`the curve is drawn in '${stroke}'`);
  const { data, info } = await sharp(await svg.screenshot()).removeAlpha().raw().toBuffer({ resolveWithObject: true });
  const rows: number[] = [];
  // Numbers stand left of the curve and below it; smoothed letters have colours of their own.
  const [left, bottom] = [Math.ceil(0.13 * info.width), Math.floor(0.87 * info.height)];
  for (let x = left; x < info.width; x++) {
    for (let y = bottom; y >= 0; y--) {
      const at = (y * info.width + x) * 3;
      if (Math.abs(data[at] - r) + Math.abs(data[at + 1] - g) + Math.abs(data[at + 2] - b) > 40) continue;
      rows.push(y);
      break;
    }
  }
  return { rows, width: info.width };
}
