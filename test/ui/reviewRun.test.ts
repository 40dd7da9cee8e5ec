/**
 * A real run over real photographs, reviewed by hand in a real workbench: from the Explorer through ten photos by keys, the evidence of a removed region read and the
 * region restored, a stroke, undo, redo, save, the bytes on disk, accept and next, everything found again after the window was reloaded, and a
 * mask that another program changes meanwhile.
 */
import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe } from 'node:test';
import type { FrameLocator, Locator } from 'playwright-core';
import sharp from 'sharp';
import { encodeMask } from '../../src/dataset/maskFile';
import { eachStretch } from '../../src/dataset/regionPixels';
import type { LabelMap } from '../../src/shared/maps';
import { group } from '../../src/shared/runTexts';
import { makeRun, maskOf, readMaskOf, removedRegions, type Removed } from './realRun';
import { LONG, steps, Workbench } from './workbench';

/** Pixels that a stroke is long. */
const STRIP = 40;

describe('review a run', { timeout: 15 * 60_000 }, () => {
  const step = steps(() => workbench);
  let workbench: Workbench;
  let photos: string[];
  let region: Removed;
  /** The mask of the region's photo as the run made it, and as it was saved last. */
  let made: LabelMap;
  let saved: LabelMap;
  const workspace = mkdtempSync(join(tmpdir(), 'seedmask-review-run-'));
  const folder = join(workspace, 'photos');

  before(async () => {
    const run = makeRun(folder);
    [workbench, photos] = await Promise.all([Workbench.open({ folder: workspace, settings: { 'files.autoSave': 'off' } }), run]);
  });

  after(async () => {
    await workbench?.close();
    rmSync(workspace, { recursive: true, force: true });
  });

  const frame = (): FrameLocator => workbench.page.frameLocator('iframe.webview.ready').frameLocator('#active-frame');
  const stage = (): Locator => frame().locator('[data-focus="canvas"]');
  const why = (): Locator => frame().getByRole('tabpanel');
  const dirty = (): Locator => workbench.page.locator('.tab.dirty');
  const status = (text: string): Promise<void> => workbench.page.locator('.statusbar-item', { hasText: text }).waitFor({ timeout: LONG });
  const press = (key: string): Promise<void> => workbench.page.keyboard.press(key);
  const shows = (photo: string): Promise<void> =>
    workbench.poll(`${photo} on show`, LONG, async () => (await stage().getAttribute('aria-label'))?.startsWith(`Photo ${photo},`) === true && (await frame().locator('.centre-message').count()) === 0);
  const states = (): Record<string, string> => {
    const lines = readFileSync(join(folder, '.seedmask/manifest.jsonl'), 'utf8').split('\n').filter(Boolean);
    return Object.fromEntries(lines.map(line => JSON.parse(line) as { photo: string; state: string }).map(({ photo, state }) => [photo, state]));
  };

  /** Where a pixel of the fitted photo lies in the window: the photo is as large as it can be, in the middle, with a small margin. */
  const inWindow = async (map: LabelMap): Promise<{ scale: number; at: (x: number, y: number) => { x: number; y: number } }> => {
    const box = await stage().boundingBox();
    assert.ok(box);
    const scale = Math.min((box.width - 16) / map.width, (box.height - 16) / map.height);
    const [left, top] = [box.x + (box.width - map.width * scale) / 2, box.y + (box.height - map.height * scale) / 2];
    return { scale, at: (x, y) => ({ x: left + (x + 0.5) * scale, y: top + (y + 0.5) * scale }) };
  };
  const windowPixels = async (): Promise<{ data: Buffer; width: number; channels: number }> => {
    const { data, info } = await sharp(await workbench.page.screenshot()).raw().toBuffer({ resolveWithObject: true });
    return { data, width: info.width, channels: info.channels };
  };
  const paint = async (map: LabelMap, [fromX, fromY]: [number, number], [toX, toY]: [number, number]): Promise<void> => {
    const { at } = await inWindow(map);
    const { mouse } = workbench.page;
    const [from, to] = [at(fromX, fromY), at(toX, toY)];
    await mouse.move(from.x, from.y);
    await mouse.down();
    await mouse.move(to.x, to.y, { steps: 8 });
    await mouse.up();
  };

  step('debiasing has removed something, and says of which region', () => {
    const [largest] = removedRegions(folder);
    assert.ok(largest, 'nothing was removed');
    region = largest;
    made = readMaskOf(folder, region.photo);
    assert.ok(region.area > 500, `the largest region has ${region.area} pixels`);
    eachStretch(region.box, region.pixels, made.width, (pixel, count) => assert.ok(made.data.subarray(pixel, pixel + count).every(label => label === 0), 'what was removed is background'));
  });

  step('the folder\'s menu opens the review at the first mask', async () => {
    const submenu = await workbench.contextMenu(workbench.explorerItem('photos'), 'SeedMask');
    await submenu.hover();
    await workbench.choose('Review Masks');
    await stage().waitFor({ timeout: LONG });
    await shows(photos[0]);
    await status(`reviewed 0 / ${photos.length}`);
  });

  step('keys go through ten photos, and back to the one with the region', async () => {
    await stage().focus();
    for (let i = 1; i <= 10; i++) {
      await press('f');
      await shows(photos[i]);
    }
    for (let i = 9; i >= photos.indexOf(region.photo); i--) {
      await press('d');
      await shows(photos[i]);
    }
  });

  step('the canvas shows the photo, and over it the mask and what was removed', async () => {
    await frame().locator('.status', { hasText: `${made.width} × ${made.height}` }).waitFor({ timeout: LONG });
    const { at } = await inWindow(made);
    const removed = new Uint8Array(made.data.length);
    for (const { photo, box, pixels } of removedRegions(folder)) if (photo === region.photo) eachStretch(box, pixels, made.width, (pixel, count) => removed.fill(1, pixel, pixel + count));
    const photo = await sharp(join(folder, region.photo)).raw().toBuffer();
    const covered = await windowPixels();
    await workbench.page.keyboard.down('h');
    await new Promise(done => setTimeout(done, 600));
    const bare = await windowPixels();
    await workbench.page.keyboard.up('h');
    const counts = { mask: [0, 0], removed: [0, 0], background: [0, 0] };
    let unlike = 0;
    for (let y = 12; y < made.height - 12; y += 7) {
      for (let x = 12; x < made.width - 12; x += 7) {
        const kind = allAround(made, removed, x, y);
        if (!kind) continue;
        const { x: left, y: top } = at(x, y);
        const offset = (Math.round(top) * bare.width + Math.round(left)) * bare.channels;
        const difference = [0, 1, 2].reduce((sum, channel) => sum + Math.abs(covered.data[offset + channel] - bare.data[offset + channel]), 0);
        counts[kind][difference > 12 ? 1 : 0]++;
        unlike += Math.abs(bare.data[offset] - photo[(y * made.width + x) * 3]);
      }
    }
    const share = ([plain, drawn]: number[]): number => drawn / Math.max(1, plain + drawn);
    const sampled = Object.values(counts).flat().reduce((a, b) => a + b);
    assert.ok(sampled > 300, `${sampled} points`);
    assert.ok(unlike / sampled < 25, `the bare photo is off by ${unlike / sampled}`);
    assert.ok(share(counts.mask) > 0.9, `mask ${counts.mask.join(' / ')}`);
    assert.ok(share(counts.removed) > 0.25, `removed ${counts.removed.join(' / ')}`);
    assert.ok(share(counts.background) < 0.02, `background ${counts.background.join(' / ')}`);
  });

  step('Why tells the decision in words that agree with the evidence on disk', async () => {
    await press('y');
    const row = why().getByRole('button', { name: `${group(region.area)} pixels` }).first();
    await row.waitFor({ timeout: LONG });
    await row.click();
    const text = why();
    await text.getByText(`${group(region.area)} pixels of acanthus`).first().waitFor({ timeout: LONG });
    const said = await text.innerText();
    assert.ok(said.includes('were removed'), said);
    assert.ok(said.includes(`the cut is ${region.decision.threshold.toFixed(2)}`), said);
    assert.ok(said.includes(region.decision.meanSimilarity.toFixed(2)), said);
    for (const part of ['What if', 'Clusters of this photo', 'What stands for the class', 'Backgrounds it resembles', 'Provenance']) assert.ok(said.includes(part), part);
    // Their pictures come when they are in sight.
    const neighbour = text.locator('.neighbours img').first();
    await text.locator('.neighbours').scrollIntoViewIfNeeded();
    await neighbour.waitFor({ timeout: LONG });
    assert.match((await neighbour.getAttribute('alt')) ?? '', /\w/);
    await text.getByRole('heading', { name: 'Likeness against backgrounds' }).scrollIntoViewIfNeeded();
    await workbench.screenshot('review-why');
  });

  step('one key restores the region, another takes that back', async () => {
    await stage().focus();
    await press('z');
    await why().getByText('The region is restored.').waitFor({ timeout: LONG });
    await dirty().waitFor({ timeout: LONG });
    await press('Control+z');
    await dirty().waitFor({ state: 'detached', timeout: LONG });
    await why().getByText('The region is restored.').waitFor({ state: 'detached', timeout: LONG });
    await press('Control+Shift+z');
    await why().getByText('The region is restored.').waitFor({ timeout: LONG });
  });

  step('a stroke is taken back, repeated and saved: these pixels and no others', async () => {
    await press('Shift+f');
    await press('b');
    await press('1');
    const { x, y } = freeStrip(made);
    await paint(made, [x, y], [x + STRIP, y]);
    const painted = frame().locator('.status', { hasText: 'unsaved' });
    await painted.waitFor({ timeout: LONG });
    await press('Control+z');
    // VS Code refuses one while another is under way.
    await new Promise(done => setTimeout(done, 1500));
    await press('Control+Shift+z');
    await new Promise(done => setTimeout(done, 1500));
    await press('Control+s');
    await dirty().waitFor({ state: 'detached', timeout: LONG });
    saved = readMaskOf(folder, region.photo);
    eachStretch(region.box, region.pixels, made.width, (pixel, count) => assert.ok(saved.data.subarray(pixel, pixel + count).every(label => label === region.classId), 'the region is back'));
    for (let along = 0; along <= STRIP; along += 5) assert.equal(saved.data[y * made.width + x + along], 1, `painted at ${x + along}, ${y}`);
    const others = saved.data.filter((label, i) => label !== made.data[i]).length - region.area;
    assert.ok(others > 40 && others < 6000, `${others} pixels by the stroke`);
    assert.equal(states()[region.photo], 'edited');
    assert.match(readFileSync(join(folder, '.seedmask/evidence/choices.jsonl'), 'utf8'), new RegExp(`"restored".*${region.photo}|${region.photo}.*"restored"`));
  });

  step('accept goes on to the next photo', async () => {
    await press('a');
    await shows(photos[photos.indexOf(region.photo) + 1]);
    await status(`reviewed 1 / ${photos.length}`);
    assert.equal(states()[region.photo], 'accepted');
    assert.deepEqual(readMaskOf(folder, region.photo), saved, 'a word changes no pixel');
  });

  step('a reload of the window finds photo, states, words and unsaved strokes again', async () => {
    const next = photos[photos.indexOf(region.photo) + 1];
    const before = readFileSync(maskOf(folder, next));
    const size = readMaskOf(folder, next);
    const { x, y } = freeStrip(size);
    await paint(size, [x, y], [x + STRIP, y]);
    await dirty().waitFor({ timeout: LONG });
    // The backup is written a second after the last stroke.
    await new Promise(done => setTimeout(done, 3000));
    await workbench.page.reload({ timeout: LONG });
    await stage().waitFor({ timeout: LONG });
    await shows(next);
    await dirty().waitFor({ timeout: LONG });
    await status(`reviewed 1 / ${photos.length}`);
    assert.deepEqual(readFileSync(maskOf(folder, next)), before, 'nothing was written meanwhile');
    await stage().focus();
    await press('Control+s');
    await dirty().waitFor({ state: 'detached', timeout: LONG });
    assert.equal(readMaskOf(folder, next).data[y * size.width + x + STRIP / 2], 1, 'the stroke from before the reload');
    await press('d');
    await shows(region.photo);
    await press('y');
    await why().getByRole('button', { name: `${group(region.area)} pixels` }).first().click();
    await why().getByText('The region is restored.').waitFor({ timeout: LONG });
  });

  step('the class page sums up, and restores nothing by being looked at', async () => {
    await stage().focus();
    await press('c');
    await why().getByText('Distances to backgrounds').waitFor({ timeout: LONG });
    assert.match(await why().innerText(), /Of [\d,]+ pixels, [\d,]+ \(.*\) were removed/);
    await workbench.screenshot('review-class');
    assert.deepEqual(readMaskOf(folder, region.photo), saved);
  });

  step('a mask that another program writes under unsaved strokes: mine stays, and can be taken back', async () => {
    const { x, y } = freeStrip(saved);
    await stage().focus();
    await press('Shift+f');
    await press('b');
    await press('1');
    await paint(saved, [x, y], [x + STRIP, y]);
    await dirty().waitFor({ timeout: LONG });
    writeFileSync(maskOf(folder, region.photo), encodeMask({ ...saved, data: new Uint8Array(saved.data.length).fill(1) }));
    const bar = frame().getByRole('alert').filter({ hasText: 'changed on disk' });
    await bar.waitFor({ timeout: LONG });
    await bar.getByText('Keep mine', { exact: true }).click();
    await bar.waitFor({ state: 'detached', timeout: LONG });
    await stage().focus();
    await press('Control+s');
    await dirty().waitFor({ state: 'detached', timeout: LONG });
    const mine = readMaskOf(folder, region.photo);
    const changed = mine.data.filter((label, i) => label !== saved.data[i]).length;
    assert.ok(changed > 40 && changed < 6000, `${changed} pixels are not as they were saved before`);
    await press('Control+z');
    await dirty().waitFor({ timeout: LONG });
    await press('Control+s');
    await dirty().waitFor({ state: 'detached', timeout: LONG });
    assert.deepEqual(readMaskOf(folder, region.photo), saved);
  });

  step('Open With offers the review for a mask', async () => {
    const photo = photos[photos.length - 1];
    const mask = photo.replace('.jpg', '.mask.png');
    // The tree draws only what is in sight.
    await workbench.explorerItem('photos').click();
    await press('ArrowRight');
    await press('End');
    await workbench.contextMenu(workbench.explorerItem(mask), 'Open With...');
    await workbench.choose('Open With...');
    await workbench.quickPickRow('SeedMask Review').click({ timeout: LONG });
    await workbench.page.locator('.tab.active', { hasText: mask }).waitFor({ timeout: LONG });
    const canvas = `[data-focus="canvas"][aria-label^="Photo ${photo},"]`;
    await workbench.poll('the photo of that mask', LONG, async () => (await Promise.all(workbench.page.frames().map(each => each.locator(canvas).count().catch(() => 0)))).some(count => count > 0));
  });
});

/** What a place of the photo is where it is the same for some pixels around; undefined near outlines. */
function allAround(map: LabelMap, removed: Uint8Array, x: number, y: number): 'mask' | 'removed' | 'background' | undefined {
  const kind = (pixel: number): 'mask' | 'removed' | 'background' => (map.data[pixel] !== 0 ? 'mask' : removed[pixel] ? 'removed' : 'background');
  const here = kind(y * map.width + x);
  for (let dy = -6; dy <= 6; dy += 2) {
    for (let dx = -6; dx <= 6; dx += 2) if (kind((y + dy) * map.width + x + dx) !== here) return undefined;
  }
  return here;
}

/** Where a stroke to the right meets background only. */
function freeStrip(map: LabelMap): { x: number; y: number } {
  for (let y = 30; y < map.height - 30; y += 10) {
    for (let x = 30; x < map.width - STRIP - 30; x += 10) {
      let free = true;
      for (let dy = -16; dy <= 16 && free; dy += 4) free = map.data.subarray((y + dy) * map.width + x - 16, (y + dy) * map.width + x + STRIP + 16).every(label => label === 0);
      if (free) return { x, y };
    }
  }
  return assert.fail('the mask covers everything');
}
