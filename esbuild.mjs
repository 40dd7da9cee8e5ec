/**
 * Bundles the extension, the engine process and the command line, each one CommonJS file in `dist/`, the pages of the review and of a training in `dist/webview/`, and the tests that run
 * inside VS Code, in `dist-test/`. Native packages and `vscode` stay outside. `--production`: minified, without maps and tests. `--watch`: again at each change.
 */
import { existsSync, readdirSync, rmSync } from 'node:fs';
import { chmod } from 'node:fs/promises';
import { context } from 'esbuild';

const production = process.argv.includes('--production');
const watch = process.argv.includes('--watch');

/** @type {import('esbuild').BuildOptions} */
const shared = {
  bundle: true,
  platform: 'node',
  format: 'cjs',
  target: 'node20',
  external: ['vscode', 'mocha', 'onnxruntime-node', 'sharp'],
  sourcemap: !production,
  minify: production,
  keepNames: true,
  legalComments: 'none',
  logLevel: 'warning',
};

const builds = [
  { entryPoints: { extension: 'src/extension/extension.ts', engine: 'src/engine/main.ts' }, outdir: 'dist' },
  { entryPoints: { cli: 'src/cli/seedmask.ts' }, outdir: 'dist', banner: { js: '#!/usr/bin/env node' } },
];
/** @type {import('esbuild').BuildOptions} */
const page = {
  entryPoints: { review: 'src/webview/main.tsx', training: 'src/webview/training/main.tsx' },
  outdir: 'dist/webview',
  bundle: true,
  platform: 'browser',
  format: 'iife',
  target: 'chrome120',
  jsx: 'automatic',
  jsxImportSource: 'preact',
  loader: { '.ttf': 'file' },
  assetNames: '[name]',
  sourcemap: !production,
  minify: production,
  legalComments: 'none',
  logLevel: 'warning',
};
if (!production && existsSync('test/host')) {
  const tests = readdirSync('test/host', { recursive: true, encoding: 'utf8' }).filter(name => name.endsWith('.test.ts'));
  builds.push({ entryPoints: tests.map(name => `test/host/${name}`), outdir: 'dist-test/host', outbase: 'test/host' });
}

if (production) rmSync('dist', { recursive: true, force: true });
const contexts = await Promise.all([...builds.map(build => context({ ...shared, ...build })), context(page)]);
if (watch) {
  for (const one of contexts) await one.watch();
} else {
  // esbuild has printed what is wrong by then.
  const results = await Promise.allSettled(contexts.map(one => one.rebuild()));
  await Promise.all(contexts.map(one => one.dispose()));
  if (results.some(({ status }) => status === 'rejected')) process.exit(1);
  await chmod('dist/cli.js', 0o755);
}
