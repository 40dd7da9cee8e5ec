/** Trained parts of the frozen chain, heads of Puzzle-CAM and affinities: trained as stages, before what learns from the chain; part of masks; gone on with as if nothing had stopped. */
import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { QUICK, type Preset } from '../../../models/presets';
import { readTrained } from '../../../src/dataset/trained';
import type { EngineEvent } from '../../../src/shared/protocol';
import { colourFolder, copyOf, idsIn, labels, run, saveColours } from './folders';
import { curves, presetFile, runTraining, tinyPreset } from './trainFolders';

let folder: string;
let colours: string;
before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'seedmask-test-'));
  colours = await saveColours(folder);
});
after(() => rm(folder, { recursive: true, force: true }));

type Training = NonNullable<Preset['training']>;
const PUZZLE: Training['puzzle'] = { what: 'heads', epochs: 2, batch: 3, rate: 0.001, weightDecay: 1e-4, alpha: 1, ramp: 0.5, heads: { layers: ['deep'], units: 4, tiles: 2 } };
const AFFINITY: NonNullable<Training['affinity']> = {
  kind: 'affinityNet', epochs: 2, batch: 2, rate: 0.05, weightDecay: 5e-4, momentum: 0.9, layers: [{ role: 'deep', channels: 8 }], colour: 4, features: 8, grid: 1, crop: 8, radius: 3, labels: { foreground: 0.4, background: 0.12 },
};
const WALK: Preset['propagation'] = { kind: 'affinityNet', background: 'walks', beta: 4, steps: 8, radius: 3, cells: 24, colour: 10, features: 0.1 };

const chained = (): Preset => ({ ...tinyPreset({ puzzle: PUZZLE, affinity: AFFINITY }), propagation: WALK });

test('Puzzle-CAM, affinities and decoder one after the other; a stop in any of them changes nothing', async t => {
  const root = await colourFolder(t);
  const settings = { presetFile: await presetFile(t, chained()) };
  const { summary } = await runTraining(await copyOf(t, root), colours, { settings });
  assert.equal(summary.state, 'done', summary.error);
  const whole = await readTrained(summary.root);
  assert.ok(whole);
  assert.deepEqual([...new Set((await curves(summary.root, summary)).filter(line => line.type === 'metrics').map(({ stage }) => stage))], ['puzzle', 'affinity', 'decoder']);
  assert.match(summary.notes.join('\n'), /puzzle: 4 steps.*\n?.*affinity: 6 steps/s);

  const copy = await copyOf(t, root);
  for (const [resume, stage, least] of [[false, 'puzzle', 2], [true, 'affinity', 3]] as const) {
    const cancel = new AbortController();
    const stop = (event: EngineEvent): void => {
      if (event.type === 'metrics' && event.metrics.stage === stage && event.metrics.step >= least) cancel.abort();
    };
    const stopped = await runTraining(copy, colours, { settings, resume, signal: cancel.signal, onEvent: stop });
    assert.equal(stopped.summary.state, 'cancelled');
  }
  assert.equal((await runTraining(copy, colours, { settings, resume: true })).summary.state, 'done');
  assert.equal((await readTrained(copy))?.parameters.sha256, whole.parameters.sha256);
});

test('masks by a trained walk alone: no scorer is needed, other affinities are other masks', async t => {
  const root = await colourFolder(t);
  const preset = { ...tinyPreset({ affinity: AFFINITY, decoder: null }), propagation: WALK };
  const settings = { presetFile: await presetFile(t, preset) };
  assert.equal((await runTraining(root, colours, { settings })).summary.state, 'done');
  const { summary } = await run(root, colours, { settings });
  assert.deepEqual([summary.state, summary.written], ['done', 6]);
  assert.deepEqual(await idsIn(root, 'red1.mask.png'), [0, 2]);
  const again = await run(root, colours, { settings });
  assert.deepEqual([again.summary.written, again.summary.skipped], [0, 6]);
  const other = { presetFile: await presetFile(t, { ...preset, propagation: { ...WALK, steps: 2 } }) };
  const redone = await run(root, colours, { settings: other });
  assert.equal(redone.summary.written, 6);
});

test('a walk made by hand needs no training, and makes masks of its own', async t => {
  const root = await colourFolder(t);
  const plain = await run(root, colours, {});
  assert.equal(plain.summary.written, 6);
  // A box that fills its cells has its outline already; some outlines lie between cells.
  const masks = ['red1', 'red2', 'blue1', 'blue2'].map(name => `${name}.mask.png`);
  const before = await Promise.all(masks.map(name => labels(root, name)));
  const settings = { presetFile: await presetFile(t, { ...QUICK, propagation: { ...WALK, kind: 'edges' } }) };
  const { summary } = await run(root, colours, { settings });
  assert.deepEqual([summary.state, summary.written], ['done', 6]);
  assert.ok(!existsSync(join(root, '.seedmask/trained')));
  assert.deepEqual(await idsIn(root, 'red1.mask.png'), [0, 2]);
  assert.notDeepEqual(await Promise.all(masks.map(name => labels(root, name))), before);
});
