/**
 * A folder that is not trusted: the extension shows itself and explains, and offers nothing that works on files.
 */
import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe } from 'node:test';
import { ROOT } from '../../scripts/vscodeHost.mjs';
import { makePhotoFolder } from '../photos';
import { LONG, steps, Workbench } from './workbench';

describe('restricted mode', { timeout: 10 * 60_000 }, () => {
  const step = steps(() => workbench);
  let workbench: Workbench;
  /** The second of the queue. */
  let photo: string;
  const workspace = mkdtempSync(join(tmpdir(), 'seedmask-restricted-'));

  before(async () => {
    [, photo] = Object.keys(makePhotoFolder(ROOT, join(workspace, 'photos')).tags);
    workbench = await Workbench.open({ folder: workspace, restricted: true });
  });

  after(async () => {
    await workbench?.close();
    rmSync(workspace, { recursive: true, force: true });
  });

  step('the view says why, and leads to the trust editor', async () => {
    await workbench.poll('the SeedMask view', LONG, () => workbench.page.locator('.activitybar').getByRole('tab', { name: /^SeedMask/ }).isVisible());
    await workbench.runsView();
    await workbench.page.getByText('it runs in trusted workspaces only').waitFor({ timeout: LONG });
    assert.ok(await workbench.page.getByRole('button', { name: 'Manage Workspace Trust' }).isVisible());
    await workbench.screenshot('restricted');
  });

  step('the palette offers the log and a look at masks, and nothing that works on files', async () => {
    // Going to a view is VS Code's own command.
    const offered = (await workbench.paletteEntries('SeedMask:')).filter(title => title.startsWith('SeedMask:') && !title.includes('Focus on'));
    assert.deepEqual(offered.sort(), ['SeedMask: Review Masks', 'SeedMask: Show Log']);
  });

  step('a folder offers a look at its masks and nothing else, and the review only looks', async () => {
    await workbench.page.locator('.activitybar').getByRole('tab', { name: /^Explorer/ }).click();
    const submenu = await workbench.contextMenu(workbench.explorerItem('photos'), 'SeedMask');
    await submenu.hover();
    await workbench.menuItem('Review Masks').waitFor({ timeout: LONG });
    assert.equal(await workbench.menuItem('Generate Masks').count(), 0);
    await workbench.choose('Review Masks');
    const frame = workbench.page.frameLocator('iframe.webview.ready').frameLocator('#active-frame');
    await frame.getByText('Looking only').waitFor({ timeout: LONG });
    await frame.locator('canvas').first().waitFor({ timeout: LONG });
    await frame.locator('canvas').first().click({ position: { x: 5, y: 5 } });
    await workbench.page.keyboard.press('a');
    await workbench.page.keyboard.press('f');
    await frame.locator('[aria-current="true"]', { hasText: photo }).first().waitFor({ timeout: LONG });
    assert.ok(!existsSync(join(workspace, 'photos/.seedmask/manifest.jsonl')), 'something was written');
    await workbench.screenshot('restricted-review');
  });
});
