/** Training of folders as a job: what it leaves, what masks make of it, and that a training which was stopped ends in the very numbers of one that was not. */
import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { mkdtemp, readdir, readFile, rm, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test, type TestContext } from 'node:test';
import sharp from 'sharp';
import { sha256 } from '../../../src/dataset/hash';
import { encodeMask } from '../../../src/dataset/maskFile';
import { Manifest } from '../../../src/dataset/manifest';
import { listRuns, runPath } from '../../../src/dataset/runs';
import { readTrained, trainedPath, type TrainedRecord } from '../../../src/dataset/trained';
import { EngineClient } from '../../../src/engine/client';
import type { EngineEvent } from '../../../src/shared/protocol';
import { DEFAULT_SETTINGS } from '../../../src/shared/settings';
import { runOnce } from '../../cpuHost';
import { colourFolder, copyOf, counts, filesIn, idsIn, labels, leftovers, masksIn, picture, run, saveColours } from './folders';
import { curves, EPOCHS, presetFile, runTraining, tinyPreset } from './trainFolders';

const ENGINE = { entry: join(import.meta.dirname, '../../../src/engine/main.ts'), execArgv: ['--import', 'tsx'] };

let folder: string;
let colours: string;
/** The tiny preset's file. */
let preset: string;

before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'seedmask-test-'));
  colours = await saveColours(folder);
  preset = join(folder, 'tiny.json');
  await writeFile(preset, JSON.stringify(tinyPreset()));
});
after(() => rm(folder, { recursive: true, force: true }));

const trained = async (root: string): Promise<TrainedRecord> => {
  const record = await readTrained(root);
  assert.ok(record, 'something was trained');
  return record;
};
const tiny = () => ({ settings: { presetFile: preset } });
const isMetrics = (event: EngineEvent): event is Extract<EngineEvent, { type: 'metrics' }> => event.type === 'metrics';

/** The colour folder, and the numbers that an undisturbed training on it learns. */
let undisturbed: string | undefined;
async function fresh(t: TestContext): Promise<{ root: string; whole: string }> {
  const root = await colourFolder(t);
  if (undisturbed === undefined) {
    const copy = await copyOf(t, root);
    assert.equal((await runTraining(copy, colours, tiny())).summary.state, 'done');
    undisturbed = (await trained(copy)).parameters.sha256;
  }
  return { root, whole: undisturbed };
}

test('a training leaves its numbers, its curves, samples that can be looked at, and nothing beside the photos', async t => {
  const root = await colourFolder(t);
  const before = new Set((await filesIn(root)).filter(name => !name.startsWith('.seedmask')));
  const { summary, events } = await runTraining(root, colours, tiny());
  assert.deepEqual([summary.state, summary.job, summary.photos, summary.written, summary.failed, summary.debias], ['done', 'train', 6, 0, [], undefined]);
  assert.match(summary.notes.join('\n'), /decoder: \d+ steps of training, loss [\d.]+/);
  assert.deepEqual(new Set((await filesIn(root)).filter(name => !name.startsWith('.seedmask'))), before);
  assert.deepEqual(await leftovers(root), []);
  assert.ok(!existsSync(join(root, '.seedmask/evidence')) && !existsSync(join(root, '.seedmask/layers')));
  assert.deepEqual(JSON.parse(await readFile(runPath(root, summary.id, 'preset.json'), 'utf8')), tinyPreset());
  assert.ok(!existsSync(runPath(root, summary.id, 'checkpoints')));

  const lines = await curves(root, summary);
  const points = lines.filter(line => line.type === 'metrics');
  assert.ok(EPOCHS <= points.length && points.at(-1)?.epoch === EPOCHS && points.at(-1)?.step === points.at(-1)?.steps);
  assert.ok((points.at(-1)?.losses['total'] ?? 9) < points[0].losses['total'], 'the loss falls');
  assert.deepEqual(events.filter(isMetrics).map(({ metrics }) => ({ type: 'metrics' as const, ...metrics })), points);
  const samples = lines.filter(line => line.type === 'sample');
  assert.deepEqual(samples.map(({ epoch }) => epoch), Array.from({ length: EPOCHS + 1 }, (_, epoch) => [epoch, epoch]).flat());
  for (const { mask, picture: photo } of samples) {
    const [mine, shown] = await Promise.all([mask, photo].map(name => sharp(runPath(root, summary.id, name)).metadata()));
    assert.deepEqual([mine.width, mine.height, mine.isPalette, shown.format], [shown.width, shown.height, true, 'jpeg']);
    assert.ok(Math.max(shown.width, shown.height) <= 240);
  }
  const progress = events.filter(event => event.type === 'progress').filter(({ stage }) => stage === 'train');
  assert.deepEqual([progress.at(-1)?.done, progress.at(-1)?.total], [points[0].steps, points[0].steps]);

  const record = await trained(root);
  assert.deepEqual([record.run, record.classes, record.photos, record.stages], [summary.id, [{ id: 1, name: 'blue' }, { id: 2, name: 'red' }], 6, [{ name: 'decoder', steps: points[0].steps }]]);
  assert.deepEqual((await listRuns(root)).map(one => one.summary.id), [summary.id]);
});

test('what was learnt leaves as one file that finds a colour by itself; a decoder that sees more than features stays, and says so', async t => {
  const root = await colourFolder(t);
  const told = (await runTraining(root, colours, tiny())).summary.notes.join('; ');
  assert.match(told, /cannot be taken home as one file: .*colour, place or salience/);
  assert.equal((await trained(root)).model, undefined);

  const blind = tinyPreset();
  const decoder = blind.training?.decoder;
  assert.ok(blind.training && decoder);
  const preset = { ...blind, training: { ...blind.training, decoder: { ...decoder, inputs: { ...decoder.inputs, colour: 0, place: 0 } } } };
  const { summary } = await runTraining(root, colours, { settings: { presetFile: await presetFile(t, preset) } });
  assert.match(summary.notes.join('; '), /trained\/model\.onnx/);
  const { model } = await trained(root);
  assert.ok(model);
  const bytes = await readFile(trainedPath(root, model.file));
  assert.equal(sha256(bytes), model.sha256);
  const red = { dims: [1, 64, 96, 3], data: new Uint8Array(await picture(96, 64, 'red').raw().toBuffer()) };
  const out = await runOnce(bytes, { photo: red });
  const found = Array.from(out.labels.data, Number);
  assert.equal(found[32 * 96 + 48], 2, 'the middle of the red box');
  assert.equal(found[2 * 96 + 2], 0, 'the corner');
});

test('masks are made with what was trained, and only once', async t => {
  const { root } = await fresh(t);
  const quick = await copyOf(t, root);
  await runTraining(root, colours, tiny());
  const { summary } = await run(root, colours, tiny());
  assert.deepEqual(counts(summary), ['done', 6, 0, 0, 0]);
  assert.equal((await listRuns(root)).length, 2, 'nothing is trained again');
  assert.deepEqual(await idsIn(root, 'both.mask.png'), [0, 1, 2]);
  const { data, width, height } = await labels(root, 'red1.mask.png');
  assert.equal(data[Math.floor(height / 2) * width + Math.floor(width / 2)], 2, 'the box is red');
  assert.equal(data[0], 0);
  assert.deepEqual(counts((await run(root, colours, tiny())).summary), ['done', 0, 0, 6, 0]);
  await run(quick, colours);
  const [key, other] = [(await Manifest.read(root)).get('red1.png')?.key, (await Manifest.read(quick)).get('red1.png')?.key];
  assert.notEqual(key, other, 'a mask says which training it is of');
});

test('a run with such a preset trains first where nothing fits, and says so; what fits is used by the next', async t => {
  const { root, whole } = await fresh(t);
  const { summary } = await run(root, colours, tiny());
  assert.deepEqual(counts(summary), ['done', 6, 0, 0, 0]);
  assert.match(summary.notes.join('\n'), /nothing that was trained here fits this run: the run trains first/);
  assert.deepEqual((await listRuns(root)).map(one => [one.summary.job, one.summary.state]), [['train', 'done'], [undefined, 'done']], 'the run began first');
  assert.equal((await trained(root)).parameters.sha256, whole, 'the same training as by itself');
  const first = (await trained(root)).run;

  // Another photo of a known class: the training fits.
  const tags = JSON.parse(readFileSync(join(root, 'tags.json'), 'utf8')) as Record<string, string[]>;
  await writeFile(join(root, 'red3.png'), await picture(100, 80, 'red').png().toBuffer());
  await writeFile(join(root, 'tags.json'), JSON.stringify({ ...tags, 'red3.png': ['red'], 'red1.png': ['red', 'blue'] }));
  assert.deepEqual(counts((await run(root, colours, tiny())).summary), ['done', 2, 0, 5, 0], 'the new photo, and the one with another tag');
  assert.equal((await trained(root)).run, first);

  // Another class: it does not.
  await writeFile(join(root, 'green1.png'), await picture(100, 80, 'green').png().toBuffer());
  await writeFile(join(root, 'tags.json'), JSON.stringify({ ...tags, 'red3.png': ['red'], 'green1.png': ['green'] }));
  const again = await run(root, colours, tiny());
  assert.deepEqual(counts(again.summary), ['done', 8, 0, 0, 0], 'masks of another training are others');
  assert.notEqual((await trained(root)).run, first);
  assert.equal((await readdir(trainedPath(root))).length, 2, 'the old numbers are gone');

  await truncate(trainedPath(root, (await trained(root)).parameters.file), 100);
  assert.match((await run(root, colours, tiny())).summary.notes.join('\n'), /trains first/, 'damaged numbers fit nothing');
});

test('of the first labels only those of photos that changed are made anew', async t => {
  const { root } = await fresh(t);
  const first = (await runTraining(root, colours, tiny())).summary.id;
  const tags = JSON.parse(readFileSync(join(root, 'tags.json'), 'utf8')) as Record<string, string[]>;
  await writeFile(join(root, 'red3.png'), await picture(100, 80, 'red').png().toBuffer());
  await writeFile(join(root, 'tags.json'), JSON.stringify({ ...tags, 'red3.png': ['red'], 'red1.png': ['red', 'blue'] }));
  await rm(join(root, '.seedmask/training/seeds/scores/blue1.png.scores'));
  await runTraining(root, colours, tiny());
  const made = await Manifest.read(join(root, '.seedmask/training/seeds'));
  assert.deepEqual([...made].filter(([, entry]) => entry.run !== first).map(([photo]) => photo).sort(), ['blue1.png', 'red1.png', 'red3.png']);
});

test('cancelled at any time and gone on with: one run, curves without gaps or doubles, the very same numbers', async t => {
  const { root, whole } = await fresh(t);
  const begins = (stage: string) => (event: EngineEvent): boolean => event.type === 'progress' && event.stage === stage;
  const inTraining = (done: number) => (event: EngineEvent): boolean => event.type === 'progress' && event.stage === 'train' && event.done >= done;
  for (const when of [begins('features'), begins('seeds'), inTraining(0), (event: EngineEvent) => isMetrics(event) && event.metrics.epoch === 1, inTraining(10), (event: EngineEvent) => event.type === 'sample' && event.sample.epoch === 2]) {
    const copy = await copyOf(t, root);
    const cancel = new AbortController();
    const stopped = await runTraining(copy, colours, { ...tiny(), signal: cancel.signal, onEvent: event => when(event) && cancel.abort() });
    assert.equal(stopped.summary.state, 'cancelled');
    assert.equal(await readTrained(copy), undefined);
    // The preset's file may be gone or other by then.
    const resumed = await runTraining(copy, colours, { resume: true, settings: { preset: 'quick' } });
    assert.deepEqual([resumed.summary.state, resumed.summary.id, resumed.summary.started], ['done', stopped.summary.id, stopped.summary.started]);
    assert.doesNotMatch(resumed.summary.notes.join('\n'), /begins again|a new one/);
    assert.equal((await trained(copy)).parameters.sha256, whole);
    const points = (await curves(copy, resumed.summary)).filter(line => line.type === 'metrics').map(({ step }) => step);
    assert.deepEqual(points, [...new Set(points)].sort((a, b) => a - b));
    assert.equal((await listRuns(copy)).length, 1);
  }
});

test('a run of masks goes on with a training that was stopped', async t => {
  const { root, whole } = await fresh(t);
  const cancel = new AbortController();
  const stopped = await run(root, colours, { ...tiny(), signal: cancel.signal, onEvent: event => isMetrics(event) && cancel.abort() });
  assert.equal(stopped.summary.state, 'cancelled');
  const { summary } = await run(root, colours, { resume: true });
  assert.deepEqual(counts(summary), ['done', 6, 0, 0, 0]);
  assert.match(summary.notes.join('\n'), /an earlier training goes on first/);
  assert.equal((await trained(root)).parameters.sha256, whole);
  assert.equal((await listRuns(root)).filter(one => one.summary.job === 'train').length, 1);
});

test('kill -9 of the engine: the training goes on in a new process, in the same run, to the same numbers', async t => {
  const { root, whole } = await fresh(t);
  const client = new EngineClient(ENGINE);
  t.after(() => client.dispose());
  let killed = 0;
  const onEvent = (event: EngineEvent): void => {
    if (killed > 0 || !isMetrics(event) || event.metrics.epoch < 2 || !client.pid) return;
    killed = client.pid;
    process.kill(client.pid, 'SIGKILL');
  };
  const settings = { ...DEFAULT_SETTINGS, device: 'cpu', saliency: false, backbone: colours, preset: 'standard', presetFile: preset } as const;
  const summary = await client.request('train', { root, settings }, { onEvent });
  assert.equal(summary.state, 'done');
  assert.ok(killed > 0 && client.pid !== killed);
  assert.match(summary.notes.join('\n'), /the engine fell while it trained/);
  assert.deepEqual((await listRuns(root)).map(one => [one.summary.id, one.summary.state]), [[summary.id, 'done']]);
  assert.equal((await trained(root)).parameters.sha256, whole);
});

test('a rate that is far too high: the training ends and says at which step; its last good checkpoint stays', async t => {
  const { root } = await fresh(t);
  const file = await presetFile(t, { ...tinyPreset(), training: hot() });
  const { summary } = await runTraining(root, colours, { settings: { presetFile: file } });
  assert.equal(summary.state, 'failed');
  assert.match(summary.error ?? '', /stage 'decoder', step \d+ of \d+ \(epoch \d\): .*; the last good checkpoint, at step \d+, is kept to go on from/);
  assert.ok((await readdir(runPath(root, summary.id, 'checkpoints'))).length > 0);
  assert.equal(await readTrained(root), undefined);
  const masks = await run(root, colours, { settings: { presetFile: file } });
  assert.deepEqual([masks.summary.state, masks.summary.written], ['failed', 0], 'and no mask is made of it');
});

function hot(): ReturnType<typeof tinyPreset>['training'] {
  const { training } = tinyPreset();
  return training?.decoder ? { ...training, decoder: { ...training.decoder, rate: 1e25 } } : training;
}

test('asked to go on where nothing was stopped, a training says that it is a new one; its steps are those of all rounds', async t => {
  const root = await colourFolder(t);
  const { training } = tinyPreset();
  assert.ok(training?.decoder);
  const rounds = { ...tinyPreset(), training: { ...training, decoder: { ...training.decoder, rounds: 2 } } };
  const { summary } = await runTraining(root, colours, { resume: true, settings: { presetFile: await presetFile(t, rounds) } });
  assert.equal(summary.state, 'done');
  assert.match(summary.notes[0], /no training of this folder was stopped: this is a new one/);
  const last = (await curves(root, summary)).filter(line => line.type === 'metrics').at(-1);
  assert.equal(last?.epochs, 2 * EPOCHS);
  assert.match(summary.notes.join('; '), new RegExp(`decoder: ${last.steps} steps of training`));
});

test('what a person painted teaches: other numbers come out', async t => {
  const { root, whole } = await fresh(t);
  const { width, height } = await sharp(join(root, 'red1.png')).metadata();
  await writeFile(join(root, 'red1.mask.png'), encodeMask({ data: new Uint8Array(width * height).fill(2), width, height }));
  const { summary } = await runTraining(root, colours, tiny());
  assert.match(summary.notes[0], /^1 mask that you made, changed or accepted teaches too$/);
  assert.notEqual((await trained(root)).parameters.sha256, whole);
  assert.deepEqual(await masksIn(root).then(masks => [...masks.keys()]), ['red1.mask.png']);
});

test('a folder that is not there is told and never made; nor is a photo taken for one', async t => {
  const { root } = await fresh(t);
  const [nowhere, photo] = [join(root, 'nowhere/photos'), join(root, 'red1.png')];
  for (const work of [() => runTraining(nowhere, colours, tiny()), () => run(nowhere, colours)]) await assert.rejects(work, { reason: 'removed', message: 'there is no such folder', file: nowhere });
  assert.ok(!existsSync(join(root, 'nowhere')));
  await assert.rejects(runTraining(photo, colours, tiny()), { reason: 'io', message: 'is not a folder', file: photo });
});

test('what cannot be trained is told before anything is written', async t => {
  const { root } = await fresh(t);
  await assert.rejects(runTraining(root, colours, { settings: { presetFile: await presetFile(t, { ...tinyPreset(), training: null }) } }), { reason: 'unavailable', message: /'tiny' trains nothing/ });
  await assert.rejects(runTraining(root, colours, { settings: { presetFile: join(root, 'none.json') } }), { reason: 'bad-settings', file: join(root, 'none.json') });
  const broken = join(folder, 'broken.json');
  const { training, ...rest } = tinyPreset();
  await writeFile(broken, JSON.stringify({ ...rest, training: { ...training, seed: 'one', colour: 3 } }));
  await assert.rejects(run(root, colours, { settings: { presetFile: broken } }), { reason: 'bad-settings', message: /training\.seed: .*training\.colour/ });
  await writeFile(broken, '{');
  await assert.rejects(run(root, colours, { settings: { presetFile: broken } }), { reason: 'bad-settings', message: /is no JSON/ });
  assert.ok(!existsSync(join(root, '.seedmask/runs')));
  await writeFile(join(root, 'tags.json'), JSON.stringify({ 'none.png': [] }));
  const { summary } = await runTraining(root, colours, tiny());
  assert.deepEqual([summary.state, summary.error], ['failed', 'no photo of this folder has tags']);
});
