/**
 * Bundles what runs: the extension, the engine process, the shell command, and the tests that run inside VS Code.
 * `node esbuild.mjs [name…]` builds only the named ones. Native packages and the editor's API stay outside.
 */
import { build } from 'esbuild';
import { chmodSync, readdirSync } from 'node:fs';

const bundles = {
  extension: { entryPoints: { extension: 'src/extension/extension.ts' }, outdir: 'dist' },
  engine: { entryPoints: { engine: 'src/engine/main.ts' }, outdir: 'dist' },
  cli: { entryPoints: { cli: 'src/cli/main.ts' }, outdir: 'dist', banner: { js: '#!/usr/bin/env node' } },
  hostTests: { entryPoints: readdirSync('test/host').filter(name => name.endsWith('.test.ts')).map(name => `test/host/${name}`), outdir: 'dist-test/host' },
};

const names = process.argv.length > 2 ? process.argv.slice(2) : Object.keys(bundles);
await Promise.all(
  names.map(name =>
    build({
      bundle: true,
      platform: 'node',
      format: 'cjs',
      target: 'node20',
      external: ['vscode', 'onnxruntime-node', 'sharp'],
      sourcemap: 'linked',
      legalComments: 'none',
      logLevel: 'warning',
      ...bundles[name],
    }),
  ),
);
if (names.includes('cli')) chmodSync('dist/cli.js', 0o755);
