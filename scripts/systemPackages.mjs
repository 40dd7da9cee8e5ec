/**
 * What `npm test` needs besides npm's packages, on Debian and its kin: Chromium for the UI tests (it brings the software Vulkan driver of the WebGPU test, which wants
 * the loader) and a compiler for two small parts of the test server. What is missing is installed with apt (as root, or with sudo where that asks nothing); elsewhere it is only named.
 */
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';

const onPath = name => (process.env.PATH ?? '').split(':').some(folder => existsSync(`${folder}/${name}`));
const library = name => ['/usr/lib', '/usr/lib/x86_64-linux-gnu', '/usr/lib/aarch64-linux-gnu', '/usr/lib64'].some(folder => existsSync(`${folder}/${name}`));

/** Debian's package -> whether what it brings is there. */
const NEEDED = {
  chromium: () => process.env.CHROMIUM !== undefined || onPath('chromium'),
  libvulkan1: () => library('libvulkan.so.1'),
  'g++': () => onPath('g++'),
  make: () => onPath('make'),
  python3: () => onPath('python3'),
};

if (process.platform === 'linux') {
  const missing = Object.entries(NEEDED).filter(([, there]) => !there()).map(([name]) => name);
  if (missing.length) install(missing);
}

function install(packages) {
  const root = process.getuid?.() === 0;
  const sudo = !root && onPath('sudo') && spawnSync('sudo', ['-n', 'true']).status === 0;
  if (!onPath('apt-get') || !(root || sudo)) {
    console.error(`The tests need: ${packages.join(' ')}. On Debian: sudo apt-get install ${packages.join(' ')}`);
    process.exit(1);
  }
  console.log(`Installing with apt: ${packages.join(' ')}`);
  const wait = ['-o', 'DPkg::Lock::Timeout=300', '-qq'];
  for (const args of [['update'], ['install', '-y', '--no-install-recommends', ...packages]]) {
    const [command, ...rest] = [...(root ? [] : ['sudo']), 'env', 'DEBIAN_FRONTEND=noninteractive', 'apt-get', ...wait, ...args];
    const { status } = spawnSync(command, rest, { stdio: ['ignore', 'ignore', 'inherit'] });
    if (status !== 0) throw new Error(`apt-get ${args[0]} failed`);
  }
}
