#!/usr/bin/env node
/**
 * A real VS Code without a desktop download: code-server from npm, run by Node 24 from npm, opened in the system's Chromium. Everything
 * lies in `.vscode-host/` and works offline once installed. Three uses:
 *   node scripts/vscodeHost.mjs setup                     installs it
 *   import { startServer, openPage } …                    UI tests and `npm start`
 *   as "VS Code executable" of @vscode/test-electron      in-host tests: --extensionDevelopmentPath=… --extensionTestsPath=… FOLDER
 */
import { spawn, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { format } from 'node:util';

/** code-server 4.139.1 is VS Code 1.139.1 and wants exactly Node 24. */
const CODE_SERVER = '4.139.1';
const NODE = '24.21.0';

export const ROOT = fileURLToPath(new URL('..', import.meta.url));
const HOME = process.env.VSCODE_HOST_DIR ?? join(ROOT, '.vscode-host');
const NODE_PACKAGE = `node-${process.platform}-${process.arch}`;
const nodeHome = join(HOME, 'node_modules', NODE_PACKAGE);
const node = join(nodeHome, 'bin/node');
const server = join(HOME, 'node_modules/code-server');
const stamp = join(HOME, `ok-${CODE_SERVER}-${NODE}`);

/** How long the in-host tests may take in all, in ms. */
const TESTS_LIMIT_MS = 8 * 60_000;

/** Settings that keep the workbench quiet. */
const QUIET_SETTINGS = {
  'chat.disableAIFeatures': true,
  'extensions.autoCheckUpdates': false,
  'git.enabled': false,
  'security.workspace.trust.banner': 'never',
  'telemetry.telemetryLevel': 'off',
  'workbench.enableExperiments': false,
  'workbench.secondarySideBar.defaultVisibility': 'hidden',
  'workbench.startupEditor': 'none',
};

/** Installs the server once. Install scripts stay off: only the two native parts that are wanted are compiled. */
export function setup() {
  if (existsSync(stamp)) return;
  const npm = (cwd, ...args) => {
    const env = { ...process.env, MAKEFLAGS: '-j2', npm_config_nodedir: nodeHome };
    const { status } = spawnSync('npm', [...args, '--no-audit', '--no-fund', '--loglevel=error'], { cwd, env, stdio: ['ignore', 'inherit', 'inherit'] });
    if (status !== 0) throw new Error(`npm ${args[0]} in ${cwd} failed`);
  };
  console.log(`Installing VS Code for tests (code-server ${CODE_SERVER}) into ${HOME}`);
  mkdirSync(HOME, { recursive: true });
  writeFileSync(join(HOME, 'package.json'), '{"private":true}');
  npm(HOME, 'install', '--ignore-scripts', `code-server@${CODE_SERVER}`, `${NODE_PACKAGE}@${NODE}`);
  const vscode = join(server, 'lib/vscode');
  // Pinned by the npm-shrinkwrap.json inside.
  npm(vscode, 'install', '--omit=dev', '--ignore-scripts');
  // Without spdlog, output channels stay empty.
  npm(vscode, 'rebuild', '@vscode/spdlog', '@vscode/native-watchdog');
  writeFileSync(stamp, '');
}

/**
 * Starts a server with its own user data, ended by `close()` with all its processes.
 * @param {{ settings?: Record<string, unknown>, restricted?: boolean, vsix?: string, env?: NodeJS.ProcessEnv, port?: number }} [options]
 *   `restricted`: folders are not trusted; `vsix`: an extension to install; `port`: 0 takes a free one.
 * @returns {Promise<{ origin: string, log: () => string, close: () => Promise<void> }>}
 */
export async function startServer({ settings = {}, restricted = false, vsix, env = process.env, port = 0 } = {}) {
  setup();
  const data = mkdtempSync(join(tmpdir(), 'seedmask-vscode-'));
  const user = join(data, 'user');
  mkdirSync(join(user, 'User'), { recursive: true });
  writeFileSync(join(user, 'User/settings.json'), JSON.stringify({ ...QUIET_SETTINGS, ...settings }));
  const base = [join(server, 'out/node/entry.js'), '--config', join(data, 'config.yaml'), '--user-data-dir', user, '--extensions-dir', join(data, 'extensions')];
  if (vsix) {
    const install = spawnSync(node, [...base, '--install-extension', resolve(vsix), '--force'], { encoding: 'utf8' });
    if (install.status !== 0) throw new Error(`${vsix} cannot be installed: ${install.stdout}${install.stderr}`);
  }
  const quiet = ['--auth', 'none', '--disable-telemetry', '--disable-update-check', '--disable-getting-started-override'];
  // Its own group, so that the extension hosts and file watchers it starts end with it.
  const child = spawn(node, [...base, ...quiet, ...(restricted ? [] : ['--disable-workspace-trust']), '--bind-addr', `127.0.0.1:${port}`], {
    env,
    detached: true,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let log = '';
  child.stderr.on('data', chunk => (log += chunk));
  const origin = await new Promise((found, failed) => {
    child.stdout.on('data', chunk => {
      log += chunk;
      const match = /listening on (http:\/\/127\.0\.0\.1:\d+)/.exec(log);
      if (match) found(match[1]);
    });
    child.once('error', failed);
    child.once('exit', code => failed(new Error(`code-server ended with ${code}\n${log}`)));
  });
  const close = async () => {
    const gone = new Promise(done => child.once('exit', done));
    child.kill();
    await Promise.race([gone, new Promise(done => setTimeout(done, 5000))]);
    try {
      process.kill(-child.pid, 'SIGKILL');
    } catch {
      // Nothing of the group is left.
    }
    rmSync(data, { recursive: true, force: true, maxRetries: 5, retryDelay: 200 });
  };
  return { origin, log: () => log, close };
}

/** The address that opens `folder`. */
export function folderUrl(origin, folder) {
  return `${origin}/?folder=${encodeURIComponent(folder)}`;
}

/** The system's Chromium. @throws with advice when there is none. */
export function findChromium() {
  const places = [process.env.CHROMIUM, '/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome', '/Applications/Google Chrome.app/Contents/MacOS/Google Chrome'];
  const found = places.find(path => path && existsSync(path));
  if (!found) throw new Error('No Chromium found: install it (Debian: apt-get install chromium) or set CHROMIUM to its path');
  return found;
}

/**
 * Opens a folder in a browser. With `extensionPath` the extension is loaded from there, and with `testsPath` its tests are run: the
 * workbench reads both from settings that the server puts into the page, and this adds them there.
 * @param {string} origin
 * @param {{ folder: string, extensionPath?: string, testsPath?: string, viewport?: { width: number, height: number }, colorScheme?: 'dark' | 'light',
 *   hooks?: Record<string, (...args: any[]) => unknown> }} options  `hooks`: functions that the page may call
 */
export async function openPage(origin, { folder, extensionPath, testsPath, viewport = { width: 1280, height: 800 }, colorScheme = 'dark', hooks = {} }) {
  const { chromium } = await import('playwright-core');
  const quiet = ['--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking', '--disable-component-update', '--disable-sync'];
  const browser = await chromium.launch({ executablePath: findChromium(), args: ['--no-sandbox', ...quiet] });
  const page = await browser.newPage({ viewport, colorScheme });
  for (const [name, hook] of Object.entries(hooks)) await page.exposeFunction(name, hook);
  if (extensionPath) await page.addInitScript({ content: developmentOptionsScript({ extensionPath, testsPath }) });
  await page.goto(folderUrl(origin, folder), { timeout: 120_000 });
  return { browser, page };
}

/**
 * Script for the page, run before the workbench. It is text, because a function would be rewritten by whatever compiles this file, with
 * helpers that the page does not have.
 */
function developmentOptionsScript(options) {
  return `{
    const { extensionPath, testsPath } = ${JSON.stringify(options)};
    const getAttribute = Element.prototype.getAttribute;
    const uri = path => ({ $mid: 1, scheme: 'vscode-remote', authority: location.host, path });
    Element.prototype.getAttribute = function (name) {
      const value = getAttribute.call(this, name);
      if (name !== 'data-settings' || this.id !== 'vscode-workbench-web-configuration') return value;
      const settings = JSON.parse(value);
      settings.developmentOptions = { ...settings.developmentOptions, extensions: [uri(extensionPath)], ...(testsPath && { extensionTestsPath: uri(testsPath) }) };
      return JSON.stringify(settings);
    };
  }`;
}

/** Runs the tests that `@vscode/test-electron` names, in the extension host. @returns the exit code. */
async function runHostTests(argv) {
  const option = name => argv.findLast(arg => arg.startsWith(`--${name}=`))?.slice(name.length + 3);
  const folder = resolve(argv.find(arg => !arg.startsWith('-')) ?? '.');
  // The workbench's own chatter, not the tests'.
  const noise = /^\[[A-Z][A-Za-z ]+[:\]]|^\[reconnection|^(Resol|Creating a socket|Updating additional)|open-vsx|Timed out waiting for auth|not a web extension/;
  const host = await startServer();
  /** @type {(code: number | undefined) => void} */
  let finish = () => {};
  const exit = new Promise(done => (finish = done));
  const limit = setTimeout(finish, TESTS_LIMIT_MS);
  const { browser } = await openPage(host.origin, {
    folder,
    extensionPath: option('extensionDevelopmentPath'),
    testsPath: option('extensionTestsPath'),
    hooks: {
      codeAutomationLog: (_type, args) => {
        const line = format(...args);
        if (!noise.test(line)) process.stdout.write(line.replace(/\n?$/, '\n'));
      },
      codeAutomationExit: code => finish(code),
    },
  });
  const code = await exit;
  clearTimeout(limit);
  if (code === undefined) console.error(`The tests did not end within ${TESTS_LIMIT_MS / 1000} s\n${host.log()}`);
  await browser.close();
  await host.close();
  return code ?? 1;
}

if (process.argv[1] && import.meta.url === pathToFileURL(process.argv[1]).href) {
  const args = process.argv.slice(2);
  if (args[0] === 'setup') setup();
  else void runHostTests(args).then(code => process.exit(code));
}
