/**
 * `npm start`: opens the demo workspace, made if it is not there (or `npm start -- FOLDER`), in a VS Code with the extension loaded from this folder: the desktop's when
 * `code` is on the PATH, else one that is served to the browser and installed into `.vscode-host/` the first time (`--web` asks for it).
 */
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { tsImport } from 'tsx/esm/api';
import { folderUrl, ROOT, startServer } from './vscodeHost.mjs';

const args = process.argv.slice(2);
const web = args.includes('--web');
const own = args.find(arg => !arg.startsWith('-'));
const folder = resolve(own ?? join(ROOT, 'demo'));
if (!existsSync(folder) && own) throw new Error(`there is no folder ${folder}`);

run('npm', 'run', 'models');
run(process.execPath, 'esbuild.mjs');
if (!own) {
  const { makeDemoFolder } = await tsImport('./demoFolder.ts', import.meta.url);
  await makeDemoFolder(ROOT, join(folder, 'photos'));
}
if (!web && spawnSync('code', ['--version'], { stdio: 'ignore', shell: process.platform === 'win32' }).status === 0) {
  run('code', `--extensionDevelopmentPath=${ROOT}`, folder);
} else {
  await serve();
}

/** The browser cannot be told of a development folder by an address, so the extension is packaged and installed. */
async function serve() {
  const vsix = 'dist/start.vsix';
  run(process.execPath, 'scripts/package.mjs', '--out', vsix);
  const server = await startServer({ vsix: join(ROOT, vsix) });
  console.log(`\n  SeedMask is open at ${folderUrl(server.origin, folder)}\n  Right-click a folder of photos and choose SeedMask. Ctrl+C ends it.\n`);
  const stop = () => void server.close().then(() => process.exit(0));
  process.once('SIGINT', stop);
  process.once('SIGTERM', stop);
}

function run(command, ...rest) {
  const { status, error } = spawnSync(command, rest, { cwd: ROOT, stdio: 'inherit', shell: process.platform === 'win32' });
  if (error) throw error;
  if (status !== 0) process.exit(status ?? 1);
}
