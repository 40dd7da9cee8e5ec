/**
 * What is on a chart of the training page, as pixels.
 */
import type { Locator } from 'playwright-core';
import sharp from 'sharp';

/** In each column of a chart's picture where the bold curve is drawn, the row of its lowest pixel; and the picture's width. */
export async function curveRows(svg: Locator): Promise<{ rows: number[]; width: number }> {
  // As text, so that no type of a browser's page is needed here.
  const stroke: unknown = await svg.locator('polyline.curve').evaluate('line => getComputedStyle(line).stroke');
  const [r, g, b] = (String(stroke).match(/\d+/g) ?? []).map(Number);
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
