/**
 * Speed of the review page, measured in Chromium by the page's own marks (src/webview/marks.ts):
 *
 *     node esbuild.mjs && npx tsx bench/review.ts [--painter 2d,gl]
 *
 * Window of 1400 x 900, no graphics processor. First the way through a queue of photos of 12 megapixels with the layers that are shown by default; then a photo of 24
 * megapixels with every layer shown is panned and zoomed, and strokes are painted on it. Prints Markdown.
 */
import { parseArgs } from 'node:util';
import type { Page } from 'playwright-core';
import { madeReview } from '../test/page/madeReview';
import { openReview } from '../test/page/open';
import { machine, markdown, median, quantile } from './measure';

const LARGE = { width: 6000, height: 4000 };
const MIDDLE = { width: 4000, height: 3000 };
const FRAMES = 120;

/** Moves of the view, one a frame, as the text of a function body of the frame's number `i`. */
const MOVES = {
  pan: `key(i % 40 < 20 ? 'ArrowLeft' : 'ArrowRight')`,
  zoom: `wheel(i % 60 < 30 ? -40 : 40)`,
};

async function main(): Promise<void> {
  const { values } = parseArgs({ options: { painter: { type: 'string', default: '2d,gl' } } });
  const rows: string[][] = [];
  const review = madeReview({ sizes: [LARGE, MIDDLE, MIDDLE, MIDDLE, MIDDLE, MIDDLE] });
  // Before the clock runs.
  for (const index of review.session.items.keys()) await review.photo(index);
  for (const painter of values.painter.split(',')) {
    const { page, close } = await openReview(review, { painter });
    const note = (what: string, times: readonly number[]): void => void rows.push([`${painter}: ${what}`, median(times).toFixed(1), quantile(times, 0.95).toFixed(1), String(times.length)]);
    try {
      await walk(page);
      note('next photo, 12 megapixels, loaded ahead', await left(page, 'next'));
      note('photo of 12 megapixels, asked for until it is ready', (await left(page, 'load')).slice(1));
      await page.evaluate(() => window.postMessage({ type: 'tell', tell: 'changed', params: { index: 0, show: true } }, '*'));
      await page.waitForTimeout(3000);
      await showAll(page);
      await page.evaluate(() => performance.clearMeasures());
      note('from frame to frame, pan, whole photo', await driven(page, MOVES.pan));
      await page.evaluate(() => document.querySelector('.stage')?.dispatchEvent(new WheelEvent('wheel', { deltaY: -800, clientX: 700, clientY: 400, cancelable: true })));
      note('from frame to frame, pan, zoomed in', await driven(page, MOVES.pan));
      note('from frame to frame, zoom in and out', await driven(page, MOVES.zoom));
      note('work of a frame, of these', await left(page, 'frame'));
      await paint(page);
      note('brush, pointer event to screen', await left(page, 'stroke'));
    } finally {
      await close();
    }
  }
  console.log(`${machine()}\n\n${markdown(['what', 'median, ms', '95 % below, ms', 'number'], rows)}`);
}

/** Every layer of the photo is shown. */
async function showAll(page: Page): Promise<void> {
  const hidden = page.getByRole('button', { name: /: hidden$/ });
  const count = await hidden.count();
  if (count === 0) throw new Error('there are no buttons that show layers');
  for (let i = 0; i < count; i++) await hidden.first().click();
  await page.waitForTimeout(1500);
}

/** Moves the view in every frame. @returns the times from frame to frame */
async function driven(page: Page, move: string): Promise<number[]> {
  await page.waitForTimeout(800);
  return page.evaluate<number[]>(`new Promise(done => {
    const stage = document.querySelector('.stage');
    const middle = stage.getBoundingClientRect();
    const key = name => stage.dispatchEvent(new KeyboardEvent('keydown', { key: name, bubbles: true }));
    const wheel = deltaY => stage.dispatchEvent(new WheelEvent('wheel', { deltaY, clientX: middle.x + middle.width / 2, clientY: middle.y + middle.height / 2, bubbles: true, cancelable: true }));
    const times = [];
    let i = 0;
    let last;
    const frame = time => {
      if (last !== undefined) times.push(time - last);
      last = time;
      if (i++ === ${FRAMES}) return done(times);
      ${move};
      requestAnimationFrame(frame);
    };
    requestAnimationFrame(frame);
  })`);
}

async function paint(page: Page): Promise<void> {
  const box = await page.locator('.stage').boundingBox();
  if (!box) throw new Error('there is no canvas');
  const [x, y] = [box.x + box.width / 2, box.y + box.height / 2];
  await command(page, 'brush');
  for (let stroke = 0; stroke < 5; stroke++) {
    await page.mouse.move(x - 150, y - 100 + stroke * 40);
    await page.mouse.down();
    for (let i = 0; i < 40; i++) {
      await page.mouse.move(x - 150 + i * 8, y - 100 + stroke * 40 + 20 * Math.sin(i / 3));
      await page.waitForTimeout(10);
    }
    await page.mouse.up();
  }
}

async function walk(page: Page): Promise<void> {
  await page.evaluate(() => performance.clearMeasures('seedmask:next'));
  for (let i = 0; i < 5; i++) {
    await command(page, 'nextPhoto');
    await page.waitForTimeout(4000);
  }
}

async function command(page: Page, name: string): Promise<void> {
  await page.evaluate(told => window.postMessage({ type: 'tell', tell: 'command', params: { name: told } }, '*'), name);
}

/** What the page itself measured of a part. */
async function left(page: Page, part: string): Promise<number[]> {
  await page.waitForTimeout(300);
  return page.evaluate(name => performance.getEntriesByName(name).map(({ duration }) => duration), `seedmask:${part}`);
}

main().catch((error: unknown) => {
  console.error(error);
  process.exitCode = 1;
});
