/**
 * Is a device to be trusted? It must compute what the CPU computes, on the graphs it will run (some providers are known to get some convolutions
 * wrong). The comparison runs in a probe process and its verdict is kept per device, model, runtime and machine, so it is paid once.
 */
import { fork } from 'node:child_process';
import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { delimiter, join } from 'node:path';
import * as v from 'valibot';
import { settled, TOLERANCE, type Comparison, type ProbeAnswer, type ProbeTask } from './deviceProbe';
import { machineName, runtimeHome } from './paths';
import type { Probe } from './probeGraph';
import type { ConcreteDevice } from './session';
import { atomicWrite } from '../dataset/atomicWrite';
import { makeFolderFor } from '../dataset/folder';
import { SeedMaskError } from '../shared/errors';

/** How a probe process is started: a file whose main function understands `--probe`. */
export interface ProbeEntry {
  file: string;
  execArgv: readonly string[];
}

/** A first run compiles shaders, and a software driver computes for minutes what a GPU does at once. */
const PROBE_TIMEOUT_MS = 10 * 60_000;

export type Verdict = { usable: true; comparisons: Comparison[] } | { usable: false; cause: string };

export interface CheckOptions {
  /** A device that is hopelessly slower than the CPU need not be compared further. */
  stopWhenSlow?: boolean;
  /** Folder in which the device's libraries are looked for first. */
  libraryDir?: string | undefined;
  signal?: AbortSignal | undefined;
}

export class DeviceCheck {
  private readonly file: string;

  constructor(
    private readonly entry: ProbeEntry,
    cacheDir: string,
  ) {
    this.file = join(cacheDir, 'devices.json');
  }

  /** Opens the device and compares what was not compared before, until one graph is enough to turn it down. */
  async check(device: ConcreteDevice, probes: readonly Probe[], { stopWhenSlow = false, libraryDir, signal }: CheckOptions = {}): Promise<Verdict> {
    const known = await this.load();
    const keys = await Promise.all(probes.map(probe => keyOf(device, probe)));
    const decided = keys.some(key => known[key] && settled(known[key], stopWhenSlow));
    const fresh = decided ? [] : probes.filter((_, i) => !known[keys[i]]);
    const answer = await this.probe({ device, probes: fresh, stopWhenSlow }, libraryDir, signal);
    if (!answer.ok) return { usable: false, cause: answer.message };
    const found = Object.fromEntries(answer.comparisons.map((comparison, i) => [keys[probes.indexOf(fresh[i])], comparison]));
    if (fresh.length > 0) await this.save({ ...(await this.load()), ...found });
    const comparisons = keys.flatMap(key => found[key] ?? known[key] ?? []);
    const wrong = comparisons.find(({ difference }) => !(difference <= TOLERANCE));
    return wrong ? { usable: false, cause: differs(wrong) } : { usable: true, comparisons };
  }

  private probe(task: ProbeTask, libraryDir: string | undefined, signal: AbortSignal | undefined): Promise<ProbeAnswer> {
    signal?.throwIfAborted();
    return new Promise((resolve, reject) => {
      const child = fork(this.entry.file, ['--probe'], {
        execArgv: [...this.entry.execArgv],
        serialization: 'advanced',
        stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
        env: {
          ...process.env,
          ORT_DISABLE_TELEMETRY: '1',
          ...(libraryDir !== undefined && { LD_LIBRARY_PATH: [libraryDir, process.env['LD_LIBRARY_PATH']].filter(Boolean).join(delimiter) }),
        },
      });
      let printed = '';
      let answer: ProbeAnswer | undefined;
      const kill = (): void => void child.kill('SIGKILL');
      let late = false;
      const watchdog = setTimeout(() => {
        late = true;
        kill();
      }, PROBE_TIMEOUT_MS);
      signal?.addEventListener('abort', kill, { once: true });
      child.stderr?.setEncoding('utf8').on('data', (chunk: string) => (printed = (printed + chunk).slice(-16384)));
      // Our own process wrote it.
      child.on('message', message => (answer = message as ProbeAnswer));
      child.once('error', reject);
      child.once('close', (code, ended) => {
        clearTimeout(watchdog);
        signal?.removeEventListener('abort', kill);
        if (signal?.aborted) return reject(signal.reason);
        if (answer?.ok) return resolve(answer);
        if (late) return resolve({ ok: false, message: `no result within ${PROBE_TIMEOUT_MS / 60_000} minutes` });
        resolve({ ok: false, message: causeOf(printed, answer?.message ?? `trying it ended the process (${ended ?? `code ${code}`})`) });
      });
      child.send(task, () => undefined);
    });
  }

  private async load(): Promise<Verdicts> {
    try {
      return v.parse(verdictsSchema, JSON.parse(await readFile(this.file, 'utf8')));
    } catch {
      return {}; // absent or damaged: everything is compared anew
    }
  }

  /** Losing this file costs a comparison; it never fails a run. */
  private async save(verdicts: Verdicts): Promise<void> {
    try {
      await makeFolderFor(this.file);
      await atomicWrite(this.file, JSON.stringify(verdicts, null, 1));
    } catch (error) {
      if (!(error instanceof SeedMaskError)) throw error;
    }
  }
}

/** JSON has no infinity: a comparison that ended there is kept as null. */
const verdictsSchema = v.record(
  v.string(),
  v.object({
    name: v.string(),
    difference: v.pipe(v.nullable(v.number()), v.transform(value => value ?? Infinity)),
    deviceMs: v.number(),
    cpuMs: v.number(),
    onDevice: v.number(),
  }),
);
type Verdicts = Record<string, Comparison>;

async function keyOf(device: ConcreteDevice, { model, feeds }: Probe): Promise<string> {
  const hash = createHash('sha256').update(typeof model === 'string' ? await readFile(model) : model).digest('hex').slice(0, 32);
  const sizes = Object.values(feeds).map(({ dims }) => dims.join('x'));
  return [device, hash, ...sizes, runtimeHome().version, machineName()].join(' ');
}

function differs({ name, difference }: Comparison): string {
  const figure = Number.isFinite(difference) ? `by ${(difference * 100).toPrecision(2)} %` : 'altogether';
  return `it computes '${name}' differently from the CPU, ${figure} (allowed: ${TOLERANCE * 100} %)`;
}

/** The loader's own words where it printed them (which library is missing), else the error. */
export function causeOf(printed: string, message: string): string {
  const missing = /(\S+\.(?:so[.\d]*|dll|dylib)): cannot open shared object file/.exec(printed)?.[1];
  if (missing) return `the library ${missing} is missing`;
  const refused = /\[E:[^\]]*\]\s*(.+)/.exec(printed)?.[1];
  const undefinedSymbol = /(\S+: undefined symbol: \S+)/.exec(printed)?.[1];
  return undefinedSymbol ?? (message || (refused ?? 'unknown'));
}
