/**
 * What can be done to the region that is selected or under the pointer, as commands of the page: change its outline, take it away, bring back what MARS removed, give it
 * another class, go from region to region.
 */
import { choose } from '../choices';
import { describeError } from '../../shared/errors';
import { decodeRuns } from '../../shared/labelRuns';
import { resized } from '../edits/copyMask';
import { holesOf } from '../edits/holes';
import { BACKGROUND } from '../edits/labels';
import { grow as growRegion, shrink as shrinkRegion } from '../edits/morphology';
import { grown, whole } from '../edits/rects';
import { removeSmall } from '../edits/regions';
import { areaOf, has, paint, type Selection } from '../edits/selection';
import { smooth as smoothRegion } from '../edits/smooth';
import type { Rect } from '../../shared/labelPatch';
import type { LabelMap } from '../../shared/maps';
import type { Page } from '../page';
import { plural } from '../../shared/runTexts';
import { pixels as pixelsText } from '../../shared/texts/words';
import { labelName } from './names';
import { isRestored, nextStop, regionInHand, selectedRegion, stopsOf, type FoundRegion, type Stop } from './selected';
import { editableLabels, editOnce } from './stroke';

/** CSS pixels that an outline moves, so that each step can be seen and zooming in makes it finer. */
const STEP = 2;
/** Photo pixels. */
const MOST_STEP = 50;
/** Regions of the mask below this share of the photo are crumbs. */
const CRUMB = 1 / 10_000;

export function grow(page: Page): void {
  const radius = step(page);
  reshape(page, 'Grow', radius, radius, (labels, { pixels, classId }) => growRegion(labels, pixels, classId, radius));
}

export function shrink(page: Page): void {
  const radius = step(page);
  reshape(page, 'Shrink', radius, 0, (labels, { pixels, classId }) => shrinkRegion(labels, pixels, classId, radius));
}

export function smooth(page: Page): void {
  const radius = step(page);
  reshape(page, 'Smooth', radius, radius, (labels, { pixels, classId }) => smoothRegion(labels, pixels, classId, radius));
}

/** Fills the holes of the region with its class. */
export function fillHoles(page: Page): void {
  const region = maskRegionInHand(page);
  const holes = region && holesOf(region.pixels);
  if (!region) return;
  const name = labelName(page, region.classId);
  if (!holes || !editOnce(page, `Fill holes of ${name}`, holes.rect, labels => paint(labels, holes, region.classId, BACKGROUND))) page.say(`This region of ${name} has no holes`);
  else page.say(`Holes of ${name} filled: ${pixelsText(areaOf(holes))}`);
}

/** Gives the smallest regions of all classes to what surrounds them. */
export function removeCrumbs(page: Page): void {
  const labels = editableLabels(page);
  if (!labels) return;
  const least = Math.max(2, Math.round(labels.width * labels.height * CRUMB));
  const done = editOnce(page, 'Remove small regions', whole(labels), map => removeSmall(map, least));
  page.say(done ? `Regions of fewer than ${pixelsText(least)} are gone` : `There are no regions of fewer than ${pixelsText(least)}`);
}

/** Takes the mask of the photo before, stretched where that photo has another size. */
export function copyPrevious(page: Page): void {
  copyFromPrevious(page).catch((error: unknown) => page.say(describeError(error)));
}

async function copyFromPrevious(page: Page): Promise<void> {
  const target = editableLabels(page);
  const here = page.photo.peek()?.index;
  if (!target || here === undefined) return;
  const order = page.panels.order.peek();
  const previous = order ? order[order.indexOf(here) - 1] : here - 1;
  if (previous === undefined || previous < 0) return page.say('There is no photo before this one');
  const { view } = await page.ask('photo', { index: previous });
  if (view.mask === null) return page.say(view.maskProblem ?? 'The photo before has no mask');
  // Meanwhile another photo may have been opened.
  if (page.photo.peek()?.labels !== target) return;
  const { runs, width, height } = view.mask;
  const source = resized({ data: decodeRuns(runs, width * height), width, height }, target.width, target.height);
  const done = editOnce(page, 'Copy the mask of the photo before', whole(target), labels => {
    labels.data.set(source.data);
    return whole(labels);
  });
  page.say(done ? `Mask copied from ${view.photo}` : 'The photo before has the same mask');
}

/** The next region in reading order: those of the mask and those that MARS removed. */
export function nextRegion(page: Page): void {
  const photo = page.photo.peek();
  if (!photo) return;
  const stops = stopsOf(photo);
  const stop = nextStop(photo, stops, page.hand.selected.peek());
  if (!stop) return page.say('This mask has no regions');
  page.hand.selected.value = stop.selected;
  page.viewport.reveal(stop.rect);
  page.say(`${stopText(page, stop)}, region ${stops.indexOf(stop) + 1} of ${stops.length}`);
}

/** Makes a region of the mask background; a removed region that had been restored goes again. */
export function removeRegion(page: Page): void {
  const labels = editableLabels(page);
  const region = labels && regionInHand(page);
  if (!labels) return;
  if (!region) return pointFirst(page);
  const name = labelName(page, region.classId);
  if (region.kind === 'mask') {
    if (editOnce(page, `Remove region of ${name}`, region.pixels.rect, map => paint(map, region.pixels, BACKGROUND))) page.say(`${name} removed: ${pixelsText(areaOf(region.pixels))}`);
    return;
  }
  if (!isRestored(labels, region.pixels, region.classId)) return page.say('This region is removed already');
  const choices = [{ evidence: region.evidence.id, choice: null }];
  if (editOnce(page, `Remove ${name} again`, region.pixels.rect, map => paint(map, region.pixels, BACKGROUND, region.classId), choices)) page.say(`${name} removed again`);
}

/** Brings a region that MARS removed back into the mask. */
export function restoreRegion(page: Page): void {
  const region = selectedRegion(page);
  if (region?.kind !== 'removed') return page.say('Select a removed region first');
  const name = labelName(page, region.classId);
  const choices = [{ evidence: region.evidence.id, choice: 'restored' as const }];
  const done = editOnce(page, `Restore ${name}`, region.pixels.rect, map => paint(map, region.pixels, region.classId), choices);
  if (done) page.say(`${name} restored: ${pixelsText(areaOf(region.pixels))}`);
  else if (editableLabels(page)) page.say(`${name} is in the mask already`);
}

/** A removed region stays removed by a person's word; a region of the mask stays as it is. Goes on to the next region. */
export function acceptRegion(page: Page): void {
  const region = selectedRegion(page);
  if (!region) return pointFirst(page);
  if (region.kind === 'removed') {
    const photo = page.photo.peek();
    if (!photo || page.session.peek().readOnly) return void editableLabels(page);
    choose(page, photo, [region.evidence.id], 'accepted').catch((error: unknown) => page.say(describeError(error)));
  }
  nextRegion(page);
}

/** Gives a region of the mask the class in hand. */
export function relabelRegion(page: Page): void {
  const region = maskRegionInHand(page);
  if (!region) return;
  const classId = page.hand.classId.peek();
  const name = labelName(page, classId);
  if (!editOnce(page, `Relabel ${labelName(page, region.classId)} as ${name}`, region.pixels.rect, map => paint(map, region.pixels, classId))) return page.say(`This region is ${name} already`);
  const { selected } = page.hand;
  const place = selected.peek();
  if (place && !('evidence' in place)) selected.value = classId === BACKGROUND ? null : { ...place, classId };
  page.say(`${labelName(page, region.classId)} is ${name} now`);
}

function stopText(page: Page, { selected, classId, area }: Stop): string {
  const name = labelName(page, classId);
  return 'evidence' in selected ? `Removed region of ${name}, ${pixelsText(area)}` : `${name}, ${pixelsText(area)}`;
}

/** Photo pixels of one step at the present zoom. */
function step(page: Page): number {
  return Math.min(MOST_STEP, Math.max(1, Math.round(STEP / page.viewport.scale.peek())));
}

function pointFirst(page: Page): void {
  page.say('Select a region first, or point at one');
}

/** The region of the mask that a command is to change; if there is none, or it must not be changed, the page says so. */
function maskRegionInHand(page: Page): (FoundRegion & { kind: 'mask' }) | undefined {
  if (!editableLabels(page)) return undefined;
  const region = regionInHand(page);
  if (region?.kind === 'mask') return region;
  if (region) page.say('This region is not in the mask: restore it first');
  else pointFirst(page);
  return undefined;
}

/** @param reach how far outside the region labels may change. */
function reshape(page: Page, verb: string, radius: number, reach: number, operation: (labels: LabelMap, region: FoundRegion) => Rect | undefined): void {
  const labels = editableLabels(page);
  const region = labels && maskRegionInHand(page);
  if (!labels || !region) return;
  const name = labelName(page, region.classId);
  const done = editOnce(page, `${verb} ${name}`, grown(region.pixels.rect, reach, labels) ?? region.pixels.rect, map => operation(map, region));
  if (!done) return page.say(`${verb}: nothing changes`);
  keepSelected(page, labels, region.pixels);
  page.say(`${verb}: ${name}, ${plural(radius, 'pixel')}`);
}

/** Where the selection's pixel is not of its class any more, it moves to the first pixel of the old region that is. */
function keepSelected(page: Page, labels: LabelMap, old: Selection): void {
  const selected = page.hand.selected.peek();
  if (!selected || 'evidence' in selected || labels.data[selected.y * labels.width + selected.x] === selected.classId) return;
  const { x: left, y: top, width, height } = old.rect;
  for (let y = top; y < top + height; y++) {
    for (let x = left; x < left + width; x++) {
      if (!has(old, x, y) || labels.data[y * labels.width + x] !== selected.classId) continue;
      page.hand.selected.value = { ...selected, x, y };
      return;
    }
  }
  page.hand.selected.value = null;
}
