/**
 * A photo as the extension sends it, made ready to be shown: the picture decoded and halved again and again (so that a large photo is small work to draw when zoomed
 * out), the layers' labels unpacked.
 */
import { SeedMaskError } from '../shared/errors';
import { decodeRuns } from '../shared/labelRuns';
import type { LabelMap } from '../shared/maps';
import type { PhotoView } from '../shared/review';
import { differenceLayer } from './difference';
import type { OpenLayer, OpenPhoto } from './page';

export interface LoadedPhoto extends OpenPhoto {
  /** The picture at 1, 1/2, 1/4 … of its size. */
  levels: readonly ImageBitmap[];
  /** What it takes in memory, about. */
  bytes: number;
}

/** The smallest picture that is halved again, in pixels of its longer side. */
const SMALLEST = 1024;

/**
 * `url`: where the photo is; where it is null or cannot be decoded, the preview is taken. `editable`: whether its labels may be written.
 * @throws SeedMaskError 'bad-image' when there is no picture; 'bad-message' when a layer is not what it says.
 */
export async function decodePhoto(index: number, view: PhotoView, url: string | null, editable: boolean): Promise<LoadedPhoto> {
  const levels = await pyramid(await picture(view, url));
  const mask = view.mask ? { data: decodeRuns(view.mask.runs, view.mask.width * view.mask.height), width: view.mask.width, height: view.mask.height } : undefined;
  const fits = mask === undefined ? view.maskProblem === undefined : mask.width === view.width && mask.height === view.height;
  const labels = editable && fits ? (mask ?? emptyMap(view)) : undefined;
  const layers: OpenLayer[] = [];
  for (const { kind, classId, width, height, data, made } of view.layers) {
    if (kind === 'mask' && mask) continue;
    if (classId === undefined) {
      // Between two frames, since a large map takes some milliseconds.
      await new Promise(resolve => setTimeout(resolve));
      layers.push({ key: kind, kind, labels: { data: decodeRuns(data, width * height), width, height }, made });
    } else {
      if (data.length !== width * height) throw new SeedMaskError('bad-message', `scores of ${width} x ${height} in ${data.length} bytes`, view.photo);
      layers.push({ key: `${kind}:${classId}`, kind, classId, scores: { data, width, height }, made });
    }
  }
  const shown = labels ?? mask;
  if (shown) {
    layers.push({ key: 'mask', kind: 'mask', labels: shown, made: 'The mask as it is now' });
    layers.push(differenceLayer(shown, layers, view.mask?.runs));
  }
  // The difference is made when it is looked at: a map and, perhaps, one to compare with.
  const maps = view.layers.reduce((sum, { width, height }) => sum + width * height, 0) + 3 * view.width * view.height;
  const bytes = levels.reduce((sum, { width, height }) => sum + width * height * 4, maps);
  return { index, view, image: levels[0], levels, labels, layers, bytes };
}

function emptyMap({ width, height }: { width: number; height: number }): LabelMap {
  return { data: new Uint8Array(width * height), width, height };
}

async function picture({ photo, preview }: PhotoView, url: string | null): Promise<ImageBitmap> {
  const failures: unknown[] = [];
  const sources: (() => Promise<Blob>)[] = [];
  if (url !== null) {
    sources.push(async () => {
      const answer = await fetch(url);
      if (!answer.ok) throw new Error(`${answer.status} ${answer.statusText}`);
      return answer.blob();
    });
  }
  if (preview) sources.push(async () => new Blob([new Uint8Array(preview.bytes)], { type: preview.type }));
  for (const source of sources) {
    try {
      return await createImageBitmap(await source(), { imageOrientation: 'from-image' });
    } catch (error) {
      failures.push(error);
    }
  }
  throw new SeedMaskError('bad-image', `the photo cannot be shown${failures.length ? `: ${failures.map(String).join('; ')}` : ''}`, photo);
}

/** Bilinear halving is the mean of two by two pixels. */
async function pyramid(image: ImageBitmap): Promise<ImageBitmap[]> {
  const levels = [image];
  for (let last = image; Math.max(last.width, last.height) > SMALLEST; levels.push(last)) {
    last = await createImageBitmap(last, { resizeWidth: Math.max(1, last.width >> 1), resizeHeight: Math.max(1, last.height >> 1), resizeQuality: 'low' });
  }
  return levels;
}
