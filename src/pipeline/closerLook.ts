/**
 * A second look for tags that the saliency cue is blind to. Small objects are lost in a salience map of the whole photo; seen by itself, the neighbourhood of
 * the strongest part of the tag's map (m_k >= peak * max m_k, its bounding box grown by `closer`) often shows them. Each blind tag gets a salience map of its
 * own: what the closer look saw, 0 outside of it. `looksByTag` looks at the part of every tag, and takes what it sees as one more opinion.
 */
import { labelComponents } from './components';
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

/** The salience of a part of the photo: 1 x any size, in [0, 1]; `mirrored`: seen in a mirror, and turned back. */
export type LookCloser = (box: PhotoBox, mirrored?: boolean) => Promise<Maps>;

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

/** How each tag's part of the photo is looked at by itself (`looksByTag`). */
export interface TagLooks {
  /** Whether the whole photo is looked at in a mirror, too. */
  mirrored: boolean;
  /** A tag's part: where its map reaches this share of its maximum, without pieces smaller than `piece` of the largest, grown by `grown`, at least `smallest` of a side. */
  reach: number;
  piece: number;
  grown: number;
  smallest: number;
  /** A part of more than this share of the photo shows nothing new. */
  largest: number;
  /** What the look at the part weighs against that at the whole. */
  weight: number;
}

/**
 * Salience for each tag, K x H x W: the photo as a whole (and in a mirror), and within the tag's part of it also that part by itself.
 * @param maps K x H x W in [0, 1]; @param saliency 1 x any size, of the whole photo
 */
export async function looksByTag(maps: Maps, saliency: Maps, looks: TagLooks, look: LookCloser): Promise<Maps> {
  const { height, width } = maps;
  const whole = resizeBilinear(saliency, height, width).data;
  if (looks.mirrored) {
    const other = resizeBilinear(await look(WHOLE, true), height, width).data;
    for (let i = 0; i < whole.length; i++) whole[i] = (whole[i] + other[i]) / 2;
  }
  const out = zeroMaps(maps.channels, height, width);
  for (let k = 0; k < maps.channels; k++) {
    const target = plane(out, k);
    target.set(whole);
    const box = tagPart(plane(maps, k), maps, looks);
    if (!box || (box.right - box.left) * (box.bottom - box.top) >= looks.largest) continue;
    const near = target.slice();
    await paste(maps, box, look, near);
    for (let i = 0; i < target.length; i++) target[i] = (1 - looks.weight) * target[i] + looks.weight * near[i];
  }
  return out;
}

const WHOLE: PhotoBox = { left: 0, top: 0, right: 1, bottom: 1 };

/** The part of the photo that a tag's map points at; nothing where it points nowhere. */
function tagPart(map: Float32Array, size: Maps, { reach, piece, grown: factor, smallest }: TagLooks): PhotoBox | undefined {
  const most = map.reduce((a, b) => Math.max(a, b), 0);
  if (most <= 0) return undefined;
  const inside = Uint8Array.from(map, value => Number(value >= reach * most));
  const { labels, count } = labelComponents(inside, size.height, size.width, 4);
  const areas = new Int32Array(count + 1);
  for (const label of labels) if (label > 0) areas[label]++;
  const least = piece * areas.reduce((a, b) => Math.max(a, b), 0);
  return boxOf(i => labels[i] > 0 && areas[labels[i]] >= least, size, factor, smallest);
}

/** Bounding box of the strongest part, grown about its centre, in shares of the photo. */
function strongestPart(map: Float32Array, size: Maps, { peak, closer }: SaliencyCue): PhotoBox {
  const least = peak * map.reduce((a, b) => Math.max(a, b), 0);
  return boxOf(i => map[i] >= least, size, closer, SMALLEST);
}

function boxOf(inside: (cell: number) => boolean, { height, width }: Maps, factor: number, smallest: number): PhotoBox {
  let [left, top, right, bottom] = [width, height, 0, 0];
  for (let i = 0; i < height * width; i++) {
    if (!inside(i)) continue;
    const x = i % width;
    const y = Math.floor(i / width);
    left = Math.min(left, x);
    right = Math.max(right, x + 1);
    top = Math.min(top, y);
    bottom = Math.max(bottom, y + 1);
  }
  const [x0, x1] = grown(left / width, right / width, factor, smallest);
  const [y0, y1] = grown(top / height, bottom / height, factor, smallest);
  return { left: x0, right: x1, top: y0, bottom: y1 };
}

function grown(start: number, end: number, factor: number, smallest: number): [number, number] {
  const middle = (start + end) / 2;
  const half = Math.max((end - start) * factor, smallest) / 2;
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
