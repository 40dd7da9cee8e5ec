/**
 * What each step is worth, as the papers show it (CAM, Puzzle-CAM, SCG, PAMR, random walks, RecurSeed, EdgePredictMix, decoder, CRF, MARS), on a data set with true masks:
 *
 *     tsx bench/ablation.ts FOLDER [--rows 'CAM,+ SCG'] [--saliency on|off] [--every N] [--device NAME] [--work DIR]
 *
 * A row is a preset: the numbers of `standard` (what follows from `models/presets/standard.json` alone moves with it), with steps taken away. Each is a run of the engine
 * as a person's would be, training where the preset trains, and its masks are scored as `npm run eval` scores them. `--every N`: only each Nth photo, to learn from as
 * well. `--work DIR` keeps features and first labels for the next rows; each row prints as it comes.
 */
import { copyFileSync, existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import * as v from 'valibot';
import { STANDARD, type Preset } from '../models/presets';
import type { DecoderPreset, TrainingPreset } from '../models/trainingPreset';
import { ProgressLine } from '../src/cli/progress';
import { settingsOf } from '../src/cli/settings';
import { EngineClient } from '../src/engine/client';
import { describeError, SeedMaskError } from '../src/shared/errors';
import type { Scores } from '../src/shared/protocol';
import type { RunSettings } from '../src/shared/settings';
import { ENGINE, inFolder } from './measure';

interface Row {
  name: string;
  preset: Preset;
  crf: RunSettings['crf'];
  mars: RunSettings['mars'];
}

const training = trainingOf(STANDARD);
const decoder = decoderOf(training);

function trainingOf({ name, training: found }: Preset): TrainingPreset {
  if (!found) throw new Error(`preset '${name}' trains nothing`);
  return found;
}

function decoderOf({ decoder: found }: TrainingPreset): DecoderPreset {
  if (!found) throw new Error('the training has no decoder');
  return found;
}

/** The frozen chain: nothing of it, and then step by step. */
const frozen: Preset = { ...STANDARD, training: null };
const cam: Preset = { ...frozen, scg: { ...frozen.scg, share: 0 }, pamr: { ...frozen.pamr, iterations: 0 }, mask: { ...frozen.mask, threshold: frozen.cam.threshold } };
const nothing: TrainingPreset = { ...training, samples: 0, puzzle: null, affinity: null, decoder: null };
const puzzle: NonNullable<TrainingPreset['puzzle']> = {
  what: 'heads', epochs: 3, batch: 16, rate: 0.0003, weightDecay: 0.0001, alpha: 2, ramp: 0.5, heads: { layers: ['deep', 'middle'], units: 256, tiles: 2 },
};

/** Of docs/algorithms.md, "A walk along affinities". */
const affinity: NonNullable<TrainingPreset['affinity']> = {
  kind: 'irnet', epochs: 4, batch: 8, rate: 0.1, weightDecay: 0.0005, momentum: 0.9,
  layers: [{ role: 'middle', channels: 64 }], colour: 16, features: 64, grid: 2, crop: 14, radius: 5, labels: { foreground: 0.4, background: 0.12 },
};

function walks(kind: 'edges' | 'affinityNet' | 'irnet'): Preset {
  const propagation: Preset['propagation'] = { ...frozen.propagation, kind, background: 'walks', beta: kind === 'edges' ? 1 : 12, steps: 32, radius: 5, cells: 48, colour: 5, features: 0.05 };
  return { ...frozen, propagation, training: kind === 'edges' ? null : { ...nothing, affinity: { ...affinity, kind } } };
}

function decoding(more: Partial<DecoderPreset>): Preset {
  return { ...STANDARD, training: { ...nothing, decoder: { ...decoder, ...more } } };
}

/** RecurSeed as the preset has it, and EdgePredictMix with it, from two thirds of a round on. */
const recursion: NonNullable<DecoderPreset['recursion']> = { ...recursionOf(decoder), mix: 'none', mixes: 0 };
const mixing = { ...recursion, mixFrom: 3, mix: 'edgePredict', mixes: 64 } as const;

function recursionOf({ recursion: found }: DecoderPreset): NonNullable<DecoderPreset['recursion']> {
  if (!found) throw new Error('the decoder has no recursion');
  return found;
}

const plain = { crf: 'off', mars: 'off' } as const;

const ROWS: readonly Row[] = [
  { name: 'CAM', preset: cam, ...plain },
  { name: 'Puzzle-CAM (heads)', preset: { ...cam, training: { ...nothing, puzzle } }, ...plain },
  { name: 'CAM + SCG', preset: { ...cam, scg: frozen.scg, mask: frozen.mask }, ...plain },
  { name: '+ PAMR', preset: frozen, ...plain },
  { name: '+ PAMR + walk by hand', preset: walks('edges'), ...plain },
  { name: '+ PAMR + walk of AffinityNet', preset: walks('affinityNet'), ...plain },
  { name: '+ PAMR + walk of IRNet', preset: walks('irnet'), ...plain },
  { name: '+ PAMR + CRF', preset: frozen, ...plain, crf: 'on' },
  { name: '+ decoder', preset: decoding({ recursion: null }), ...plain },
  { name: '+ decoder, taught by RS', preset: decoding({ recursion: { ...recursion, labels: 'cam' } }), ...plain },
  { name: '+ decoder + RS', preset: decoding({ recursion }), ...plain },
  { name: '+ decoder + RS + EPM', preset: decoding({ recursion: mixing }), ...plain },
  { name: '+ decoder + CRF', preset: { ...STANDARD, training: { ...training, decoder: { ...decoder, recursion: null } } }, ...plain, crf: 'on' },
  { name: 'standard: + decoder + RS + CRF', preset: STANDARD, ...plain, crf: 'on' },
  { name: 'standard + MARS', preset: STANDARD, crf: 'on', mars: 'auto' },
];

interface Options {
  truth: string;
  work: string;
  rows: readonly Row[];
  settings: RunSettings;
  saliency: readonly boolean[];
}

/** The photos of a data set (each `every`th) with their tags, in a folder of their own where nothing else can teach. */
function photosOf(folder: string, work: string, every: number): string {
  const root = join(work, 'photos');
  mkdirSync(root, { recursive: true });
  const tags = v.parse(v.record(v.string(), v.array(v.string())), JSON.parse(readFileSync(join(folder, 'tags.json'), 'utf8')));
  const names = readdirSync(join(folder, 'images')).sort().filter((_, i) => i % every === 0);
  for (const name of names) copyFileSync(join(folder, 'images', name), join(root, name));
  writeFileSync(join(root, 'tags.json'), JSON.stringify(Object.fromEntries(names.map(name => [name, tags[name] ?? []]))));
  copyFileSync(join(folder, 'classes.json'), join(root, 'classes.json'));
  return root;
}

async function measure(root: string, { truth, work, rows, settings, saliency }: Options): Promise<void> {
  const client = new EngineClient({ entry: ENGINE });
  const progress = new ProgressLine({ err: text => process.stderr.write(text), tty: process.stderr.isTTY });
  const presetFile = join(work, 'preset.json');
  console.log(`| | ${saliency.map(seen => (seen ? 'tags + saliency: mIoU | FP | FN | seconds' : 'tags: mIoU | FP | FN | seconds')).join(' | ')} |`);
  console.log(`|---|${'---:|'.repeat(4 * saliency.length)}`);
  try {
    for (const { name, preset, crf, mars } of rows) {
      const cells: string[] = [];
      for (const seen of saliency) {
        writeFileSync(presetFile, JSON.stringify({ ...preset, name }));
        const own: RunSettings = { ...settings, presetFile, saliency: seen, crf, mars };
        const run = await client.request('generate', { root, settings: own }, { onEvent: progress.show });
        if (run.state !== 'done') throw new SeedMaskError('io', `'${name}' ended early: ${run.error ?? run.state}`, root);
        const { scores } = await client.request('evaluate', { root, settings: own, truth }, { onEvent: progress.show });
        cells.push(...figures(scores), run.seconds.toFixed(0));
      }
      progress.end();
      console.log(`| ${name} | ${cells.join(' | ')} |`);
    }
  } finally {
    progress.end();
    await client.dispose();
  }
}

function figures(scores: readonly Scores[]): string[] {
  const mask = scores.find(({ stage }) => stage === 'mask');
  if (!mask) throw new SeedMaskError('io', 'no mask could be scored');
  return [mask.miou.toFixed(1), mask.fp.toFixed(3), mask.fn.toFixed(3)];
}

async function main(): Promise<void> {
  const { values, positionals: [given] } = parseArgs({
    allowPositionals: true,
    options: { rows: { type: 'string' }, saliency: { type: 'string' }, every: { type: 'string', default: '1' }, device: { type: 'string' }, work: { type: 'string' } },
  });
  if (given === undefined || !existsSync(join(given, 'images'))) throw new SeedMaskError('no-photos', 'which data set? A folder with images/, masks/, tags.json and classes.json is needed', given);
  const folder = resolve(given);
  const names = values.rows?.split(',').map(name => name.trim());
  const unknown = names?.find(name => !ROWS.some(row => row.name === name));
  if (unknown !== undefined) throw new SeedMaskError('bad-settings', `no row '${unknown}'; there are: ${ROWS.map(({ name }) => name).join(', ')}`);
  const rows = ROWS.filter(({ name }) => !names || names.includes(name));
  const saliency = values.saliency === undefined ? [false, true] : [values.saliency === 'on'];
  const settings = settingsOf({ device: values.device });
  const body = (work: string): Promise<void> => measure(photosOf(folder, work, Number(values.every)), { truth: join(folder, 'masks'), work, rows, settings, saliency });
  await (values.work === undefined ? inFolder(body) : body(resolve(values.work)));
}

main().catch((error: unknown) => {
  console.error(error instanceof SeedMaskError ? describeError(error) : error);
  process.exitCode = 1;
});
