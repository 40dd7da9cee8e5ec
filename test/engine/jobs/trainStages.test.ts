/** Trainings of several stages: what an early one learns changes what later ones and masks begin with; wherever one stops it goes on. And first labels that are debiased. */
import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import type { Preset } from '../../../models/presets';
import { sha256 } from '../../../src/dataset/hash';
import { Manifest } from '../../../src/dataset/manifest';
import { decodeMask } from '../../../src/dataset/maskFile';
import { readTrained } from '../../../src/dataset/trained';
import type { EngineEvent } from '../../../src/shared/protocol';
import { biasedFolder, maskOf } from './marsFolders';
import { colourFolder, copyOf, counts, run, saveColours } from './folders';
import { curves, presetFile, runTraining, tinyPreset } from './trainFolders';

let folder: string;
let colours: string;

before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'seedmask-test-'));
  colours = await saveColours(folder);
});
after(() => rm(folder, { recursive: true, force: true }));

const PUZZLE: NonNullable<NonNullable<Preset['training']>['puzzle']> = { what: 'heads', epochs: 2, batch: 2, rate: 0.01, weightDecay: 1e-4, alpha: 0.5, ramp: 0.5, heads: { layers: ['deep'], units: 4, tiles: 2 } };

test('heads before a decoder: their maps make its first labels, and the training goes on from within either stage', async t => {
  const root = await colourFolder(t);
  const settings = { presetFile: await presetFile(t, tinyPreset({ puzzle: PUZZLE })) };
  const whole = await copyOf(t, root);
  const { summary } = await runTraining(whole, colours, { settings });
  assert.equal(summary.state, 'done', summary.error);
  const record = await readTrained(whole);
  assert.deepEqual(record?.stages.map(({ name }) => name), ['puzzle', 'decoder']);
  const stages = (await curves(whole, summary)).filter(line => line.type === 'metrics').map(({ stage }) => stage);
  assert.deepEqual([...new Set(stages)], ['puzzle', 'decoder']);
  assert.equal((await Manifest.read(join(whole, '.seedmask/training/seeds-puzzle'))).size, 6, 'first labels with the heads that were trained');
  const [plain, better] = await Promise.all(['seeds', 'seeds-puzzle'].map(name => Manifest.read(join(whole, '.seedmask/training', name))));
  assert.notEqual(plain.get('red1.png')?.key, better.get('red1.png')?.key);
  assert.deepEqual(counts((await run(whole, colours, { settings })).summary), ['done', 6, 0, 0, 0]);

  for (const stage of ['puzzle', 'decoder'] as const) {
    const copy = await copyOf(t, root);
    const cancel = new AbortController();
    const when = (event: EngineEvent): boolean => event.type === 'metrics' && event.metrics.stage === stage && event.metrics.epoch === 1;
    assert.equal((await runTraining(copy, colours, { settings, signal: cancel.signal, onEvent: event => when(event) && cancel.abort() })).summary.state, 'cancelled');
    const events: EngineEvent[] = [];
    const resumed = await runTraining(copy, colours, { resume: true, onEvent: event => events.push(event) });
    assert.equal(resumed.summary.state, 'done', resumed.summary.error);
    assert.equal((await readTrained(copy))?.parameters.sha256, record?.parameters.sha256, `stopped within '${stage}'`);
    assert.equal(events.some(event => event.type === 'metrics' && event.metrics.stage === 'puzzle'), stage === 'puzzle', 'a stage that has ended is not trained again');
  }
});

test('heads alone: the frozen chain makes the masks, with their maps', async t => {
  const root = await colourFolder(t);
  const preset = { ...tinyPreset({ puzzle: PUZZLE, decoder: null }), name: 'heads' };
  const settings = { presetFile: await presetFile(t, preset) };
  const trained = await run(root, colours, { settings });
  assert.deepEqual(counts(trained.summary), ['done', 6, 0, 0, 0]);
  assert.ok(trained.events.some(event => event.type === 'sample' && event.sample.stage === 'puzzle' && event.sample.epoch === 2));
  assert.deepEqual(counts((await run(root, colours, { settings })).summary), ['done', 0, 0, 6, 0]);
});

test('first labels are debiased where masks are, in a home of their own, and not a second time', async t => {
  const root = await biasedFolder(t);
  const settings = { presetFile: await presetFile(t, tinyPreset({ samples: 0 })), mars: 'on' as const };
  const first = await runTraining(root, colours, { settings });
  assert.equal(first.summary.state, 'done', first.summary.error);
  assert.equal(first.summary.debias, undefined, 'no word on the folder\'s masks');
  const stages = ({ events }: typeof first): Set<string> => new Set(events.flatMap(event => (event.type === 'progress' ? event.stage : [])));
  assert.ok(stages(first).has('debias'));
  assert.ok(existsSync(join(root, '.seedmask/training/seeds/.seedmask/evidence')) && !existsSync(join(root, '.seedmask/evidence')));
  const again = await runTraining(root, colours, { settings });
  assert.ok(!again.events.some(event => event.type === 'progress' && event.stage === 'debias' && event.done > 0), 'nothing changed');
  assert.equal((await readTrained(root))?.run, again.summary.id);
});

test('what debiasing removes of first labels is not taught, until it is switched off again', async t => {
  const root = await biasedFolder(t, { boat: 12, cow: 4, water: 2 });
  const decoder = tinyPreset().training?.decoder;
  assert.ok(decoder);
  const file = await presetFile(t, tinyPreset({ samples: 0, decoder: { ...decoder, seeds: { ...decoder.seeds, labels: 'mask' } } }));
  const learnt = async (mars: 'on' | 'off'): Promise<string | undefined> => {
    assert.equal((await runTraining(root, colours, { settings: { presetFile: file, mars } })).summary.state, 'done');
    return (await readTrained(root))?.parameters.sha256;
  };
  await learnt('off');
  // Labels that paint the water with the boat take the place of those of the boats.
  const home = join(root, '.seedmask/training/seeds');
  const painted = Buffer.from(maskOf('boat', true));
  const manifest = await Manifest.open(home);
  for (const [photo, entry] of [...manifest.all()]) {
    if (!photo.startsWith('boat')) continue;
    await manifest.append({ ...entry, output: sha256(painted) });
    await writeFile(join(home, 'masks', `${photo}.png`), painted);
  }
  await manifest.close();
  const biased = await learnt('off');
  const debiased = await learnt('on');
  const entry = (await Manifest.read(home)).get('boat03.png');
  assert.equal(entry?.before, sha256(painted));
  const { data } = decodeMask(await readFile(join(home, 'masks/boat03.png.png'))).labels;
  assert.ok(data.filter(id => id === 1).length < 64 * 32 && data.filter(id => id === 1).length >= 32 * 32, 'the water is gone, the boat is there');
  assert.notEqual(debiased, biased);
  assert.equal(await learnt('off'), biased);
});
