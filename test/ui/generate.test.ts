/**
 * The main job by hand, in a real workbench: right-click a folder of photos, follow the progress, cancel, resume, look at the masks and at the
 * photo that failed. With `VSIX=…` the same is done with the installed package.
 */
import assert from 'node:assert/strict';
import { copyFileSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe } from 'node:test';
import { ROOT } from '../../scripts/vscodeHost.mjs';
import { decodeMask } from '../../src/dataset/maskFile';
import { makePhotoFolder, type PhotoFolder } from '../photos';
import { LONG, steps, Workbench } from './workbench';

describe('generate masks from the explorer', { timeout: 15 * 60_000 }, () => {
  const step = steps(() => workbench);
  let workbench: Workbench;
  let photos: PhotoFolder;
  const workspace = mkdtempSync(join(tmpdir(), 'seedmask-ui-'));
  const maskOf = (photo: string): string => join(photos.folder, photo.replace('.jpg', '.mask.png'));

  before(async () => {
    photos = makePhotoFolder(ROOT, join(workspace, 'photos'), 'damaged.jpg');
    workbench = await Workbench.open({ folder: workspace });
  });

  after(async () => {
    await workbench?.close();
    rmSync(workspace, { recursive: true, force: true });
  });

  step('a folder offers its jobs in a submenu, and one of them starts a run', async () => {
    const generate = await workbench.contextSubmenu(workbench.explorerItem('photos'), 'SeedMask', 'Generate Masks');
    for (const title of ['Generate Masks With Options…', 'Evaluate Against Masks…', 'Clear Cached Features']) assert.ok(await workbench.menuItem(title).isVisible(), title);
    await generate.hover();
    await workbench.screenshot('context-menu');
    await workbench.choose('Generate Masks');
  });

  step('progress tells count, stage and device, and cancel stops the run', async () => {
    const progress = workbench.toast('SeedMask: photos');
    await progress.filter({ hasText: /\d\/\d photos · .* · CPU/ }).waitFor({ timeout: LONG });
    const status = workbench.page.locator('.statusbar-item', { hasText: 'Masks' });
    await status.waitFor();
    await workbench.screenshot('progress');
    await progress.getByRole('button', { name: 'Cancel' }).click();
    const asked = Date.now();
    await progress.waitFor({ state: 'detached', timeout: LONG });
    await workbench.toast(/SeedMask.*cancelled/).waitFor({ timeout: LONG });
    console.log(`# cancelled in ${Date.now() - asked} ms`);
    await status.waitFor({ state: 'detached' });
    assert.ok(!Object.keys(photos.tags).every(photo => existsSync(maskOf(photo))), 'the run had ended before it was cancelled');
  });

  step('the palette resumes it to the end, and the summary counts', async () => {
    await workbench.paletteUntil('SeedMask: Resume Last Run', workbench.toast('SeedMask: photos'));
    const summary = workbench.toast(/SeedMask done.*masks? written.*1 failed/);
    await summary.waitFor({ timeout: LONG });
    await workbench.screenshot('summary');
    for (const button of ['Open Results', 'Show Log']) assert.ok(await summary.getByRole('button', { name: button }).isVisible(), button);
  });

  step('each whole photo has a mask with the ids of its own tags', () => {
    const table = JSON.parse(readFileSync(join(photos.folder, '.seedmask/classes.json'), 'utf8')) as { classes: { id: number; name: string }[] };
    for (const [photo, tags] of Object.entries(photos.tags)) {
      const { labels, kind } = decodeMask(readFileSync(maskOf(photo)));
      const own = tags.map(tag => table.classes.find(entry => entry.name === tag)?.id);
      const found = new Set(labels.data);
      assert.equal(kind, 'indexed', photo);
      for (const id of found) assert.ok(id === 0 || id === 255 || own.includes(id), `${photo} holds the id ${id}`);
      assert.ok(own.some(id => id !== undefined && found.has(id)), `${photo} shows none of its tags`);
    }
    assert.ok(!existsSync(maskOf('damaged.jpg')), 'a damaged photo has no mask');
  });

  step('the view lists the run and its failed photo with the reason; a click opens it', async () => {
    const rows = await workbench.runsView();
    const failed = rows.filter({ hasText: 'damaged.jpg' });
    await failed.first().waitFor({ timeout: LONG });
    assert.ok((await failed.first().innerText()).length > 'damaged.jpg'.length + 5, 'the reason is missing');
    await workbench.widenSideBar(180);
    await workbench.screenshot('view');
    await failed.first().click();
    await workbench.page.locator('.tab', { hasText: 'damaged.jpg' }).waitFor({ timeout: LONG });
  });

  step('the summary opens the results', async () => {
    await workbench.toast(/SeedMask done/).getByRole('button', { name: 'Open Results' }).click();
    await workbench.page.locator('.tab', { hasText: '.mask.png' }).waitFor({ timeout: LONG });
    // The preview's size appears with the picture.
    await workbench.page.locator('.statusbar-item', { hasText: /\d+x\d+/ }).waitFor({ timeout: LONG });
    await workbench.screenshot('results');
  });

  step('options show the plan before anything starts', async () => {
    const submenu = await workbench.contextMenu(workbench.explorerItem('photos'), 'SeedMask');
    await submenu.hover();
    await workbench.choose('Generate Masks With Options…');
    await workbench.quickPickRow('Start').waitFor({ timeout: LONG });
    assert.match(await workbench.quickPickRow('cat').first().innerText(), /\d photos?/);
    await workbench.screenshot('options');
    await workbench.quickPickRow('on: tags + saliency').click();
    await workbench.quickPickRow('off: tags alone').waitFor({ timeout: LONG });
    // Left to itself, the CRF draws the outlines that the cue does not draw any more.
    await workbench.quickPickRow('on: outlines follow colours').waitFor({ timeout: LONG });
    await workbench.page.keyboard.press('Escape');
  });

  step('masks are measured against true ones, and the figures shown', async () => {
    const truth = join(workspace, 'truth');
    mkdirSync(truth);
    for (const photo of Object.keys(photos.tags)) copyFileSync(maskOf(photo), join(truth, photo.replace('.jpg', '.png')));
    const submenu = await workbench.contextMenu(workbench.explorerItem('photos'), 'SeedMask');
    await submenu.hover();
    await workbench.choose('Evaluate Against Masks…');
    const path = workbench.page.locator('.quick-input-widget input[type="text"]');
    // The dialog first fills in where it starts.
    await workbench.poll('the folder dialog', LONG, async () => (await path.isVisible()) && (await path.inputValue()).endsWith('/photos/'));
    await workbench.poll('the folder of true masks in the dialog', LONG, async () => {
      await path.fill(truth);
      return (await path.inputValue()) === truth;
    });
    await workbench.page.getByRole('button', { name: 'Compare' }).click();
    await workbench.page.locator('.tab', { hasText: 'photos scores' }).waitFor({ timeout: LONG });
    const text = workbench.page.locator('.editor-instance .view-lines');
    // The masks are their own truth here.
    await workbench.poll('a perfect score', LONG, async () => /mask\s*\|\s*4\s*\|\s*100\.0/.test((await text.innerText()).replace(/\u00a0/g, ' ')));
    await workbench.screenshot('scores');
  });

  step('one photo can be done alone, and is done already', async () => {
    await workbench.contextMenu(workbench.explorerItem('cat.jpg'), 'Generate Mask');
    await workbench.choose('Generate Mask');
    await workbench.toast(/SeedMask done.*1 skipped because done/).waitFor({ timeout: LONG });
  });

  step('the palette tells the device, diagnoses, explains CUDA and clears the cache', async () => {
    await workbench.paletteUntil('SeedMask: Show Device', workbench.toast(/SeedMask runs on CPU/));
    await workbench.paletteUntil('SeedMask: Diagnose', workbench.quickPickRow('Leave photo names out'));
    await workbench.quickPickRow('Leave photo names out').click();
    await workbench.page.locator('.tab', { hasText: 'SeedMask diagnosis' }).waitFor({ timeout: LONG });
    const dialog = workbench.page.locator('.monaco-dialog-box', { hasText: 'libonnxruntime_providers_cuda.so' });
    await workbench.paletteUntil('SeedMask: Set Up CUDA…', dialog);
    await dialog.getByRole('button', { name: 'Cancel' }).click();
    const submenu = await workbench.contextMenu(workbench.explorerItem('photos'), 'SeedMask');
    await submenu.hover();
    await workbench.choose('Clear Cached Features');
    await workbench.toast(/SeedMask: .* MB of cached features cleared/).waitFor({ timeout: LONG });
  });
});
