/**
 * Debiased labels (MARS, stage c): the similarity map is stretched to the mask's size and made binary, by the dense CRF of the authors on two channels [1 - m, m] or
 * by the bare threshold, which is the same without pairwise terms; pixels of a class where it says 0 are removed.
 *
 *     Y^db(p) = removed if Y(p) > 0 and M(p) = 0, else Y(p)         background never becomes a class, 255 stays
 *
 * All that is decided here follows from the mask, the recorded map, the settings and (with CRF) the photo: deciding again from records gives the same labels.
 */
import { IGNORE, plane, zeroMaps, type LabelMap, type Maps, type RgbImage } from '../../shared/maps';
import { denseCrf, type CrfParameters } from '../denseCrf';
import { resizeBilinear } from '../resize';
import type { MarsSettings, SimilarityMap } from './marsTypes';
import { regionsOf, type Region } from './regions';
import { recentre } from './similarityMap';

export type DebiasSettings = Pick<MarsSettings, 'threshold' | 'crf' | 'crfSize' | 'minRegion'>;

export interface Debiased {
  /** Class id where removed, 0 elsewhere. */
  removed: LabelMap;
  regions: Region[];
  /** 1 x H x W in 0..1: the similarity of each pixel, stretched from the grid. Null if nothing was removable. */
  similarity: Maps | null;
}

/** Long side, in pixels, of the pictures that the CRF's constants were made for. */
const USUAL_SIZE = 500;

/**
 * @param similarity null if none of the photo's tags has a prototype: nothing is removed
 * @param removable classes whose pixels may go
 * @param photo any size; needed for the CRF alone
 * @throws if a CRF is wanted and there is no photo
 */
export function debias(mask: LabelMap, similarity: SimilarityMap | null, removable: ReadonlySet<number>, settings: DebiasSettings, photo: RgbImage | null): Debiased {
  const { height, width, data } = mask;
  const removed = { data: new Uint8Array(data.length), height, width };
  const mayGo = Uint8Array.from({ length: 256 }, (_, id) => (id > 0 && id < IGNORE && removable.has(id) ? 1 : 0));
  if (!similarity || !data.some(label => mayGo[label] === 1)) return { removed, regions: [], similarity: null };

  const grid = asMaps(similarity);
  const stretched = resizeBilinear(grid, height, width);
  const keeps = settings.crf ? refined(grid, photo, settings, settings.crf, mask) : stretched;
  const cut = settings.crf ? 0.5 : settings.threshold;
  for (let p = 0; p < data.length; p++) if (mayGo[data[p]] === 1 && !(keeps.data[p] > cut)) removed.data[p] = data[p];
  const regions = regionsOf(removed);
  for (const { pixels } of regions) if (pixels.length < settings.minRegion) for (const p of pixels) removed.data[p] = 0;
  return { removed, regions: regions.filter(({ pixels }) => pixels.length >= settings.minRegion), similarity: stretched };
}

/** The mask with its removed pixels written as background (0) or ignore (255). */
export function withoutRemoved(mask: LabelMap, removed: LabelMap, as: 0 | typeof IGNORE): LabelMap {
  return { ...mask, data: mask.data.map((label, p) => (removed.data[p] === 0 ? label : as)) };
}

/** The mask before: the inverse of `withoutRemoved`, byte for byte. */
export function withRemoved(mask: LabelMap, removed: LabelMap): LabelMap {
  return { ...mask, data: mask.data.map((label, p) => (removed.data[p] === 0 ? label : removed.data[p])) };
}

/** The recorded map, 1 x h x w in 0..1. */
export function asMaps({ values, height, width }: SimilarityMap): Maps {
  return { data: Float32Array.from(values, value => value / 255), channels: 1, height, width };
}

/** Probability that a pixel of the mask is kept, by the CRF at working size. */
function refined(grid: Maps, photo: RgbImage | null, settings: DebiasSettings, crf: CrfParameters, { height, width }: LabelMap): Maps {
  if (!photo) throw new Error('debias: the CRF needs the photo');
  const scale = Math.min(1, settings.crfSize / Math.max(height, width));
  const [h, w] = [Math.max(1, Math.round(height * scale)), Math.max(1, Math.round(width * scale))];
  const small = resizeBilinear(grid, h, w);
  const both = zeroMaps(2, h, w);
  const [goes, stays] = [plane(both, 0), plane(both, 1)];
  for (let p = 0; p < stays.length; p++) {
    stays[p] = recentre(small.data[p], settings.threshold);
    goes[p] = 1 - stays[p];
  }
  // The reach along the picture shrinks with it; smoothing stays as wide as a pixel.
  const reach = Math.max(h, w) / USUAL_SIZE;
  const parameters = { ...crf, bilateral: { ...crf.bilateral, xy: crf.bilateral.xy * Math.min(1, reach) } };
  const decided = plane(denseCrf(averaged(photo, h, w), both, parameters), 1);
  return resizeBilinear({ data: decided, channels: 1, height: h, width: w }, height, width);
}

/** The photo at another size, each pixel the mean of those it covers (the nearest, where it is smaller than one). */
function averaged(photo: RgbImage, height: number, width: number): RgbImage {
  if (photo.height === height && photo.width === width) return photo;
  const data = new Uint8Array(height * width * 3);
  const edges = (n: number, from: number) => Int32Array.from({ length: n + 1 }, (_, i) => Math.floor((i * from) / n));
  const rows = edges(height, photo.height);
  const columns = edges(width, photo.width);
  for (let y = 0; y < height; y++) {
    const bottom = Math.max(rows[y + 1], rows[y] + 1);
    for (let x = 0; x < width; x++) {
      const right = Math.max(columns[x + 1], columns[x] + 1);
      let [red, green, blue] = [0, 0, 0];
      for (let row = rows[y]; row < bottom; row++) {
        for (let p = (row * photo.width + columns[x]) * 3; p < (row * photo.width + right) * 3; p += 3) {
          red += photo.data[p];
          green += photo.data[p + 1];
          blue += photo.data[p + 2];
        }
      }
      const count = (bottom - rows[y]) * (right - columns[x]);
      const to = (y * width + x) * 3;
      data[to] = red / count + 0.5;
      data[to + 1] = green / count + 0.5;
      data[to + 2] = blue / count + 0.5;
    }
  }
  return { data, height, width };
}
