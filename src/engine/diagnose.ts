/**
 * Diagnose: a text a person can paste into a bug report. Versions, devices with the causes of those that cannot be used, models with their hashes,
 * settings and the last runs' errors. Photo names only when asked for; home folders never.
 */
import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { readdir, stat } from 'node:fs/promises';
import { cpus, homedir, release, totalmem } from 'node:os';
import { basename, isAbsolute, join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import type { Handlers } from './dispatch';
import type { Engine } from './engine';
import { packageVersion, runtimeHome } from './paths';
import { listRuns } from '../dataset/runs';
import { PHOTO } from '../dataset/scan';
import { describeError } from '../shared/errors';
import type { Params, RunSummary } from '../shared/protocol';
import { plural } from '../shared/runTexts';

const LAST_RUNS = 5;

export const diagnose: Handlers['diagnose'] = async ({ root, photoNames, settings }, { signal }, engine) => {
  const lines = [
    '# SeedMask report',
    '',
    ...section('Versions', versions(engine)),
    ...section('Devices', await devices(engine, settings, signal)),
    ...section('Models', await models(engine, [settings.backbone, settings.marsFeatures], signal)),
    ...section('Settings', Object.entries(settings).map(([name, value]) => `${name}: ${JSON.stringify(value)}`)),
    ...(root === undefined ? [] : section('Last runs', (await listRuns(root)).slice(0, LAST_RUNS).flatMap(({ summary }) => describeRun(summary, photoNames)))),
  ];
  return { report: withoutHome(lines.join('\n')) };
};

function section(title: string, lines: readonly string[]): string[] {
  return [`## ${title}`, '', ...(lines.length > 0 ? lines.map(line => `- ${line}`) : ['- none']), ''];
}

function versions(engine: Engine): string[] {
  const processors = cpus();
  return [
    `SeedMask ${engine.version}`,
    `ONNX Runtime ${runtimeHome().version}`,
    `sharp ${versionOf(engine, 'sharp')}`,
    `Node ${process.versions.node}${process.versions['electron'] ? `, Electron ${process.versions['electron']}` : ''}`,
    `${process.platform}-${process.arch}, ${release()}`,
    `${processors.length} x ${processors[0]?.model ?? 'unknown processor'}, ${Math.round(totalmem() / 2 ** 30)} GiB`,
  ];
}

function versionOf(engine: Engine, name: string): string {
  try {
    return packageVersion(join(engine.home, 'node_modules', name, 'package.json'));
  } catch {
    return 'unknown';
  }
}

async function devices(engine: Engine, settings: Params<'diagnose'>['settings'], signal: AbortSignal): Promise<string[]> {
  try {
    const { report } = await engine.device(settings, signal);
    return [`asked: ${report.asked}, used: ${report.label}`, ...report.tried.map(one => `${one.device}: ${one.ok ? 'usable' : 'not used'} (${one.detail})`)];
  } catch (error) {
    signal.throwIfAborted();
    return [`asked: ${settings.device}, none: ${describeError(error)}`];
  }
}

/** The bundled models and the person's own (backbone, features), if the settings name some. */
async function models(engine: Engine, wanted: readonly (string | undefined)[], signal: AbortSignal): Promise<string[]> {
  const names = (await readdir(engine.weightsFolder).catch(() => [])).filter(name => name.endsWith('.onnx')).sort();
  const own = wanted.flatMap(name => (name !== undefined && isAbsolute(name) ? [name] : []));
  const lines: string[] = [];
  for (const file of [...names.map(name => join(engine.weightsFolder, name)), ...own]) {
    try {
      const hash = createHash('sha256');
      await pipeline(createReadStream(file), hash, { signal });
      lines.push(`${basename(file)}: ${(await stat(file)).size} bytes, sha256 ${hash.digest('hex')}`);
    } catch (error) {
      signal.throwIfAborted();
      lines.push(`${basename(file)}: cannot be read (${describeError(error)})`);
    }
  }
  return lines;
}

function describeRun(run: RunSummary, photoNames: boolean): string[] {
  const counts = `${run.started}, ${run.state} on ${run.device}: ${plural(run.photos, 'photo')}, ${run.written} written, ${run.kept} kept, ${run.skipped} skipped, ${run.failed.length} failed`;
  const failures = photoNames
    ? run.failed.map(({ photo, reason, message }) => `  ${photo}: ${reason}, ${message}`)
    : [...new Set(run.failed.map(({ reason }) => reason))].map(reason => `  ${reason}: ${run.failed.filter(one => one.reason === reason).length}`);
  if (run.error === undefined) return [counts, ...failures];
  return [`${counts}; ${photoNames ? run.error : withoutPhoto(run.error)}`, ...failures];
}

/** 'a.jpg: a.mask.png: the disk is full' -> 'the disk is full' */
function withoutPhoto(error: string): string {
  const parts = error.split(': ');
  return parts.slice(parts.findLastIndex(part => PHOTO.test(part)) + 1).join(': ');
}

function withoutHome(text: string): string {
  const home = homedir();
  return home.length > 1 ? text.replaceAll(home, '~') : text;
}
