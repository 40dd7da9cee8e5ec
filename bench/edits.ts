/**
 * Speed of the review page's edits on a mask of 24 megapixels, without the page:
 *
 *     npx tsx bench/edits.ts
 *
 * Large round regions of four classes and three thousand crumbs, drawn with the brush itself. What a brush does at each pointer event is keeping the tiles that it comes
 * to and painting; the rest are whole commands, with the edit that is sent left out. Prints Markdown.
 */
import type { Rect } from '../src/shared/labelPatch';
import type { LabelMap } from '../src/shared/maps';
import { componentAt } from '../src/webview/edits/component';
import { resized } from '../src/webview/edits/copyMask';
import { holesOf } from '../src/webview/edits/holes';
import { grow, shrink } from '../src/webview/edits/morphology';
import { polygon } from '../src/webview/edits/polygon';
import { Recorder } from '../src/webview/edits/recorder';
import { regionsOf, removeSmall } from '../src/webview/edits/regions';
import { paint, type Selection } from '../src/webview/edits/selection';
import { smooth } from '../src/webview/edits/smooth';
import { boundOfLine, stampLine } from '../src/webview/edits/stampLine';
import { Wand } from '../src/webview/edits/wand';
import { machine, markdown, median, quantile } from './measure';

const WIDTH = 6000;
const HEIGHT = 4000;
const ROUNDS = 5;
const EVENTS = 200;

function main(): void {
  const mask = made();
  const rows: string[][] = [];
  const note = (what: string, times: readonly number[]): void => void rows.push([what, median(times).toFixed(2), quantile(times, 0.95).toFixed(2), String(times.length)]);
  for (const radius of [0.5, 12, 100, 500]) {
    note(`brush of radius ${radius}, one pointer event`, strokeTimes(mask, radius));
    note(`brush of radius ${radius}, over background only`, strokeTimes(mask, radius, 0));
  }
  const regions = regionsOf(mask);
  const largest = regions.reduce((most, region) => (region.area > most.area ? region : most));
  const region = regionAt(mask, largest.x, largest.y);
  const background = regionAt(mask, mask.data.indexOf(0) % WIDTH, Math.floor(mask.data.indexOf(0) / WIDTH));
  const megapixels = (selection: Selection): string => `${(selection.inside.reduce((sum, value) => sum + value, 0) / 1e6).toFixed(1)} megapixels`;
  const repeat = (what: string, work: (copy: LabelMap) => unknown): void =>
    note(what, Array.from({ length: ROUNDS }, () => {
      const copy = { ...mask, data: mask.data.slice() };
      return timed(() => work(copy));
    }));
  repeat(`all ${regions.length} regions`, regionsOf);
  repeat(`region of ${megapixels(region)}: find`, copy => regionAt(copy, largest.x, largest.y));
  repeat('the same: grow by 10', copy => grow(copy, region, largest.label, 10));
  repeat('the same: shrink by 10', copy => shrink(copy, region, largest.label, 10));
  repeat('the same: smooth by 3', copy => smooth(copy, region, largest.label, 3));
  repeat('the same: smooth by 25', copy => smooth(copy, region, largest.label, 25));
  repeat(`background of ${megapixels(background)}: find`, copy => regionAt(copy, copy.data.indexOf(0) % WIDTH, copy.data.indexOf(0) / WIDTH));
  repeat('the same: paint', copy => paint(copy, background, 9));
  repeat('the same: holes', () => holesOf(background));
  repeat('crumbs of fewer than 200 pixels: remove', copy => removeSmall(copy, 200));
  repeat('lasso of 3,000 points', copy => polygon(copy, ring(3000), 'even-odd'));
  repeat('mask of 12 megapixels stretched', () => resized({ data: new Uint8Array(12e6), width: 4000, height: 3000 }, WIDTH, HEIGHT));
  repeat(`wand on the region of ${megapixels(region)}`, copy => new Wand(copy, largest.x, largest.y, colours, true).select(20));
  console.log(`${machine()}\n\n${markdown(['what', 'median, ms', '95 % below, ms', 'number'], rows)}`);
}

function made(): LabelMap {
  const labels = { data: new Uint8Array(WIDTH * HEIGHT), width: WIDTH, height: HEIGHT };
  let state = 1;
  const random = (): number => (state = (state * 16807) % 2147483647) / 2147483647;
  const dab = (length: number, radius: number, label: number): void => {
    const [x, y] = [random() * WIDTH, random() * HEIGHT];
    stampLine(labels, { x, y }, { x: x + (random() - 0.5) * length, y: y + (random() - 0.5) * length }, { radius, label });
  };
  for (let i = 0; i < 30; i++) dab(800, 50 + random() * 400, 1 + (i % 4));
  for (let i = 0; i < 3000; i++) dab(20, 1 + random() * 6, i % 4);
  return labels;
}

/** Times of the pointer events of a stroke. */
function strokeTimes(mask: LabelMap, radius: number, only?: number): number[] {
  const labels = { ...mask, data: mask.data.slice() };
  const recorder = new Recorder(labels);
  return Array.from({ length: EVENTS }, (_, i) => {
    const [from, to] = [i, i + 1].map(step => ({ x: 600 + 17 * step, y: 600 + 9 * step }));
    return timed(() => {
      recorder.keep(boundOfLine(from, to, radius));
      stampLine(labels, from, to, { radius, label: 2, only });
    });
  });
}

function regionAt(labels: LabelMap, x: number, y: number): Selection {
  const region = componentAt(labels, x, Math.floor(y), { connectivity: 8 });
  if (!region) throw new Error(`no region at ${x}, ${y}`);
  return region;
}

function ring(count: number): [number, number][] {
  return Array.from({ length: count }, (_, i) => {
    const angle = (i / count) * 2 * Math.PI;
    return [WIDTH / 2 + WIDTH * 0.4 * Math.cos(angle) * (1 + 0.1 * Math.sin(i)), HEIGHT / 2 + HEIGHT * 0.4 * Math.sin(angle)];
  });
}

/** A photo of one colour. */
function colours({ width, height }: Rect): Uint8ClampedArray {
  return new Uint8ClampedArray(width * height * 4).fill(128);
}

function timed(work: () => unknown): number {
  const start = performance.now();
  work();
  return performance.now() - start;
}

main();
