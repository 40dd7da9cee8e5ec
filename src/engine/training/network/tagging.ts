/**
 * How well a network that learns tells the tags: average precision of each class over photos that it learns from, a sample of them where there are many, each seen once
 * as a whole in the middle of a crop.
 */
import type { Augmentation } from '../../../../models/networkPreset';
import { averagePrecision } from '../../../pipeline/averagePrecision';
import { describeError, SeedMaskError } from '../../../shared/errors';
import { plane, type Maps, type RgbImage } from '../../../shared/maps';
import { resizePhoto } from '../../images';
import type { TrainingData } from '../trainingStage';
import { cropImage, insideBox, validBox, type CropView } from './crops';
import type { Channels } from './imageStage';

/** Photos that are looked at, at most. */
const SAMPLE = 160;
const AT_ONCE = 4;

/** @param look the class activation maps of crops of one size, each classes x h x w */
export async function taggingOf(data: TrainingData, { longSide }: Augmentation, side: number, colour: readonly [number, number, number], channels: Channels, look: (images: readonly RgbImage[]) => Promise<Maps[]>): Promise<Record<string, number>> {
  const every = Math.max(1, Math.ceil(data.photos.length / SAMPLE));
  const photos = data.photos.filter((_, i) => i % every === 0);
  const rows: { scores: Float32Array; tagged: Set<number> }[] = [];
  for (let from = 0; from < photos.length; from += AT_ONCE) {
    data.signal.throwIfAborted();
    const part: { view: CropView; image: RgbImage; tagged: Set<number> }[] = [];
    for (const photo of photos.slice(from, from + AT_ONCE)) {
      try {
        const { image, view } = await wholeCrop(await data.image(photo), Math.min(side, longSide.most), side, colour);
        part.push({ image, view, tagged: new Set(channels.of(photo)) });
      } catch (error) {
        if (!(error instanceof SeedMaskError) || error.reason === 'cancelled') throw error;
        data.log(`${photo.photo} is not looked at: ${describeError(error)}`);
      }
    }
    if (part.length === 0) continue;
    const maps = await look(part.map(({ image }) => image));
    maps.forEach((cams, i) => rows.push({ scores: meanScores(cams, part[i].view), tagged: part[i].tagged }));
  }
  return Object.fromEntries(data.classes.flatMap(({ name }, k) => {
    const value = averagePrecision(rows.map(({ scores }) => scores[k]), rows.map(({ tagged }) => tagged.has(k + 1)));
    return value === undefined ? [] : [[name, value]];
  }));
}

async function wholeCrop(image: RgbImage, longSide: number, side: number, colour: readonly [number, number, number]): Promise<{ image: RgbImage; view: CropView }> {
  const scale = longSide / Math.max(image.width, image.height);
  const [width, height] = [image.width, image.height].map(length => Math.max(1, Math.round(length * scale)));
  const view: CropView = { side, width, height, left: -Math.floor((side - width) / 2), top: -Math.floor((side - height) / 2), flip: false };
  return { image: cropImage(await resizePhoto(image, width, height), view, colour), view };
}

function meanScores(cams: Maps, view: CropView): Float32Array {
  const inside = insideBox(validBox(view), view.side, cams.width);
  const cells = inside.reduce((sum, seen) => sum + seen, 0);
  return Float32Array.from({ length: cams.channels }, (_, k) => plane(cams, k).reduce((sum, value, p) => sum + value * inside[p], 0) / cells);
}
