/**
 * What the page does at each command of the review, whether it comes from a key (through VS Code), a button or a menu.
 */
import type { Mark } from '../shared/review';
import { describeError } from '../shared/errors';
import type { ReviewCommand } from '../shared/pageMessages';
import { lookOf } from './looks';
import type { Compare, LayerLook, Page } from './page';
import { applyHints, clearHints } from './tools/hintCommands';
import { acceptRegion, copyPrevious, fillHoles, grow, nextRegion, relabelRegion, removeCrumbs, removeRegion, restoreRegion, shrink, smooth } from './tools/regionCommands';
import { resizeTool } from './tools/size';

/** Each press of a zoom key. */
const ZOOM_STEP = Math.SQRT2;
const STYLES: readonly LayerLook['style'][] = ['both', 'fill', 'outline'];

const actions: Record<ReviewCommand, (page: Page) => void> = {
  nextPhoto: page => go(page, neighbour(page, 1)),
  previousPhoto: page => go(page, neighbour(page, -1)),
  nextUnreviewed,
  skip: nextUnreviewed,
  acceptAndNext: page => markAndGo(page, 'accepted'),
  rejectAndNext: page => markAndGo(page, 'rejected'),
  accept: page => mark(page, 'accepted'),
  reject: page => mark(page, 'rejected'),
  takeBackMark: page => mark(page, 'auto'),

  brush: page => void (page.hand.tool.value = 'brush'),
  eraser: page => void (page.hand.tool.value = 'eraser'),
  fill: page => void (page.hand.tool.value = 'fill'),
  region: page => void (page.hand.tool.value = 'region'),
  lasso: page => void (page.hand.tool.value = 'lasso'),
  wand: page => void (page.hand.tool.value = 'wand'),
  pick: page => void (page.hand.tool.value = 'pick'),
  pan: page => void (page.hand.tool.value = 'pan'),
  box: page => void (page.hand.tool.value = 'box'),
  point: page => void (page.hand.tool.value = 'point'),
  scribble: page => void (page.hand.tool.value = 'scribble'),
  larger: page => resizeTool(page, 1),
  smaller: page => resizeTool(page, -1),
  nextClass: page => turnClass(page, 1),
  previousClass: page => turnClass(page, -1),

  grow,
  shrink,
  smooth,
  fillHoles,
  removeCrumbs,
  copyPrevious,
  applyHints,
  clearHints,
  nextRegion,
  relabelRegion,
  removeRegion,
  restoreRegion,
  acceptRegion,

  why: page => void (page.panels.side.value = 'why'),
  classPage: page => void (page.panels.side.value = 'class'),
  editTags: page => void (page.panels.over.value = 'tags'),
  help: page => void (page.panels.over.value = page.panels.over.peek() === 'help' ? null : 'help'),
  focusQueue: () => focusOn('queue'),
  focusCanvas: () => focusOn('canvas'),

  zoomIn: page => page.viewport.zoomTo(page.viewport.scale.peek() * ZOOM_STEP),
  zoomOut: page => page.viewport.zoomTo(page.viewport.scale.peek() / ZOOM_STEP),
  fit: page => page.viewport.fit(),
  actualSize: page => page.viewport.zoomTo(1 / window.devicePixelRatio),
  toggleOverlay: page => {
    page.looks.peek.value = !page.looks.peek.peek();
    page.say(page.looks.peek.peek() ? 'Layers are hidden' : 'Layers are shown');
  },
  toggleOutline,
  nextLayer: page => soloNext(page, page.looks.solo.peek()),
  soloLayer: page => {
    if (page.looks.solo.peek() === null) soloNext(page, null);
    else page.looks.solo.value = null;
  },
  sideBySide: page => compare(page, 'side'),
  swipe: page => compare(page, 'swipe'),
  compareNone: page => void (page.looks.compare.value = { mode: 'none' }),
};

/** Carries out one command. */
export function runCommand(page: Page, command: ReviewCommand): void {
  actions[command](page);
}

function go(page: Page, index: number | undefined): void {
  if (index === undefined) page.say('There is no other photo that way');
  else page.goTo(index);
}

/** The queue as the panel shows it, and the place of the present photo in it. */
function way(page: Page): { order: readonly number[]; place: number } {
  const { items, current } = page.session.peek();
  const order = page.panels.order.peek() ?? items.map((_, index) => index);
  return { order, place: order.indexOf(current) };
}

function neighbour(page: Page, step: 1 | -1): number | undefined {
  const { order, place } = way(page);
  // The present photo may be filtered out; then the way begins at its first photo.
  return place < 0 ? order[0] : order[place + step];
}

/** The next photo without a person's word that has a mask, from here to the end and on from the start. */
function unreviewed(page: Page): number | undefined {
  const { order, place } = way(page);
  const { items, current } = page.session.peek();
  return [...order.slice(place + 1), ...order.slice(0, place + 1)].find(index => index !== current && ['auto', 'edited'].includes(items[index]?.state ?? ''));
}

function nextUnreviewed(page: Page): void {
  const next = unreviewed(page);
  if (next === undefined) page.say('No other photo of the list waits for a review');
  else page.goTo(next);
}

function mark(page: Page, word: Mark): void {
  const { current, items } = page.session.peek();
  if (!items[current]) return;
  const said = { accepted: 'Accepted', rejected: 'Rejected', auto: 'Mark taken back' }[word];
  page.ask('mark', { photos: [current], mark: word }).then(
    () => page.say(`${said}: ${items[current].photo}`),
    (error: unknown) => page.say(describeError(error)),
  );
}

function markAndGo(page: Page, word: Mark): void {
  // Before the mark, which may take the photo out of a filtered queue.
  const next = neighbour(page, 1);
  mark(page, word);
  if (next !== undefined) page.goTo(next);
}

function turnClass(page: Page, step: 1 | -1): void {
  const ids = [0, ...page.session.peek().classes.map(({ id }) => id).filter(id => id > 0)];
  const place = Math.max(0, ids.indexOf(page.hand.classId.peek()));
  page.hand.classId.value = ids[(place + step + ids.length) % ids.length];
}

function toggleOutline(page: Page): void {
  const photo = page.photo.peek();
  if (!photo) return;
  const looks = page.looks.layers.peek();
  const mask = lookOf(looks, { key: 'mask', kind: 'mask' });
  const style = STYLES[(STYLES.indexOf(mask.style) + 1) % STYLES.length];
  const labelled = photo.layers.filter(({ kind }) => ['mask', 'seed', 'removed'].includes(kind));
  page.looks.layers.value = new Map([...looks, ...labelled.map(layer => [layer.key, { ...lookOf(looks, layer), style }] as const)]);
  page.say({ fill: 'Areas filled', outline: 'Areas outlined', both: 'Areas filled and outlined' }[style]);
}

/** Shows the layer after `key` alone; the first one after the last. */
function soloNext(page: Page, key: string | null): void {
  const keys = page.photo.peek()?.layers.map(layer => layer.key) ?? [];
  if (keys.length === 0) return;
  page.looks.solo.value = key === null && keys.includes('mask') ? 'mask' : keys[(keys.indexOf(key ?? '') + 1) % keys.length];
  page.say(`Only the layer '${page.looks.solo.peek()}'`);
}

function compare(page: Page, mode: 'side' | 'swipe'): void {
  const now = page.looks.compare.peek();
  const keys = page.photo.peek()?.layers.map(({ key }) => key) ?? [];
  const left = ['disk', 'before', 'seed', 'truth', 'difference'].find(key => keys.includes(key)) ?? 'mask';
  const next: Compare = now.mode === 'none' ? { mode, left, right: 'mask', at: 0.5 } : { ...now, mode };
  page.looks.compare.value = next;
}

function focusOn(part: 'queue' | 'canvas'): void {
  document.querySelector<HTMLElement>(`[data-focus="${part}"]`)?.focus();
}
