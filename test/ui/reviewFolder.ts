/** A data set for the review's tests in a real window: pictures and masks that are drawn here, so that no model has to run first. */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { decodeMask, encodeMask } from '../../src/dataset/maskFile';
import type { LabelMap } from '../../src/shared/maps';

export const WIDTH = 320;
export const HEIGHT = 240;

/** Photos 'photo-00.png' … and their masks, each with a block of class 1 at another place. */
export function makeReviewFolder(folder: string, count: number): string[] {
  mkdirSync(folder, { recursive: true });
  const photos = Array.from({ length: count }, (_, i) => `photo-${String(i).padStart(2, '0')}.png`);
  for (const [i, photo] of photos.entries()) {
    const picture = blank();
    picture.data.forEach((_, at) => (picture.data[at] = 16 + ((((at % WIDTH) >> 4) + ((at / WIDTH) >> 4) + i) % 12) * 16));
    writeFileSync(join(folder, photo), encodeMask(picture));
    const mask = blank();
    for (let y = 60; y < 140; y++) mask.data.fill(1, y * WIDTH + 40 + i * 10, y * WIDTH + 140 + i * 10);
    writeMask(folder, photo, mask);
  }
  writeFileSync(join(folder, 'tags.json'), JSON.stringify(Object.fromEntries(photos.map(photo => [photo, ['kite']]))));
  return photos;
}

export function maskPath(folder: string, photo: string): string {
  return join(folder, photo.replace('.png', '.mask.png'));
}

export function readMask(folder: string, photo: string): LabelMap {
  return decodeMask(readFileSync(maskPath(folder, photo))).labels;
}

export function writeMask(folder: string, photo: string, mask: LabelMap): void {
  writeFileSync(maskPath(folder, photo), encodeMask(mask));
}

export function blank(): LabelMap {
  return { data: new Uint8Array(WIDTH * HEIGHT), width: WIDTH, height: HEIGHT };
}
