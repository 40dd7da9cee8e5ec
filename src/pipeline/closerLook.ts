/**
 * A second look for tags that the saliency cue is blind to. Small objects are lost in a salience map of the whole photo; seen by itself, the neighbourhood of
 * the strongest part of the tag's map (m_k >= peak * max m_k, its bounding box grown by `closer`) often shows them. Each blind tag gets a salience map of its
 * own: what the closer look saw, 0 outside of it.
 */
import { resizeBilinear } from './resize';
import { isBlind, type SaliencyCue } from './saliencyCue';
import { plane, zeroMaps, type Maps } from '../shared/maps';

/** A part of a photo, in shares of its width and height: 0 <= left < right <= 1. */
export interface PhotoBox {
  left: number;
  top: number;
  right: number;
  bottom: number;
}

/** The salience of a part of the photo: 1 x any size, in [0, 1]. */
export type LookCloser = (box: PhotoBox) => Promise<Maps>;

/** A look at less than this share of the photo's width and height shows texture, not objects. */
const SMALLEST = 0.25;

/**
 * @param maps K x H x W in [0, 1]
 * @param saliency 1 x H x W in [0, 1], of the whole photo
 * @returns K x H x W: the salience that counts for each tag
 */
export async function saliencyByTag(maps: Maps, saliency: Maps, cue: SaliencyCue, lookCloser: LookCloser): Promise<Maps> {
  const out = zeroMaps(maps.channels, maps.height, maps.width);
  for (let k = 0; k < maps.channels; k++) {
    const map = plane(maps, k);
    const target = plane(out, k);
    const empty = map.every(value => value === 0);
    if (empty || !isBlind(map, saliency.data, cue)) target.set(saliency.data);
    else await paste(maps, strongestPart(map, maps, cue), lookCloser, target);
  }
  return out;
}

/** Bounding box of the strongest part, grown about its centre, in shares of the photo. */
function strongestPart(map: Float32Array, { height, width }: Maps, { peak, closer }: SaliencyCue): PhotoBox {
  const least = peak * map.reduce((a, b) => Math.max(a, b), 0);
  let [left, top, right, bottom] = [width, height, 0, 0];
  map.forEach((value, i) => {
    if (value < least) return;
    const x = i % width;
    const y = Math.floor(i / width);
    left = Math.min(left, x);
    right = Math.max(right, x + 1);
    top = Math.min(top, y);
    bottom = Math.max(bottom, y + 1);
  });
  const [x0, x1] = grown(left / width, right / width, closer);
  const [y0, y1] = grown(top / height, bottom / height, closer);
  return { left: x0, right: x1, top: y0, bottom: y1 };
}

function grown(start: number, end: number, factor: number): [number, number] {
  const middle = (start + end) / 2;
  const half = Math.max((end - start) * factor, SMALLEST) / 2;
  return [Math.max(0, middle - half), Math.min(1, middle + half)];
}

async function paste({ height, width }: Maps, box: PhotoBox, lookCloser: LookCloser, target: Float32Array): Promise<void> {
  const x0 = Math.round(box.left * width);
  const y0 = Math.round(box.top * height);
  const w = Math.max(1, Math.round(box.right * width) - x0);
  const h = Math.max(1, Math.round(box.bottom * height) - y0);
  const seen = resizeBilinear(await lookCloser(box), h, w);
  for (let y = 0; y < Math.min(h, height - y0); y++) {
    target.set(seen.data.subarray(y * w, y * w + Math.min(w, width - x0)), (y0 + y) * width + x0);
  }
}
