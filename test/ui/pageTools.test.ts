/**
 * Tools of the review page in Chromium, by mouse and by keys: what they send, on a photo of two colours.
 */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import sharp from 'sharp';
import { decodeRuns, encodeRuns } from '../../src/shared/labelRuns';
import type { AskParams, ReviewCommand } from '../../src/shared/pageMessages';
import type { FakeHost } from '../page/browserHost';
import type { FakeReview } from '../page/fakeReview';
import { madeReview } from '../page/madeReview';
import { openReview, type OpenedPage } from '../page/open';

declare global {
  interface Window {
    fakeHost: FakeHost;
  }
}

type Edit = AskParams<'edit'>;

const WIDTH = 300;
const HEIGHT = 200;
/** CSS pixels around a photo that fits the canvas. */
const MARGIN = 8;

let opened: OpenedPage;

/** The left 120 columns of the photo are red, the others blue; nothing is in the mask. */
async function twoColours(): Promise<FakeReview> {
  const review = madeReview({ sizes: [{ width: WIDTH, height: HEIGHT }], bare: true });
  const pixels = Uint8Array.from({ length: WIDTH * HEIGHT * 3 }, (_, i) => [200, 40, 40, 40, 40, 200][(i % 3) + (Math.floor(i / 3) % WIDTH < 120 ? 0 : 3)]);
  const bytes = new Uint8Array(await sharp(pixels, { raw: { width: WIDTH, height: HEIGHT, channels: 3 } }).png().toBuffer());
  const { view } = await review.photo(0);
  const mask = view.mask && { ...view.mask, runs: encodeRuns(new Uint8Array(WIDTH * HEIGHT)) };
  return { ...review, photo: async () => ({ view: { ...view, mask }, file: { bytes, type: 'image/png' } }) };
}

/** Where the middle of a photo pixel is in the window. */
async function place(x: number, y: number): Promise<[number, number]> {
  const stage = await opened.page.locator('.stage').boundingBox();
  assert.ok(stage);
  const scale = Math.min((stage.width - 2 * MARGIN) / WIDTH, (stage.height - 2 * MARGIN) / HEIGHT);
  return [stage.x + stage.width / 2 + (x + 0.5 - WIDTH / 2) * scale, stage.y + stage.height / 2 + (y + 0.5 - HEIGHT / 2) * scale];
}

async function command(name: ReviewCommand): Promise<void> {
  await opened.page.evaluate(told => window.fakeHost.tell('command', { name: told }), name);
  await opened.page.waitForTimeout(80);
}

async function drag(...places: [number, number][]): Promise<void> {
  const { mouse } = opened.page;
  for (const [i, at] of places.entries()) {
    await mouse.move(...(await place(...at)), { steps: 3 });
    if (i === 0) await mouse.down();
  }
}

/** Edits that came since the last call, and the labels that each wrote. */
async function edits(): Promise<{ label: string; patch: Omit<Edit['patch'], 'before' | 'after'>; after: Uint8Array }[]> {
  await opened.page.waitForTimeout(80);
  const found = await opened.page.evaluate(() => {
    const made = window.fakeHost.asked.filter(({ ask }) => ask === 'edit').map(({ params }) => params as Edit);
    window.fakeHost.asked.length = 0;
    return made.map(({ label, patch: { x, y, width, height, after: runs } }) => ({ label, patch: { x, y, width, height }, runs: [...runs] }));
  });
  return found.map(({ label, patch, runs }) => ({ label, patch, after: decodeRuns(Uint8Array.from(runs), patch.width * patch.height) }));
}

before(async () => {
  opened = await openReview(await twoColours(), { width: 1200, height: 800 });
  await opened.page.waitForTimeout(300);
});
after(async () => {
  assert.deepEqual(opened.troubles.filter(text => !/GPU stall|Multiple readback/.test(text)), []);
  await opened.close();
});

test('the wand takes the colour under the pointer; Escape before letting go leaves nothing', async () => {
  await command('wand');
  await drag([40, 100], [42, 100]);
  await opened.page.keyboard.press('Escape');
  await opened.page.mouse.up();
  assert.deepEqual(await edits(), []);
  await drag([40, 100]);
  await opened.page.mouse.up();
  const [edit, ...others] = await edits();
  assert.deepEqual([edit.label, edit.patch, others], ['Paint class 1 with the wand', { x: 0, y: 0, width: 120, height: HEIGHT }, []]);
  assert.ok(edit.after.every(label => label === 1));
});

test('clicks with the lasso make a polygon that closes at its first corner', async () => {
  await command('lasso');
  await command('nextClass');
  for (const [x, y] of [[150, 50], [250, 50], [250, 150], [150, 150]]) {
    await opened.page.mouse.click(...(await place(x, y)));
    assert.deepEqual(await edits(), []);
  }
  await opened.page.mouse.click(...(await place(150, 50)));
  const [edit, ...others] = await edits();
  assert.deepEqual([edit.label, others], ['Paint class 2 with the lasso', []]);
  assert.ok(Math.abs(edit.patch.x - 150) <= 1 && Math.abs(edit.patch.y - 50) <= 1 && Math.abs(edit.patch.width - 100) <= 1 && Math.abs(edit.patch.height - 100) <= 1);
});

test('the right button erases with the brush', async () => {
  await command('brush');
  const { mouse } = opened.page;
  await mouse.move(...(await place(200, 100)));
  await mouse.down({ button: 'right' });
  await mouse.up({ button: 'right' });
  const [edit] = await edits();
  assert.equal(edit.label, 'Erase');
  assert.ok(edit.patch.x < 200 && edit.patch.x + edit.patch.width > 200);
  assert.equal(edit.after[(100 - edit.patch.y) * edit.patch.width + 200 - edit.patch.x], 0);
  await mouse.move(2, 2);
});

test('with keys alone: a stroke from Enter to Enter, one undoable edit', async () => {
  await command('brush');
  await command('focusCanvas');
  for (const key of ['Enter', 'Enter', 'Shift+ArrowLeft', 'Shift+ArrowLeft', 'ArrowDown', 'Enter', 'Escape']) await opened.page.keyboard.press(key);
  const made = await edits();
  assert.deepEqual(made.map(({ label }) => label), ['Paint class 2']);
  assert.ok(made[0].patch.width > made[0].patch.height);
});

test('hints are drawn over the photo and go out with the next run', async () => {
  const overlay = (): Promise<number> =>
    opened.page.evaluate(() => {
      const marks = document.querySelectorAll<HTMLCanvasElement>('.stage canvas')[1];
      const { data } = marks.getContext('2d')?.getImageData(0, 0, marks.width, marks.height) ?? { data: [] };
      let drawn = 0;
      for (let i = 3; i < data.length; i += 4) if (data[i] > 0) drawn++;
      return drawn;
    });
  await opened.page.mouse.move(2, 2);
  await opened.page.waitForTimeout(100);
  const bare = await overlay();
  await command('box');
  await drag([20, 20], [100, 80]);
  await opened.page.mouse.up();
  await command('point');
  await opened.page.mouse.click(...(await place(60, 50)));
  await command('scribble');
  await drag([200, 180], [280, 180]);
  await opened.page.mouse.up();
  await opened.page.mouse.move(2, 2);
  await opened.page.waitForTimeout(100);
  assert.ok((await overlay()) > bare + 500);
  await command('applyHints');
  const asked = await opened.page.evaluate(() => window.fakeHost.asked.filter(({ ask }) => ask === 'rerun').map(({ params }) => params as AskParams<'rerun'>));
  const hints = asked[0].hints;
  assert.ok(hints);
  assert.deepEqual([hints.boxes[0].id, hints.points.map(({ id }) => id), hints.scribbles.length], [2, [2], 1]);
  const [x, y, width, height] = hints.boxes[0].box;
  assert.ok(Math.abs(x - 20) <= 1 && Math.abs(y - 20) <= 1 && Math.abs(width - 81) <= 2 && Math.abs(height - 61) <= 2, String(hints.boxes[0].box));
});
