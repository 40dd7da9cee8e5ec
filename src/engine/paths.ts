/**
 * Where the engine finds its own things: the package (models, version), the runtime's libraries, and the user's cache folder.
 */
import { existsSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { homedir, hostname } from 'node:os';
import { dirname, join } from 'node:path';

/** The package's folder: the nearest one above this file that holds a package.json (the bundle lies in `dist/`, the source in `src/engine/`). */
export function packageRoot(from: string = __dirname): string {
  for (let folder = from; ; folder = dirname(folder)) {
    if (existsSync(join(folder, 'package.json'))) return folder;
    if (dirname(folder) === folder) throw new Error(`no package.json above ${from}`);
  }
}

/** The `version` of a package.json. */
export function packageVersion(file: string): string {
  const manifest: unknown = JSON.parse(readFileSync(file, 'utf8'));
  const version = typeof manifest === 'object' && manifest !== null ? (manifest as Record<string, unknown>)['version'] : undefined;
  return typeof version === 'string' ? version : 'unknown';
}

/** The bundled ONNX Runtime: its version and the folder of its libraries for this platform (which may be missing on unsupported ones). */
export function runtimeHome(): { version: string; libraries: string } {
  const manifest = createRequire(join(packageRoot(), 'package.json')).resolve('onnxruntime-node/package.json');
  return { version: packageVersion(manifest), libraries: join(dirname(manifest), 'bin', 'napi-v6', process.platform, process.arch) };
}

/**
 * The folder for what is worth keeping between runs but belongs to no data set (device verdicts): `SEEDMASK_CACHE_DIR` when a front end
 * chose one, else the platform's cache folder.
 */
export function userCacheDir(environment: NodeJS.ProcessEnv = process.env): string {
  const chosen = environment['SEEDMASK_CACHE_DIR'];
  if (chosen) return chosen;
  if (process.platform === 'win32') return join(environment['LOCALAPPDATA'] ?? join(homedir(), 'AppData', 'Local'), 'seedmask');
  if (process.platform === 'darwin') return join(homedir(), 'Library', 'Caches', 'seedmask');
  return join(environment['XDG_CACHE_HOME'] || join(homedir(), '.cache'), 'seedmask');
}

/** Names this machine among those that share a home folder: verdicts about devices hold for one machine only. */
export function machineName(): string {
  return `${hostname()} ${process.platform}-${process.arch}`;
}
