/**
 * A VS Code window driven as a person drives it: right-clicks, menus, palette, toasts, trees. Every wait polls with a generous limit,
 * because the workbench starts slowly on small machines.
 */
import assert from 'node:assert/strict';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import type { Browser, Locator, Page } from 'playwright-core';
import { openPage, ROOT, startServer } from '../../scripts/vscodeHost.mjs';

/** Starting the workbench or a model may take this long, in ms. */
export const LONG = Number(process.env['UI_TIMEOUT_MS'] ?? 120_000);
const SHORT = 30_000;

export interface WorkbenchOptions {
  folder: string;
  /** Folders are not trusted. */
  restricted?: boolean;
  settings?: Record<string, unknown>;
}

/** Path of the packaged extension to test instead of the sources (`VSIX=…`). */
const vsix = process.env['VSIX'] || undefined;

/** `SCREENSHOTS=docs/images` writes the pictures of the documentation; else they are only traces of a test. */
const pictures = process.env['SCREENSHOTS'] || 'test-results';

export class Workbench {
  private constructor(
    readonly page: Page,
    private readonly browser: Browser,
    private readonly server: Awaited<ReturnType<typeof startServer>>,
  ) {}

  static async open({ folder, restricted = false, settings = {} }: WorkbenchOptions): Promise<Workbench> {
    const server = await startServer({ restricted, settings: { 'seedmask.device': 'cpu', ...settings }, ...(vsix && { vsix }) });
    try {
      const { browser, page } = await openPage(server.origin, { folder, ...(!vsix && { extensionPath: ROOT.replace(/\/$/, '') }) });
      const workbench = new Workbench(page, browser, server);
      await page.locator('.monaco-workbench .explorer-folders-view .monaco-list-row').first().waitFor({ timeout: LONG });
      return workbench;
    } catch (error) {
      await server.close();
      throw error;
    }
  }

  async close(): Promise<void> {
    await this.browser.close();
    await this.server.close();
  }

  explorerItem(name: string): Locator {
    return this.page.getByRole('treeitem', { name, exact: true });
  }

  /** Opens the context menu of an explorer item and waits for an entry of it; extensions' entries come some seconds after the tree. */
  async contextMenu(item: Locator, entry: string): Promise<Locator> {
    const wanted = this.menuItem(entry);
    await this.poll(`'${entry}' in the context menu`, LONG, async () => {
      // A submenu, and the menu below it: one that is open takes the click.
      for (let level = 0; level < 2; level++) await this.page.keyboard.press('Escape');
      await item.click({ button: 'right' });
      return appears(wanted, 1500);
    });
    return wanted;
  }

  /** Opens `entry`'s submenu until it has `inner`: a fresh window does not know at once whether its workspace is trusted, and an open menu does not follow. */
  async contextSubmenu(item: Locator, entry: string, inner: string): Promise<Locator> {
    const wanted = this.menuItem(inner);
    await this.poll(`'${inner}' in the submenu '${entry}'`, LONG, async () => {
      await (await this.contextMenu(item, entry)).hover();
      return appears(wanted, 3000);
    });
    return wanted;
  }

  /** Opens the context menu as it is, for a look at what is not there. */
  async contextMenuEntries(item: Locator): Promise<string[]> {
    await item.click({ button: 'right' });
    await this.page.locator('.monaco-menu [role="menuitem"]').first().waitFor({ timeout: SHORT });
    const entries = await this.page.locator('.monaco-menu [role="menuitem"]').allInnerTexts();
    await this.page.keyboard.press('Escape');
    return entries.map(text => text.trim());
  }

  /** Clicks an entry of the open menu until the menu is gone: a click right after a submenu came up does not count. */
  async choose(name: string): Promise<void> {
    const entry = this.menuItem(name);
    await entry.waitFor({ timeout: LONG });
    await this.poll(`the menu to close on '${name}'`, LONG, async () => {
      if (await entry.isVisible()) await entry.click({ timeout: SHORT }).catch(() => undefined);
      return entry.waitFor({ state: 'hidden', timeout: 1500 }).then(() => true, () => false);
    });
  }

  menuItem(name: string): Locator {
    return this.page.locator('.monaco-menu').getByRole('menuitem', { name, exact: true });
  }

  /** Runs a command by its title; it must be offered. */
  async palette(title: string): Promise<void> {
    // An open palette does not follow what becomes possible, so it is opened again.
    await this.poll(`'${title}' in the palette`, LONG, async () => {
      const row = await this.paletteRow(title);
      if (!(await appears(row, 2000))) return false;
      await row.click();
      return true;
    });
  }

  /** Runs a harmless command until what it shows is there: a click into a list that is still being drawn may not count. */
  async paletteUntil(title: string, shown: Locator): Promise<void> {
    await this.poll(`what '${title}' shows`, LONG, async () => {
      await this.palette(title);
      return appears(shown, 15_000);
    });
  }

  /** The titles that the palette offers for a text. */
  async paletteEntries(text: string): Promise<string[]> {
    await this.paletteRow(text);
    // The list is filled at once from what is registered.
    await this.page.locator('.quick-input-list .monaco-list-row').first().waitFor({ timeout: SHORT });
    const rows = await this.page.locator('.quick-input-list .monaco-list-row').allInnerTexts();
    await this.page.keyboard.press('Escape');
    return rows.map(row => row.split('\n')[0]?.trim() ?? '');
  }

  quickPickRow(text: string | RegExp): Locator {
    return this.page.locator('.quick-input-list .monaco-list-row', { hasText: text });
  }

  toast(text: string | RegExp): Locator {
    return this.page.locator('.notification-toast', { hasText: text });
  }

  /** Shows the SeedMask view and returns its rows. */
  async runsView(): Promise<Locator> {
    const rows = this.page.locator('.pane-body .monaco-list-row');
    await this.page.locator('.activitybar').getByRole('tab', { name: /^SeedMask/ }).click();
    return rows;
  }

  /** Makes the side bar `by` pixels wider. */
  async widenSideBar(by: number): Promise<void> {
    const edge = await this.page.locator('.part.sidebar').boundingBox();
    assert.ok(edge);
    const [x, y] = [edge.x + edge.width, edge.y + edge.height / 2];
    await this.page.mouse.move(x, y);
    await this.page.mouse.down();
    await this.page.mouse.move(x + by, y, { steps: 5 });
    await this.page.mouse.up();
    await this.page.mouse.move(x + by + 200, y);
  }

  async screenshot(name: string): Promise<void> {
    // Lists and toasts fade in.
    await new Promise(done => setTimeout(done, 500));
    const folder = join(ROOT, pictures);
    mkdirSync(folder, { recursive: true });
    await this.page.screenshot({ path: join(folder, `${name}.png`) });
  }

  /** @throws when `condition` does not hold in time. */
  async poll(what: string, ms: number, condition: () => Promise<boolean> | boolean): Promise<void> {
    const end = Date.now() + ms;
    while (!(await condition())) {
      if (Date.now() > end) assert.fail(`${what}: not within ${ms / 1000} s`);
      await new Promise(done => setTimeout(done, 100));
    }
  }

  private async paletteRow(text: string): Promise<Locator> {
    await this.page.keyboard.press('Escape');
    await this.page.keyboard.press('F1');
    const input = this.page.locator('.quick-input-widget input');
    await input.waitFor({ timeout: SHORT });
    await input.fill(`>${text}`);
    return this.page.locator('.quick-input-list .monaco-list-row').filter({ hasText: text }).first();
  }
}

/**
 * Tests that build on each other: after the first that fails, which leaves a picture of the window in test-results, the others are skipped
 * instead of waiting for what cannot come.
 */
export function steps(workbench: () => Workbench): (name: string, body: () => Promise<void> | void) => void {
  let failed = false;
  return (name, body) =>
    void test(name, async context => {
      if (failed) return context.skip('an earlier step failed');
      try {
        await body();
      } catch (error) {
        failed = true;
        await workbench().page.screenshot({ path: join(ROOT, 'test-results', 'failed.png') });
        throw error;
      }
    });
}

/** Whether an element is seen within `ms`. */
async function appears(element: Locator, ms: number): Promise<boolean> {
  try {
    await element.first().waitFor({ state: 'visible', timeout: ms });
    return true;
  } catch {
    return false;
  }
}
