/**
 * A folder that is not trusted: the extension shows itself and explains, and offers nothing that works on files.
 */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe } from 'node:test';
import { ROOT } from '../../scripts/vscodeHost.mjs';
import { makePhotoFolder } from '../photos';
import { LONG, steps, Workbench } from './workbench';

describe('restricted mode', { timeout: 10 * 60_000 }, () => {
  const step = steps(() => workbench);
  let workbench: Workbench;
  const workspace = mkdtempSync(join(tmpdir(), 'seedmask-restricted-'));

  before(async () => {
    makePhotoFolder(ROOT, join(workspace, 'photos'));
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

  step('the palette offers the log and nothing that works on files', async () => {
    // Going to a view is VS Code's own command.
    const offered = (await workbench.paletteEntries('SeedMask:')).filter(title => title.startsWith('SeedMask:') && !title.includes('Focus on'));
    assert.deepEqual(offered, ['SeedMask: Show Log']);
  });

  step('a folder has no SeedMask menu', async () => {
    await workbench.page.locator('.activitybar').getByRole('tab', { name: /^Explorer/ }).click();
    const entries = await workbench.contextMenuEntries(workbench.explorerItem('photos'));
    assert.ok(entries.length > 3);
    assert.ok(!entries.includes('SeedMask'), entries.join(', '));
  });
});
