/**
 * The mask of a sample photo as labels: its PNG in the palette's colours is decoded by the browser, and each colour is the class it stands for. Drawn with colour,
 * pattern and outline as the review draws masks, so that classes are told apart without colours.
 */
import type { LabelMap } from '../../shared/maps';
import { vocPalette } from '../../shared/palette';
import { composite } from '../canvas/composite';
import { inksOf } from '../canvas/inks';

const LABELS = new Map(Array.from({ length: 256 }, (_, label) => {
  const [red, green, blue] = vocPalette().subarray(label * 3, label * 3 + 3);
  return [(red << 16) | (green << 8) | blue, label] as const;
}));

/** Masks are small and looked at again and again. */
const loaded = new Map<string, Promise<LabelMap>>();
const MOST_LOADED = 1000;

/** @throws when the picture cannot be loaded or holds a colour that no class has */
export function loadMask(url: string): Promise<LabelMap> {
  const known = loaded.get(url);
  if (known) return known;
  const mask = readMask(url);
  loaded.set(url, mask);
  mask.catch(() => loaded.delete(url));
  for (const old of loaded.keys()) {
    if (loaded.size <= MOST_LOADED) break;
    loaded.delete(old);
  }
  return mask;
}

/** Labels of RGBA pixels. @throws where a colour is none of the palette's */
export function labelsOf(pixels: Uint8ClampedArray, width: number, height: number): LabelMap {
  const data = new Uint8Array(width * height);
  for (let p = 0; p < data.length; p++) {
    const label = LABELS.get((pixels[p * 4] << 16) | (pixels[p * 4 + 1] << 8) | pixels[p * 4 + 2]);
    if (label === undefined) throw new Error('the mask holds a colour that no class has');
    data[p] = label;
  }
  return { data, width, height };
}

/** Share of the pixels that each label but the background has, largest first. */
export function sharesOf({ data }: LabelMap): { label: number; share: number }[] {
  const counts = new Uint32Array(256);
  for (const label of data) counts[label]++;
  return [...counts].flatMap((count, label) => (label > 0 && count > 0 ? [{ label, share: count / data.length }] : [])).sort((a, b) => b.share - a.share);
}

/** The mask as straight-alpha RGBA, to lie over its photo; clear where it is background. */
export function inkedMask(labels: LabelMap): ImageData {
  const { width, height } = labels;
  const inks = inksOf({ key: 'mask', kind: 'mask', labels, made: '' }, { visible: true, opacity: 0.55, style: 'both' }, new Set());
  const out = new Uint32Array(width * height);
  if (inks) composite(out, width, 0, { x: 0, y: 0, width, height }, { level: 0, photoWidth: width, photoHeight: height, line: 1, grow: 0 }, [{ labels, inks }]);
  return new ImageData(new Uint8ClampedArray(out.buffer), width, height);
}

async function readMask(url: string): Promise<LabelMap> {
  const image = new Image();
  // Its pixels are read, and the address is of another origin than the page's.
  image.crossOrigin = 'anonymous';
  image.src = url;
  await image.decode();
  const { naturalWidth: width, naturalHeight: height } = image;
  const canvas = new OffscreenCanvas(width, height);
  const context = canvas.getContext('2d', { willReadFrequently: true });
  if (!context) throw new Error('there is no canvas to read the mask with');
  context.drawImage(image, 0, 0);
  return labelsOf(context.getImageData(0, 0, width, height).data, width, height);
}
