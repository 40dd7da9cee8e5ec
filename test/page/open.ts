/**
 * The stand-alone review page in Chromium, for tests, benches and pictures. `npx tsx test/page/open.ts OUT.png [THEME] [WIDTHxHEIGHT] [FOLDER]` takes a picture of it.
 */
import { join, resolve } from 'node:path';
import type { Browser, Page } from 'playwright-core';
import { chromium } from 'playwright-core';
import { findChromium } from '../../scripts/vscodeHost.mjs';
import { demoReview } from './demoReview';
import type { FakeReview } from './fakeReview';
import { servePage } from './serve';
import type { Theme } from './themes';

export interface OpenOptions {
  theme?: Theme;
  width?: number;
  height?: number;
  /** Device pixels per CSS pixel. */
  ratio?: number;
  /** WebGL runs on SwiftShader. */
  softwareGl?: boolean;
  /** 'gl' or '2d'; by default the page chooses. */
  painter?: string;
}

export interface OpenedPage {
  browser: Browser;
  page: Page;
  /** What the page's console and its errors said. */
  troubles: string[];
  close(): Promise<void>;
}

/** Opens the page over `review`; the first photo is on screen. */
export async function openReview(review: FakeReview, { theme = 'dark', width = 1400, height = 900, ratio = 1, softwareGl = false, painter }: OpenOptions = {}): Promise<OpenedPage> {
  const served = await servePage(review);
  const browser = await chromium.launch({ executablePath: findChromium(), args: ['--no-sandbox', '--disable-quic', '--no-first-run', '--disable-background-networking', '--disable-component-update', '--disable-sync', ...(softwareGl ? ['--use-angle=swiftshader', '--enable-unsafe-swiftshader'] : ['--disable-gpu'])] });
  const close = async (): Promise<void> => {
    await browser.close();
    await served.close();
  };
  try {
    const page = await browser.newPage({ viewport: { width, height }, deviceScaleFactor: ratio });
    const troubles: string[] = [];
    page.on('pageerror', error => troubles.push(error.stack ?? String(error)));
    page.on('console', message => {
      if (message.type() === 'error' || message.type() === 'warning') troubles.push(message.text());
    });
    await page.goto(`${served.origin}/?theme=${theme}${painter ? `&painter=${painter}` : ''}`);
    if (review.session.items.length > 0) await page.waitForFunction(() => performance.getEntriesByName('seedmask:next').length > 0, undefined, { timeout: 60_000 });
    return { browser, page, troubles, close };
  } catch (error) {
    await close();
    throw error;
  }
}

async function main(): Promise<void> {
  const [out = 'test-results/review.png', theme = 'dark', size = '1400x900', folder = join(import.meta.dirname, '../../demo/photos')] = process.argv.slice(2);
  const [width, height] = size.split('x').map(Number);
  const { page, troubles, close } = await openReview(await demoReview(resolve(folder)), { theme: theme as Theme, width, height });
  await page.waitForTimeout(800);
  await page.screenshot({ path: out });
  if (troubles.length > 0) console.error(troubles.join('\n'));
  await close();
}

if (process.argv[1] && resolve(process.argv[1]) === import.meta.filename) void main();
