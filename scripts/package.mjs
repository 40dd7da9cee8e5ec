/**
 * `npm run package`: the extension as one .vsix for one platform, with that platform's binaries only and the models inside.
 * `--target linux-x64` packages for another platform (its `@img/sharp-…` packages must be installed: `npm ci --os=… --cpu=…`),
 * `--out FILE` names the file.
 */
import { createVSIX } from '@vscode/vsce';
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

/** Platforms that ONNX Runtime has binaries for. */
const TARGETS = ['linux-x64', 'linux-arm64', 'win32-x64', 'win32-arm64', 'darwin-arm64'];

const root = fileURLToPath(new URL('..', import.meta.url));
const { values } = parseArgs({ options: { target: { type: 'string', default: `${process.platform}-${process.arch}` }, out: { type: 'string' } } });
const { target } = values;
if (!TARGETS.includes(target)) throw new Error(`${target} is not supported; there are binaries for ${TARGETS.join(', ')}`);

const manifest = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
const out = join(root, values.out ?? `${manifest.name}-${target}.vsix`);
const catalog = JSON.parse(readFileSync(join(root, 'models/catalog.json'), 'utf8'));
const needed = [...binaries(target), ...catalog.models.map(({ file }) => `models/weights/${file}`)];
const missing = needed.filter(path => !existsSync(join(root, path)));
if (missing.length) throw new Error(`Not there: ${missing.join(', ')}. Run npm ci and npm run models first.`);

const build = spawnSync(process.execPath, ['esbuild.mjs', '--production'], { cwd: root, stdio: 'inherit' });
if (build.status !== 0) process.exit(1);

const scratch = mkdtempSync(join(tmpdir(), 'seedmask-package-'));
const ignoreFile = join(scratch, 'ignore');
// By name, since a machine may have the CUDA provider linked in beside the runtime: that is not ours to ship.
const platform = binaries(target).flatMap(path => readdirSync(join(root, path), { recursive: true, withFileTypes: true })
  .filter(entry => entry.isFile() && !entry.name.includes('onnxruntime_providers'))
  .map(entry => `!${relative(root, join(entry.parentPath, entry.name)).replaceAll('\\', '/')}`));
writeFileSync(ignoreFile, `${readFileSync(join(root, '.vscodeignore'), 'utf8')}${platform.join('\n')}\n`);
try {
  await createVSIX({ cwd: root, target, ignoreFile, packagePath: out, skipLicense: !existsSync(join(root, 'LICENSE')) });
} finally {
  rmSync(scratch, { recursive: true, force: true });
}
console.log(`${out}: ${(statSync(out).size / 2 ** 20).toFixed(1)} MB`);

/** Folders with a platform's native code. On Windows libvips lies inside sharp's own package. */
function binaries(name) {
  const [os, cpu] = name.split('-');
  return [
    `node_modules/onnxruntime-node/bin/napi-v6/${os}/${cpu}`,
    `node_modules/@img/sharp-${name}`,
    ...(os === 'win32' ? [] : [`node_modules/@img/sharp-libvips-${name}`]),
  ];
}
