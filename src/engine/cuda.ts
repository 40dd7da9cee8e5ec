/**
 * Set Up CUDA (Linux). ONNX Runtime loads its CUDA provider from the folder of its own library, where our package has none (it is 230 MB and
 * NVIDIA's to give). So a person names a folder that has the provider; this file looks whether it fits the bundled runtime, says which
 * libraries are still missing, and links it in. The setting is the state: without a folder, our links are taken away again.
 */
import { execFile } from 'node:child_process';
import { createReadStream } from 'node:fs';
import { lstat, readdir, readFile, readlink, rename, stat, symlink, unlink } from 'node:fs/promises';
import { basename, delimiter, dirname, join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { neededLibraries } from './elf';
import { SeedMaskError } from '../shared/errors';

const CUDA_PROVIDER = 'libonnxruntime_providers_cuda.so';
const SHARED_PROVIDER = 'libonnxruntime_providers_shared.so';
export const PROVIDER_FILES = [CUDA_PROVIDER, SHARED_PROVIDER] as const;

/** Libraries the provider opens by itself when it first needs them, so that they are in no table of its file. */
const OPENED_LATER = /lib(?:cudnn|cufft|nvrtc)\.so\.\d+/g;

export interface CudaFolder {
  folder: string;
  /** Provider files that are not in it. */
  missingFiles: string[];
  /** Version of ONNX Runtime the provider was built for; undefined where nothing in or above the folder says so. */
  version: string | undefined;
  /** Libraries the provider needs that the loader would not find. */
  missingLibraries: string[];
}

/** Looks at a folder without loading anything from it. */
export async function inspectCudaFolder(folder: string): Promise<CudaFolder> {
  const names = new Set(await readdir(folder).catch(() => []));
  const missingFiles = PROVIDER_FILES.filter(name => !names.has(name));
  const present = PROVIDER_FILES.filter(name => names.has(name)).map(name => join(folder, name));
  const needed = new Set<string>();
  for (const file of present) {
    for (const library of await neededOf(file)) needed.add(library);
    for (const library of await namesInside(file, OPENED_LATER)) needed.add(library);
  }
  for (const name of PROVIDER_FILES) needed.delete(name);
  const missingLibraries: string[] = [];
  const findable = await loaderNames();
  for (const library of needed) if (!findable.has(library) && !names.has(library) && !(await onLibraryPath(library))) missingLibraries.push(library);
  return { folder, missingFiles, version: await providerVersion(folder, names), missingLibraries: missingLibraries.sort() };
}

/** Why the folder cannot serve, in words; undefined when it may. Missing libraries are left to the loader, which knows best. */
export function cudaProblem({ folder, missingFiles, version }: CudaFolder, runtimeVersion: string): string | undefined {
  if (missingFiles.length > 0) return `${folder} has no ${missingFiles.join(' and no ')}`;
  if (version !== undefined && version !== runtimeVersion) {
    return `the CUDA provider in ${folder} belongs to ONNX Runtime ${version}, the bundled runtime is ${runtimeVersion}`;
  }
  return undefined;
}

/** Which provider files lie (or are linked) beside the runtime's library. */
export async function cudaInstalled(libraries: string): Promise<boolean> {
  for (const name of PROVIDER_FILES) if (!(await stat(join(libraries, name)).catch(() => undefined))) return false;
  return true;
}

/**
 * Makes the provider of `folder` the one the runtime finds in `libraries`. Files that are no links are never touched.
 * @throws SeedMaskError 'device-unavailable' when the folder does not fit, 'not-writable' when the package's folder cannot be changed.
 */
export async function linkCuda(folder: string, libraries: string, runtimeVersion: string): Promise<void> {
  const targets = PROVIDER_FILES.map(name => ({ link: join(libraries, name), target: resolve(folder, name) }));
  const linked = await Promise.all(targets.map(async ({ link, target }) => (await readlink(link).catch(() => undefined)) === target));
  if (linked.every(Boolean) && (await cudaInstalled(libraries))) return;
  const problem = cudaProblem(await inspectCudaFolder(folder), runtimeVersion);
  if (problem) throw new SeedMaskError('device-unavailable', problem, folder);
  try {
    for (const { link, target } of targets) {
      const there = await lstat(link).catch(() => undefined);
      if (there && !there.isSymbolicLink()) continue;
      const temporary = `${link}.${process.pid}.tmp`;
      await symlink(target, temporary);
      await rename(temporary, link);
    }
  } catch (error) {
    throw new SeedMaskError('not-writable', `the CUDA provider cannot be linked into ${libraries}: ${String(error)}`, libraries, { cause: error });
  }
}

/** Takes away what `linkCuda` linked. */
export async function unlinkCuda(libraries: string): Promise<void> {
  for (const name of PROVIDER_FILES) {
    const link = join(libraries, name);
    if ((await lstat(link).catch(() => undefined))?.isSymbolicLink()) await unlink(link).catch(() => undefined);
  }
}

/** The ONNX Runtime version that the folder, what lies in it, or its path tells. */
async function providerVersion(folder: string, names: ReadonlySet<string>): Promise<string | undefined> {
  for (const name of names) {
    const version = /^libonnxruntime\.so\.(\d+\.\d+\.\d+)$/.exec(name)?.[1];
    if (version) return version;
  }
  for (const file of [join(folder, 'VERSION_NUMBER'), join(dirname(folder), 'VERSION_NUMBER')]) {
    const version = /^\d+\.\d+\.\d+/.exec((await readFile(file, 'utf8').catch(() => '')).trim())?.[0];
    if (version) return version;
  }
  for (const name of ['libonnxruntime.so.1', 'libonnxruntime.so', ...PROVIDER_FILES]) {
    if (!names.has(name)) continue;
    const [symbol] = await namesInside(join(folder, name), /VERS_\d+\.\d+\.\d+/g);
    if (symbol) return symbol.slice('VERS_'.length);
  }
  // …/onnxruntime-linux-x64-gpu-1.30.0/lib, …/microsoft.ml.onnxruntime.gpu.linux/1.30.0/runtimes/…
  return /onnxruntime[^/]*[-/](\d+\.\d+\.\d+)(?:\/|$)/i.exec(folder)?.[1];
}

async function neededOf(file: string): Promise<string[]> {
  try {
    return await neededLibraries(file);
  } catch (error) {
    throw new SeedMaskError('device-unavailable', `${basename(file)} is no Linux library: ${error instanceof Error ? error.message : String(error)}`, file);
  }
}

/** Every different match of `pattern` (shorter than 64 characters) in a file of any size. */
async function namesInside(file: string, pattern: RegExp): Promise<Set<string>> {
  const found = new Set<string>();
  let rest = '';
  for await (const chunk of createReadStream(file, { highWaterMark: 4 << 20, encoding: 'latin1' })) {
    const text = rest + String(chunk);
    for (const [match] of text.matchAll(pattern)) found.add(match);
    rest = text.slice(-64);
  }
  return found;
}

/** Names the system's loader knows. */
async function loaderNames(): Promise<Set<string>> {
  for (const command of ['/sbin/ldconfig', '/usr/sbin/ldconfig', 'ldconfig']) {
    try {
      const { stdout } = await promisify(execFile)(command, ['-p'], { maxBuffer: 16 << 20 });
      return new Set([...stdout.matchAll(/^\s+(\S+)/gm)].map(match => match[1]));
    } catch {
      continue;
    }
  }
  return new Set();
}

async function onLibraryPath(library: string): Promise<boolean> {
  const folders = [...(process.env['LD_LIBRARY_PATH'] ?? '').split(delimiter), '/lib64', '/usr/lib64', '/lib/x86_64-linux-gnu', '/usr/lib/x86_64-linux-gnu'];
  for (const folder of folders) if (folder && (await stat(join(folder, library)).catch(() => undefined))) return true;
  return false;
}
