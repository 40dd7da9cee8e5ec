/**
 * Tests that run inside VS Code with the real `vscode` API (`npm run test:host`). By default in the server of `scripts/vscodeHost.mjs`;
 * `VSCODE_HOST=desktop` downloads a desktop VS Code instead.
 */
import { defineConfig } from '@vscode/test-cli';
import { mkdirSync, mkdtempSync, readdirSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const tests = fileURLToPath(new URL('dist-test/host', import.meta.url));
const server = { useInstallation: { fromPath: fileURLToPath(new URL('scripts/vscodeHost.mjs', import.meta.url)) } };

// Tests take the device that every machine has.
const workspaceFolder = mkdtempSync(join(tmpdir(), 'seedmask-host-'));
mkdirSync(join(workspaceFolder, '.vscode'));
writeFileSync(join(workspaceFolder, '.vscode/settings.json'), '{ "seedmask.device": "cpu" }');

export default defineConfig({
  // In the order of their names: activation.test measures the activation, so it comes before anything that needs it.
  files: readdirSync(tests).filter(name => name.endsWith('.test.js')).sort().map(name => join(tests, name)),
  workspaceFolder,
  mocha: { ui: 'bdd', timeout: 60_000 },
  ...(process.env.VSCODE_HOST !== 'desktop' && server),
});
