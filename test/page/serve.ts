/**
 * The review page without VS Code, in any browser:
 *
 *     node esbuild.mjs && npx tsx test/page/serve.ts [FOLDER | --made 6000x4000] [--port 8123]
 *
 * FOLDER is a data set with masks and layers (default: `demo/photos`, left by `npm run demo`). Address: `/?theme=dark|light|hc-dark|hc-light`. The extension's part is
 * played by browserHost.ts; `servePage` is what tests and benches use.
 */
import { readFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { build } from 'esbuild';
import { toJson } from './bytesJson';
import { demoReview } from './demoReview';
import type { FakeReview } from './fakeReview';
import { madeReview } from './madeReview';
import { pageHtml, THEMES, type Theme } from './themes';

const ROOT = join(import.meta.dirname, '../..');
const TYPES: Record<string, string> = { js: 'text/javascript', css: 'text/css', ttf: 'font/ttf', map: 'application/json' };

export interface ServedPage {
  origin: string;
  close(): Promise<void>;
}

/** Serves the bundle in `dist/webview` over `review`. `port` 0: any that is free. */
export async function servePage(review: FakeReview, port = 0): Promise<ServedPage> {
  const { outputFiles } = await build({ entryPoints: [join(ROOT, 'test/page/browserHost.ts')], bundle: true, write: false, format: 'iife', target: 'chrome120' });
  const answers: [RegExp, (match: RegExpExecArray, query: URLSearchParams) => Promise<[body: string | Uint8Array, type: string]>][] = [
    [/^\/$/, async (_, query) => [pageHtml(THEMES.find(theme => theme === query.get('theme')) ?? ('dark' satisfies Theme), query.get('painter') ?? ''), 'text/html']],
    [/^\/host\.js$/, async () => [outputFiles[0].text, 'text/javascript']],
    [/^\/webview\/(review|codicon)\.(js|css|ttf|js\.map|css\.map)$/, async ([, name, ending]) => [await readFile(join(ROOT, `dist/webview/${name}.${ending}`)), TYPES[ending.split('.').pop() ?? ''] ?? 'application/octet-stream']],
    [/^\/session$/, async () => json(review.session)],
    [/^\/view\/(\d+)$/, async ([, index]) => json((await review.photo(Number(index))).view)],
    [/^\/classes$/, async () => json(await review.classes())],
    [/^\/thumbnail\/(\d+)$/, async ([, index], query) => json(await review.thumbnail(Number(index), Number(query.get('longSide') ?? 128)))],
    [/^\/photo\/(\d+)$/, async ([, index]) => {
      const { file } = await review.photo(Number(index));
      return [file.bytes, file.type];
    }],
  ];
  const server = createServer((request, response) => {
    const { pathname, searchParams } = new URL(request.url ?? '/', 'http://localhost');
    const found = answers.map(([pattern, answer]) => ({ match: pattern.exec(pathname), answer })).find(({ match }) => match);
    const answered = found?.match ? found.answer(found.match, searchParams) : Promise.reject(new Error('not found'));
    answered.then(
      ([body, type]) => response.writeHead(200, { 'content-type': type }).end(body),
      (error: unknown) => response.writeHead(404).end(String(error)),
    );
  });
  await new Promise<void>(listening => server.listen(port, '127.0.0.1', listening));
  return {
    origin: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    close: () => new Promise(closed => server.close(() => closed()).closeAllConnections()),
  };
}

async function json(value: unknown): Promise<[string, string]> {
  return [toJson(value), 'application/json'];
}

async function main(): Promise<void> {
  const { values, positionals } = parseArgs({ allowPositionals: true, options: { made: { type: 'string' }, port: { type: 'string', default: '8123' } } });
  const [width, height] = (values.made ?? '').split('x').map(Number);
  const review = values.made === undefined ? await demoReview(resolve(positionals[0] ?? join(ROOT, 'demo/photos'))) : madeReview({ sizes: Array.from({ length: 5 }, () => ({ width, height })) });
  const { origin } = await servePage(review, Number(values.port));
  console.log(THEMES.map(theme => `${origin}/?theme=${theme}`).join('\n'));
}

if (process.argv[1] && resolve(process.argv[1]) === import.meta.filename) void main();
