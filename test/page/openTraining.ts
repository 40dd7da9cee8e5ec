/**
 * The stand-alone training page in Chromium, for tests and pictures: the extension's part is played by a few lines in the browser (`window.fakeHost`).
 * `npx tsx test/page/openTraining.ts OUT.png [THEME] [WIDTHxHEIGHT] [RUN]` takes a picture of it; RUN is a training's folder (`…/.seedmask/runs/ID`), by default all is made up.
 */
import { readdir, readFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join, resolve } from 'node:path';
import { chromium } from 'playwright-core';
import * as v from 'valibot';
import { findChromium } from '../../scripts/vscodeHost.mjs';
import { classFileSchema } from '../../src/shared/classFile';
import { trainingLineSchema } from '../../src/shared/training';
import type { ToTrainingPage, TrainingStatus } from '../../src/shared/trainingPage';
import { madeTraining, RUNNING, type MadeTraining } from './madeTraining';
import type { OpenedPage } from './open';
import { pageHtml, THEMES, type Theme } from './themes';

const WEBVIEW = join(import.meta.dirname, '../../dist/webview');
const TYPES: Record<string, string> = { js: 'text/javascript', css: 'text/css', ttf: 'font/ttf', map: 'application/json', html: 'text/html', png: 'image/png', jpg: 'image/jpeg' };

/** Answers `ready` with the view, and notes what the page says and what it wants remembered. */
const HOST = `
const said = [];
let state;
const send = message => window.postMessage(message, '*');
window.fakeHost = { said, send, state: () => state };
window.acquireVsCodeApi = () => ({
  postMessage: async message => {
    said.push(message);
    if (message.type === 'ready') send(await (await fetch('/view')).json());
  },
  getState: () => state,
  setState: next => (state = next),
});`;

export interface TrainingOptions {
  theme?: Theme;
  width?: number;
  height?: number;
}

/** Opens the page over what it is told when it is ready. @param files by address */
export async function openTraining(view: ToTrainingPage & { type: 'view' }, files: ReadonlyMap<string, Uint8Array>, { theme = 'dark', width = 1100, height = 1000 }: TrainingOptions = {}): Promise<OpenedPage> {
  const answer = async (path: string, themeAsked: string | null): Promise<[body: string | Uint8Array, type: string]> => {
    if (path === '/') return [pageHtml(THEMES.find(one => one === themeAsked) ?? 'dark', '', 'training'), 'html'];
    if (path === '/host.js') return [HOST, 'js'];
    if (path === '/view') return [JSON.stringify(view), 'map'];
    const ending = path.split('.').pop() ?? '';
    const file = files.get(path) ?? (await readFile(join(WEBVIEW, /^\/webview\/([\w.]+)$/.exec(path)?.[1] ?? 'not there')));
    return [file, ending];
  };
  const server = createServer((request, response) => {
    const { pathname, searchParams } = new URL(request.url ?? '/', 'http://localhost');
    answer(pathname, searchParams.get('theme')).then(
      ([body, ending]) => response.writeHead(200, { 'content-type': TYPES[ending] }).end(body),
      (error: unknown) => response.writeHead(404).end(String(error)),
    );
  });
  await new Promise<void>(listening => server.listen(0, '127.0.0.1', listening));
  const browser = await chromium.launch({ executablePath: findChromium(), args: ['--no-sandbox', '--disable-quic', '--no-first-run', '--disable-background-networking', '--disable-component-update', '--disable-sync', '--disable-gpu'] });
  const close = async (): Promise<void> => {
    await browser.close();
    await new Promise<void>(closed => void server.close(() => closed()).closeAllConnections());
  };
  try {
    const page = await browser.newPage({ viewport: { width, height } });
    const troubles: string[] = [];
    page.on('pageerror', error => troubles.push(error.stack ?? String(error)));
    page.on('console', message => {
      if (message.type() === 'error' || message.type() === 'warning') troubles.push(message.text());
    });
    await page.goto(`http://127.0.0.1:${(server.address() as AddressInfo).port}/?theme=${theme}`);
    await page.locator('h1').waitFor({ timeout: 60_000 });
    return { browser, page, troubles, close };
  } catch (error) {
    await close();
    throw error;
  }
}

/** What a training left in its run's folder, and the classes of its data set. */
async function recordedTraining(run: string): Promise<MadeTraining & Pick<TrainingStatus, 'classes'>> {
  const { classes } = v.parse(classFileSchema, JSON.parse(await readFile(join(run, '../../classes.json'), 'utf8')));
  const files = new Map<string, Uint8Array>();
  for (const name of await readdir(join(run, 'samples'))) files.set(`/samples/${name}`, await readFile(join(run, 'samples', name)));
  const texts = (await readFile(join(run, 'metrics.jsonl'), 'utf8')).split('\n').filter(Boolean);
  const lines = texts.map(text => v.parse(trainingLineSchema, JSON.parse(text)));
  return { classes, files, lines: lines.map(line => (line.type === 'sample' ? { ...line, mask: `/${line.mask}`, picture: `/${line.picture}` } : line)) };
}

async function main(): Promise<void> {
  const [out = 'test-results/training.png', theme = 'dark', size = '1100x1500', run] = process.argv.slice(2);
  const [width, height] = size.split('x').map(Number);
  const { lines, files, ...more } = run === undefined ? await madeTraining() : await recordedTraining(resolve(run));
  const progress = { text: '1,080/1,800 steps · training · loss 0.41 · 1.7 steps/s · 7 min left · CPU, 2 threads', share: 0.6 };
  const { page, troubles, close } = await openTraining({ type: 'view', status: { ...RUNNING, ...more }, progress, lines }, files, { theme: theme as Theme, width, height });
  await page.waitForTimeout(800);
  await page.screenshot({ path: out });
  if (troubles.length > 0) console.error(troubles.join('\n'));
  await close();
}

if (process.argv[1] && resolve(process.argv[1]) === import.meta.filename) void main();
