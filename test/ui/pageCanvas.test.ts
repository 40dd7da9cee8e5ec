/**
 * The canvas of the review page in Chromium: what is on it, as pixels, for both painters.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Page } from 'playwright-core';
import { applyPatch } from '../../src/shared/labelPatch';
import { encodeRuns } from '../../src/shared/labelRuns';
import type { AskParams, ReviewCommand } from '../../src/shared/pageMessages';
import type { FakeHost } from '../page/browserHost';
import type { FakeReview } from '../page/fakeReview';
import { madeMask, madeReview } from '../page/madeReview';
import { openReview, type OpenOptions } from '../page/open';
import { colourAt, differing, far, meanAt, shoot, type Shot } from '../page/shots';

declare global {
  interface Window {
    fakeHost: FakeHost;
  }
}

const PHOTO = { width: 400, height: 300 };
/** The middle of the ellipse of class 1, of `classes` many, in the made masks. */
const FIRST = { x: 332, y: 150 };
/** Edits on the fake host cross as they are. */
type Edit = AskParams<'edit'>;

async function opened(review: FakeReview, options: OpenOptions, body: (page: Page) => Promise<void>): Promise<void> {
  const { page, troubles, close } = await openReview(review, { width: 1000, height: 700, ...options });
  try {
    // From the beginning, so that its ring is on all pictures.
    await page.locator('.stage').focus();
    await settled(page);
    await body(page);
    assert.deepEqual(troubles.filter(text => !text.includes('GPU stall')), []);
  } finally {
    await close();
  }
}

/** Until nothing is drawn any more. */
async function settled(page: Page): Promise<void> {
  for (let last = -1, tries = 0; tries < 40; tries++) {
    const count = await page.evaluate(() => performance.getEntriesByName('seedmask:frame').length);
    if (count === last) return;
    last = count;
    await page.waitForTimeout(150);
  }
}

async function command(page: Page, name: ReviewCommand): Promise<void> {
  await page.evaluate(told => window.fakeHost.tell('command', { name: told }), name);
  await page.waitForTimeout(50);
  await settled(page);
}

for (const painter of ['2d', 'gl']) {
  test(`${painter}: the mask lies over the photo where it has a class, a held key shows the bare photo`, async () => {
    await opened(madeReview({ sizes: [PHOTO], bare: true }), { painter }, async page => {
      assert.equal(await page.evaluate(() => document.body.dataset['painting']), painter);
      const shown = await shoot(page);
      await page.keyboard.down('h');
      await settled(page);
      const bare = await shoot(page);
      await page.keyboard.up('h');
      await settled(page);
      const again = await shoot(page);
      assert.ok(far(colourAt(shown, PHOTO, FIRST.x, FIRST.y), colourAt(bare, PHOTO, FIRST.x, FIRST.y)) > 25, 'on a class');
      assert.ok(far(colourAt(shown, PHOTO, 200, 150), colourAt(bare, PHOTO, 200, 150)) < 2, 'on the background');
      assert.equal(differing(shown, again, 0), 0);
    });
  });

  test(`${painter}: a stroke is seen, sent as one edit that fits, and gone after undo`, async () => {
    await opened(madeReview({ sizes: [PHOTO], bare: true }), { painter }, async page => {
      await command(page, 'brush');
      const stage = await page.locator('.stage').boundingBox();
      assert.ok(stage);
      await page.mouse.move(2, 2);
      await settled(page);
      const before = await shoot(page);
      const [x, y] = [stage.x + stage.width / 2, stage.y + stage.height / 2];
      await page.mouse.move(x - 40, y);
      await page.mouse.down();
      await page.mouse.move(x + 40, y, { steps: 8 });
      await page.mouse.up();
      await page.mouse.move(2, 2);
      await settled(page);
      const painted = await shoot(page);
      assert.ok(far(colourAt(before, PHOTO, 200, 150), colourAt(painted, PHOTO, 200, 150)) > 20);
      const edits = (await page.evaluate(() => window.fakeHost.asked.filter(({ ask }) => ask === 'edit').map(({ params }) => {
        const { patch, ...edit } = params as Edit;
        return { ...edit, patch: { ...patch, before: [...patch.before], after: [...patch.after] } };
      })));
      assert.equal(edits.length, 1);
      const [{ patch }] = edits;
      const mask = madeMask(PHOTO.width, PHOTO.height, 5);
      applyPatch(mask, { ...patch, before: Uint8Array.from(patch.before), after: Uint8Array.from(patch.after) }, 'redo');
      assert.equal(mask.data[150 * PHOTO.width + 200], 1);
      await page.evaluate(() => window.fakeHost.receive({ type: 'ask', id: 1_000_000, ask: 'command', params: { name: 'undo' } }));
      await settled(page);
      assert.equal(differing(before, await shoot(page), 0), 0);
    });
  });

  test(`${painter}: photos of 1 x 1 and of 12,000 pixels, and one that fills more than a texture`, async () => {
    for (const [width, height] of [[1, 1], [12_000, 200], [9000, 1500]]) {
      await opened(madeReview({ sizes: [{ width, height }], bare: true, classes: 1 }), { painter }, async page => {
        const shot = await shoot(page);
        const [red, green, blue] = colourAt(shot, { width, height }, Math.floor(width / 4), Math.floor(height / 4), { reach: 0 });
        const background = meanAt(shot, 2, 2, 1);
        assert.ok(far([red, green, blue], background) > 30, `${width} x ${height}: nothing is drawn`);
      });
    }
  });
}

test('both painters show the same', async () => {
  const shots: Shot[] = [];
  for (const painter of ['2d', 'gl']) {
    await opened(madeReview({ sizes: [PHOTO] }), { painter }, async page => void shots.push(await shoot(page)));
  }
  assert.ok(differing(shots[0], shots[1], 40) < 0.01, `${differing(shots[0], shots[1], 40)} of the pixels differ`);
});

test('the canvas has exactly the screen\'s pixels at odd densities', async () => {
  await opened(madeReview({ sizes: [PHOTO], bare: true }), { ratio: 1.25 }, async page => {
    const { width, height, expected } = await page.evaluate(() => {
      const [canvas] = document.querySelectorAll('canvas');
      const box = canvas.getBoundingClientRect();
      return { width: canvas.width, height: canvas.height, expected: { width: box.width * devicePixelRatio, height: box.height * devicePixelRatio } };
    });
    assert.ok(Math.abs(width - expected.width) <= 1 && Math.abs(height - expected.height) <= 1, `${width} x ${height}, the screen has ${expected.width} x ${expected.height}`);
  });
});

test('at 64 times, each photo pixel is one square, of the photo and of the mask', async () => {
  const tiny = { width: 6, height: 4 };
  await opened(madeReview({ sizes: [tiny], bare: true, classes: 1 }), {}, async page => {
    await page.keyboard.down('h');
    await settled(page);
    const shot = await shoot(page);
    for (let y = 0; y < tiny.height; y++) {
      for (let x = 0; x < tiny.width; x++) assert.ok(far(colourAt(shot, tiny, x, y, { reach: 0 }), colourAt(shot, tiny, x, y, { reach: 25 })) < 1, `${x}, ${y}`);
    }
  });
});

test('the photo before stays until the next one is ready; a mark of another page does not move it', async () => {
  const other = { width: 300, height: 300 };
  await opened(madeReview({ sizes: [PHOTO, other, PHOTO, PHOTO], bare: true }), {}, async page => {
    await page.evaluate(() => void (window.fakeHost.delay = 700));
    const before = await shoot(page);
    await page.evaluate(() => window.fakeHost.tell('changed', { index: 3, show: true }));
    await page.waitForTimeout(300);
    assert.equal(differing(before, await shoot(page), 0), 0, 'the old photo is gone before the new one is there');
    await page.waitForTimeout(900);
    await settled(page);
    assert.ok(differing(before, await shoot(page), 10) > 0.05, 'the new photo is not there');
  });
});

test('side by side shows both layers, each in its half, and swipe shows each on its side of the line', async () => {
  await opened(madeReview({ sizes: [PHOTO] }), {}, async page => {
    await command(page, 'sideBySide');
    const side = await shoot(page);
    // 'before' has class 1 along the left edge, the mask has not.
    const half = { ...PHOTO };
    const scale = Math.min((side.width / 2 - 16) / half.width, (side.height - 16) / half.height);
    const left = (side.width / 2 - half.width * scale) / 2 + 20 * scale;
    const middle = Math.floor(side.height / 2);
    const [before, mask] = [meanAt(side, Math.floor(left), middle, 2), meanAt(side, Math.floor(left + side.width / 2), middle, 2)];
    assert.ok(far(before, mask) > 15, `${before} and ${mask}`);

    await command(page, 'swipe');
    const first = await shoot(page);
    const handle = page.locator('.swipe');
    await handle.focus();
    for (let i = 0; i < 30; i++) await page.keyboard.press('ArrowLeft');
    await settled(page);
    const moved = await shoot(page);
    assert.ok(far(colourAt(first, PHOTO, 20, 150), colourAt(moved, PHOTO, 20, 150)) > 15, 'the line moved over it');
  });
});

test('254 classes, none at all, and a mask of another size are shown; the last cannot be painted on', async () => {
  await opened(madeReview({ sizes: [PHOTO], classes: 254 }), {}, async page => void (await shoot(page)));
  await opened(madeReview({ sizes: [PHOTO], classes: 0, bare: true }), {}, async page => void (await shoot(page)));
  const review = madeReview({ sizes: [PHOTO], bare: true });
  const { photo } = review;
  const small = madeMask(40, 30, 5);
  review.photo = async index => {
    const made = await photo(index);
    return { ...made, view: { ...made.view, mask: { hash: '2'.repeat(64), width: 40, height: 30, runs: encodeRuns(small.data), problem: 'it has 40 x 30 pixels, the photo 400 x 300' } } };
  };
  await opened(review, {}, async page => {
    const before = await shoot(page);
    const stage = await page.locator('.stage').boundingBox();
    assert.ok(stage);
    await command(page, 'brush');
    await page.mouse.move(stage.x + stage.width / 2, stage.y + stage.height / 2);
    await page.mouse.down();
    await page.mouse.move(stage.x + stage.width / 2 + 30, stage.y + stage.height / 2);
    await page.mouse.up();
    await page.mouse.move(2, 2);
    await settled(page);
    assert.equal(differing(before, await shoot(page), 0), 0);
    assert.equal(await page.evaluate(() => window.fakeHost.asked.filter(({ ask }) => ask === 'edit').length), 0);
    assert.ok(far(colourAt(before, PHOTO, FIRST.x, FIRST.y), colourAt(before, PHOTO, 200, 150)) > 10, 'shown stretched');
  });
});

test('messages that make no sense, and a photo that cannot be decoded, leave a page that works', async () => {
  const review = madeReview({ sizes: [PHOTO, PHOTO, PHOTO], bare: true });
  const { photo } = review;
  review.photo = async index => (index === 1 ? { ...(await photo(index)), file: { bytes: Uint8Array.of(1, 2, 3), type: 'image/jpeg' } } : photo(index));
  await opened(review, {}, async page => {
    await page.evaluate(() => {
      for (const message of [{ type: 'answer', id: 1, result: 7 }, { type: 'nonsense' }, { type: 'tell', tell: 'patch', params: { index: 0, direction: 'redo', patch: { x: 399, y: 0, width: 9, height: 1, before: new Uint8Array([0, 8]), after: new Uint8Array([1, 8]) } } }]) window.fakeHost.send(message);
    });
    await settled(page);
    await command(page, 'nextPhoto');
    await page.getByText('cannot be shown').first().waitFor();
    await command(page, 'nextPhoto');
    const shot = await shoot(page);
    assert.ok(far(colourAt(shot, PHOTO, 200, 150), meanAt(shot, 2, 2, 1)) > 30);
  });
});
