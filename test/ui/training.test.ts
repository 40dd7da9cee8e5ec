/**
 * A training by hand, in a real workbench: choose a preset, see the curves and the masks grow, cancel, resume, reload the window, make masks by what was learnt.
 */
import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe } from 'node:test';
import type { FrameLocator } from 'playwright-core';
import { ROOT } from '../../scripts/vscodeHost.mjs';
import { curveRows } from '../page/curveShot';
import { makePhotoFolder, type PhotoFolder } from '../photos';
import { writeSmallPreset } from '../smallTraining';
import { LONG, steps, Workbench } from './workbench';

/** Enough to be cancelled in the middle. */
const EPOCHS = 8;

describe('train on a folder', { timeout: 20 * 60_000 }, () => {
  const step = steps(() => workbench);
  let workbench: Workbench;
  let photos: PhotoFolder;
  const workspace = mkdtempSync(join(tmpdir(), 'seedmask-train-'));
  const presetFile = join(workspace, 'small.json');
  const page = (): FrameLocator => workbench.page.frameLocator('iframe.webview.ready').frameLocator('#active-frame');

  before(async () => {
    photos = makePhotoFolder(ROOT, join(workspace, 'photos'));
    writeSmallPreset(ROOT, presetFile, EPOCHS);
    workbench = await Workbench.open({ folder: workspace, settings: { 'seedmask.presetFile': presetFile } });
  });

  after(async () => {
    await workbench?.close();
    rmSync(workspace, { recursive: true, force: true });
  });

  step('the folder\'s menu leads to a list of presets that says what they take and what was found', async () => {
    await workbench.contextSubmenu(workbench.explorerItem('photos'), 'SeedMask', 'Train on Folder…');
    await workbench.choose('Train on Folder…');
    await workbench.quickPickRow('Standard').waitFor({ timeout: LONG });
    for (const text of ['Some minutes on a CPU', 'needs a GPU', 'small.json', 'on: learns from tags + saliency', '4 tagged photos', 'the tags teach alone']) {
      assert.ok(await workbench.quickPickRow(text).first().isVisible(), text);
    }
    await workbench.screenshot('training-presets');
    await workbench.quickPickRow('small.json').click();
  });

  step('a tab shows the curves and the masks while it trains, the status bar its steps', async () => {
    await workbench.page.locator('.tab', { hasText: 'Training · photos' }).waitFor({ timeout: LONG });
    await workbench.page.locator('.statusbar-item', { hasText: /Training \d+\/\d+ steps · loss \d/ }).waitFor({ timeout: 2 * LONG });
    await page().locator('h1', { hasText: 'Training · photos' }).waitFor({ timeout: LONG });
    await page().locator('.chart').first().waitFor({ timeout: LONG });
    await page().locator('.samples canvas').first().waitFor({ timeout: LONG });
    await page().locator('.facts', { hasText: /\d+ of \d+/ }).waitFor({ timeout: LONG });
  });

  step('it is cancelled from its notification, and can be resumed', async () => {
    await workbench.toast('SeedMask: photos').getByRole('button', { name: 'Cancel' }).click();
    await workbench.toast(/SeedMask.*training.*cancelled/).waitFor({ timeout: LONG });
    await page().locator('.state', { hasText: /cancelled|interrupted/ }).waitFor({ timeout: LONG });
    await page().locator('vscode-button', { hasText: 'Resume Training' }).waitFor({ timeout: LONG });
    assert.ok(!existsSync(join(photos.folder, '.seedmask/trained/trained.json')), 'the training had ended before it was cancelled');
    const rows = await workbench.runsView();
    await rows.filter({ hasText: /photos · training/ }).first().waitFor({ timeout: LONG });
  });

  step('the page resumes it to its end, and the summary leads on', async () => {
    await page().locator('vscode-button', { hasText: 'Resume Training' }).click();
    const summary = workbench.toast(/SeedMask training done.*epoch (\d+)\/\1.*loss/);
    await summary.waitFor({ timeout: 3 * LONG });
    for (const button of ['Generate Masks', 'Show Curves', 'Show Log']) assert.ok(await summary.getByRole('button', { name: button }).isVisible(), button);
    await page().locator('.state', { hasText: 'done' }).waitFor({ timeout: LONG });
  });

  step('the curve falls, as pixels, and every epoch has masks over their photos', async () => {
    await assertCurveFalls();
    assert.equal(await page().locator('.samples li').count(), 2);
    const [, epochs] = /(\d+) of \1/.exec(await page().locator('.facts').innerText()) ?? [];
    assert.equal(await page().locator('.strip').first().locator('.tile').count(), Number(epochs) + 1);
    await workbench.poll('the pictures of the samples', LONG, () =>
      page().locator('.samples img').evaluateAll(images => images.length > 0 && (images as unknown as { naturalWidth: number }[]).every(({ naturalWidth }) => naturalWidth > 0)));
    await page().getByRole('img', { name: /Decoder, epoch \d+: (airplane|boat|cat|sheep) \d+ %/ }).first().waitFor({ timeout: LONG });
    await workbench.screenshot('training');
  });

  step('the view of runs tells how the loss fell, and a click leads back to the curves', async () => {
    // The view is open since the training was cancelled.
    const rows = workbench.page.locator('.pane-body .monaco-list-row');
    const run = rows.filter({ hasText: /photos · training/ }).first();
    await run.locator('.monaco-tl-twistie').click();
    await rows.filter({ hasText: /Decoder · epoch (\d+)\/\1 · step \d+\/\d+ · loss .* → / }).first().click();
    assert.equal(await workbench.page.locator('.tab', { hasText: 'Training · photos' }).count(), 1);
  });

  step('a window that is reloaded shows the training again', async () => {
    await workbench.page.reload();
    await workbench.page.locator('.tab', { hasText: 'Training · photos' }).waitFor({ timeout: LONG });
    await page().locator('.facts', { hasText: /(\d+) of \1/ }).waitFor({ timeout: LONG });
    await assertCurveFalls();
    await page().locator('.samples canvas').first().waitFor({ timeout: LONG });
  });

  step('masks are made by what was learnt', async () => {
    await page().locator('vscode-button', { hasText: 'Generate Masks' }).click();
    await workbench.toast(/SeedMask done.*4 masks written/).waitFor({ timeout: 3 * LONG });
    for (const photo of Object.keys(photos.tags)) assert.ok(existsSync(join(photos.folder, photo.replace('.jpg', '.mask.png'))), photo);
  });

  /** The total loss's line is lower, on the screen, at its right end than at its left. */
  async function assertCurveFalls(): Promise<void> {
    const { rows, width } = await curveRows(page().locator('.chart svg').first());
    assert.ok(rows.length > width / 3, `the curve is seen in ${rows.length} of ${width} columns`);
    assert.ok(rows[rows.length - 1] > rows[0], 'the curve does not fall');
  }
});
