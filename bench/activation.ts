/**
 * What the front end costs: the time to load the extension's bundle and run `activate()`, and how long the event loop of a process that only talks to the engine
 * stands still during a real run. `tsx bench/activation.ts [FOLDER]` after a build.
 *
 * Activation is measured in a fresh node process each time, with a stand-in for the `vscode` module that does nothing, so what is timed is our code (the test inside
 * VS Code, `test/host/activation.test.ts`, holds it to its limit there). Goals: activation below 50 ms without ONNX Runtime or sharp, no pause above 50 ms.
 */
import { spawnSync } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { setTimeout as sleep } from 'node:timers/promises';
import { EngineClient } from '../src/engine/client';
import { DEFAULT_SETTINGS } from '../src/shared/settings';
import { watchEventLoop } from '../test/host/threadTime';
import { ENGINE, inFolder, machine, makeDataSet, markdown, median, quantile, REPOSITORY } from './measure';

const STARTS = 20;
const PHOTOS = 12;
/** Interval of the timer whose delays are the event loop's, in ms. */
const RESOLUTION_MS = 5;

/**
 * In the fresh process: all of `vscode` is one object that has whatever is asked of it and gives itself back when called, except for the classes.
 * The answer tells the times and which native libraries and packages are loaded.
 */
const CHILD = `
const Module = require('node:module');
class Base { constructor(...args) { Object.assign(this, args[0]); this.event = () => stub; } fire() {} dispose() {} static from() { return new Base(); } }
const stub = new Proxy(function () {}, {
  get: (_, name) => (name === 'then' ? undefined : name === Symbol.toPrimitive ? () => '' : name === 'workspaceFolders' ? [] : stub),
  apply: () => stub,
});
const classes = ['EventEmitter', 'Disposable', 'TreeItem', 'ThemeIcon', 'ThemeColor', 'CancellationError'].map(name => [name, Base]);
const rest = ['window', 'workspace', 'commands', 'env', 'Uri', 'ProgressLocation', 'StatusBarAlignment', 'TreeItemCollapsibleState', 'QuickPickItemKind', 'FileType', 'ConfigurationTarget', 'TabInputCustom'].map(name => [name, stub]);
const vscode = Object.fromEntries([...classes, ...rest]);
const load = Module._load;
Module._load = function (name, ...rest) { return name === 'vscode' ? vscode : load.call(this, name, ...rest); };
const context = { subscriptions: [], extensionPath: process.argv[1], globalStorageUri: { fsPath: process.argv[2] }, workspaceState: { get: (_, other) => other, update: async () => undefined, keys: () => [] } };
const start = performance.now();
const extension = require(process.argv[1] + '/dist/extension.js');
const loaded = performance.now();
extension.activate(context);
const active = performance.now();
const native = process.report.getReport().sharedObjects.filter(file => /onnxruntime|libvips|sharp/.test(file));
const packages = Object.keys(require.cache).filter(file => /node_modules/.test(file));
process.stdout.write(JSON.stringify({ load: loaded - start, activate: active - loaded, subscriptions: context.subscriptions.length, foreign: [...native, ...packages] }));
process.exit(0);
`;

export interface ActivationTimes {
  /** Milliseconds of each start. */
  load: readonly number[];
  activate: readonly number[];
}

/** @throws if activation did nothing, or loaded a native library or any package outside the bundle. */
export function measureActivation(storage: string): ActivationTimes {
  const load: number[] = [];
  const activate: number[] = [];
  for (let i = 0; i < STARTS; i++) {
    const { status, stdout, stderr } = spawnSync(process.execPath, ['-e', CHILD, REPOSITORY, storage], { encoding: 'utf8' });
    if (status !== 0) throw new Error(`the extension did not start: ${stderr}`);
    const told = JSON.parse(stdout) as { load: number; activate: number; subscriptions: number; foreign: string[] };
    if (told.subscriptions === 0) throw new Error('activation registered nothing');
    if (told.foreign.length > 0) throw new Error(`activation loaded ${told.foreign.join(', ')}`);
    load.push(told.load);
    activate.push(told.activate);
  }
  return { load, activate };
}

export interface LoopDelays {
  photos: number;
  events: number;
  /** Milliseconds beyond the timer's interval. */
  p99: number;
  max: number;
  /** The same over as long a time without a run: what the machine does to any process. */
  idleP99: number;
  idleMax: number;
  /** The most that this process computed between two turns of its loop during the run, milliseconds: other processes are not in it. */
  computed: number;
}

/** Delays of this process's event loop during a run, progress events included. */
export async function measureLoop(root: string, photos: number): Promise<LoopDelays> {
  const client = new EngineClient({ entry: ENGINE });
  try {
    let events = 0;
    const monitor = monitorEventLoopDelay({ resolution: RESOLUTION_MS });
    monitor.enable();
    const watch = watchEventLoop();
    const summary = await client.request('generate', { root, settings: DEFAULT_SETTINGS }, { onEvent: () => events++ });
    monitor.disable();
    const computed = watch.stop();
    if (summary.written !== photos) throw new Error(`${summary.written} of ${photos} masks were written ${summary.error ?? ''}`);
    const idle = monitorEventLoopDelay({ resolution: RESOLUTION_MS });
    idle.enable();
    await sleep(Math.min(summary.seconds, 20) * 1000);
    idle.disable();
    const delay = (nanoseconds: number): number => Math.max(0, nanoseconds / 1e6 - RESOLUTION_MS);
    return { photos, events, p99: delay(monitor.percentile(99)), max: delay(monitor.max), idleP99: delay(idle.percentile(99)), idleMax: delay(idle.max), computed };
  } finally {
    await client.dispose();
  }
}

/** Both, as tables. */
export async function activationReport(source: string | undefined): Promise<string> {
  return inFolder(async folder => {
    const storage = join(folder, 'storage');
    mkdirSync(storage);
    const { load, activate } = measureActivation(storage);
    const both = load.map((ms, i) => ms + activate[i]);
    const root = join(folder, 'photos');
    const photos = await makeDataSet(root, source, PHOTOS);
    const { events, ...delays } = await measureLoop(root, photos.length);
    const row = (name: string, values: readonly number[]): string[] => [name, median(values).toFixed(1), quantile(values, 0.95).toFixed(1)];
    return [
      `${STARTS} fresh processes; neither ONNX Runtime nor sharp nor any other package was loaded.`,
      '',
      markdown(['', 'median, ms', '95 % below, ms'], [row('load dist/extension.js', load), row('activate()', activate), row('both', both)]),
      '',
      `A run of ${photos.length} photos, ${events} events.`,
      '',
      markdown(['event loop of the front end', '99 % below, ms', 'longest pause, ms', 'of which computed, at most, ms'], [
        ['during the run', delays.p99.toFixed(1), delays.max.toFixed(1), delays.computed.toFixed(1)],
        ['idle, after it', delays.idleP99.toFixed(1), delays.idleMax.toFixed(1), ''],
      ]),
    ].join('\n');
  });
}

async function main(): Promise<void> {
  const before = machine();
  console.log(`${await activationReport(process.argv[2])}\n\nBefore: ${before}\nAfter:  ${machine()}`);
}

if (process.argv[1] === import.meta.filename) void main();
