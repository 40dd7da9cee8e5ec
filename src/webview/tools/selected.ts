/**
 * Regions that the page can be about: connected parts of one class in the open mask, and regions that MARS removed (their pixels are in the layer 'removed'). Finds them
 * at a pixel, walks through them in reading order, and gives their pixels.
 */
import { componentAt } from '../edits/component';
import { nearest } from '../edits/copyMask';
import { BACKGROUND } from '../edits/labels';
import { isInside } from '../edits/rects';
import { regionsOf } from '../edits/regions';
import { areaOf, has, pixelsOf, type Selection } from '../edits/selection';
import type { Rect } from '../../shared/labelPatch';
import type { LabelMap } from '../../shared/maps';
import type { Hand, OpenPhoto, Page } from '../page';

export type Selected = NonNullable<Hand['selected']['value']>;
export type Evidence = OpenPhoto['view']['evidence'][number];

/** A region that is there now, with its pixels. */
export type FoundRegion = { kind: 'mask'; classId: number; pixels: Selection } | { kind: 'removed'; classId: number; pixels: Selection; evidence: Evidence };

/** The labels of the mask as it is shown, if it has the photo's size; they may be looked at only. */
export function shownLabels({ view, labels, layers }: OpenPhoto): LabelMap | undefined {
  const shown = labels ?? layers.find(({ kind }) => kind === 'mask')?.labels;
  return shown?.width === view.width && shown.height === view.height ? shown : undefined;
}

/** What is selected, if it is there still. */
export function selectedRegion(page: Page): FoundRegion | undefined {
  const photo = page.photo.peek();
  const selected = page.hand.selected.peek();
  if (!photo || !selected) return undefined;
  if (!('evidence' in selected)) return maskRegion(photo, selected.x, selected.y, selected.classId);
  const evidence = photo.view.evidence.find(({ id }) => id === selected.evidence);
  const pixels = evidence && pixelsOfEvidence(photo, evidence);
  return evidence && pixels && { kind: 'removed', classId: evidence.classId, pixels, evidence };
}

/** What a command is about: the selected region, else the region of the mask under the pointer. */
export function regionInHand(page: Page): FoundRegion | undefined {
  const selected = selectedRegion(page);
  if (selected) return selected;
  const photo = page.photo.peek();
  const pointer = page.looks.pointer.peek();
  return photo && pointer ? maskRegion(photo, Math.floor(pointer.x), Math.floor(pointer.y)) : undefined;
}

/** The region at a photo pixel: a removed one where it was removed or has been restored, else that of the mask. Null: nothing is there. */
export function selectionAt(photo: OpenPhoto, x: number, y: number): Selected | null {
  const labels = shownLabels(photo);
  const label = labels && isInside(labels, x, y) ? labels.data[y * labels.width + x] : BACKGROUND;
  const evidence = evidenceAt(photo, x, y);
  if (evidence && (label === BACKGROUND || label === evidence.classId)) return { evidence: evidence.id };
  return label === BACKGROUND ? null : { classId: label, x, y };
}

/** Pixels of a removed region as the layer 'removed' has them, at the photo's size; undefined where that layer is missing or empty there. */
export function pixelsOfEvidence(photo: OpenPhoto, { classId, box: [x, y, width, height] }: Evidence): Selection | undefined {
  const removed = photo.layers.find(({ kind }) => kind === 'removed')?.labels;
  if (!removed) return undefined;
  const part = sampled(removed, { x, y, width, height }, photo.view);
  // Another region of the class may reach into the box; this one fills the box from side to side.
  const own = regionsOf(part).find(({ label, rect }) => label === classId && rect.width === width && rect.height === height);
  const pixels = own ? componentAt(part, own.x, own.y, { connectivity: 8 }) : pixelsOf(part, classId);
  return pixels && { rect: { ...pixels.rect, x: pixels.rect.x + x, y: pixels.rect.y + y }, inside: pixels.inside };
}

/** Whether a removed region is in the mask again: most of its pixels have its class. */
export function isRestored(labels: LabelMap, pixels: Selection, classId: number): boolean {
  let back = 0;
  const { x, y, width } = pixels.rect;
  for (let p = 0; p < pixels.inside.length; p++) {
    if (pixels.inside[p] === 1 && labels.data[(y + Math.floor(p / width)) * labels.width + x + (p % width)] === classId) back++;
  }
  return 2 * back > areaOf(pixels);
}

/** A place in the way through the photo's regions. */
export interface Stop {
  selected: Selected;
  classId: number;
  /** Pixels. */
  area: number;
  rect: Rect;
}

/** Regions of the mask that are smaller than this share of the photo are passed over. */
const CRUMB = 1 / 50_000;

/** All regions in reading order (first row, then first column): those that MARS removed, and those of the mask. */
export function stopsOf(photo: OpenPhoto): Stop[] {
  const removed = photo.view.evidence.map(({ id, classId, area, box: [x, y, width, height] }): Stop => ({ selected: { evidence: id }, classId, area, rect: { x, y, width, height } }));
  const labels = shownLabels(photo);
  const regions = labels ? regionsOf(labels) : [];
  const least = photo.view.width * photo.view.height * CRUMB;
  const inMask = regions.filter(({ area }) => area >= least).map(({ label, x, y, area, rect }): Stop => ({ selected: { classId: label, x, y }, classId: label, area, rect }));
  return [...removed, ...inMask].sort((a, b) => a.rect.y - b.rect.y || a.rect.x - b.rect.x);
}

/** The stop after the present selection, which may be gone from the mask; the first one after the last. */
export function nextStop(photo: OpenPhoto, stops: readonly Stop[], selected: Selected | null): Stop | undefined {
  if (selected === null) return stops[0];
  const place = stops.findIndex(stop => isAt(photo, stop, selected));
  if (place >= 0) return stops[(place + 1) % stops.length];
  const { x, y } = 'evidence' in selected ? { x: 0, y: 0 } : selected;
  return stops.find(({ rect }) => rect.y > y || (rect.y === y && rect.x > x)) ?? stops[0];
}

function isAt(photo: OpenPhoto, stop: Stop, selected: Selected): boolean {
  if ('evidence' in stop.selected || 'evidence' in selected) return 'evidence' in stop.selected && 'evidence' in selected && stop.selected.evidence === selected.evidence;
  if (stop.classId !== selected.classId || !isInside(stop.rect, selected.x - stop.rect.x, selected.y - stop.rect.y)) return false;
  const region = maskRegion(photo, stop.selected.x, stop.selected.y, stop.classId);
  return region !== undefined && has(region.pixels, selected.x, selected.y);
}

function maskRegion(photo: OpenPhoto, x: number, y: number, expected?: number): FoundRegion | undefined {
  const labels = shownLabels(photo);
  if (!labels || !isInside(labels, x, y)) return undefined;
  const classId = labels.data[y * labels.width + x];
  if (classId === BACKGROUND || (expected !== undefined && classId !== expected)) return undefined;
  const pixels = componentAt(labels, x, y, { connectivity: 8 });
  return pixels && { kind: 'mask', classId, pixels };
}

/** The smallest removed region that has the pixel. */
function evidenceAt(photo: OpenPhoto, x: number, y: number): Evidence | undefined {
  return photo.view.evidence
    .filter(({ box: [left, top, width, height] }) => isInside({ width, height }, x - left, y - top))
    .sort((a, b) => a.area - b.area)
    .find(evidence => {
      const pixels = pixelsOfEvidence(photo, evidence);
      return pixels !== undefined && has(pixels, x, y);
    });
}

/** A part of the photo, from a layer that may have another size than the photo. */
function sampled(layer: LabelMap, { x, y, width, height }: Rect, photo: { width: number; height: number }): LabelMap {
  const data = new Uint8Array(width * height);
  for (let row = 0; row < height; row++) {
    const from = nearest(y + row, layer.height, photo.height) * layer.width;
    for (let column = 0; column < width; column++) data[row * width + column] = layer.data[from + nearest(x + column, layer.width, photo.width)];
  }
  return { data, width, height };
}
