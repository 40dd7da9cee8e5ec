/**
 * The command line: what it asks of the engine, what it prints, and its exit codes.
 */
import assert from 'node:assert/strict';
import { spawn, type ChildProcess } from 'node:child_process';
import { join, resolve } from 'node:path';
import { test } from 'node:test';
import { FAKE_ENGINE } from './fixtures/fakeClient';
import { main } from '../../src/cli/main';
import { ProgressLine } from '../../src/cli/progress';
import { EngineClient, type RequestOptions } from '../../src/engine/client';
import { SeedMaskError } from '../../src/shared/errors';
import { requestSchemas, type EngineEvent, type Method, type Params, type Result, type RunSummary } from '../../src/shared/protocol';
import { DEFAULT_SETTINGS } from '../../src/shared/settings';
import * as v from 'valibot';

/** A client that answers from a table, and remembers what it was asked. */
class ScriptedClient extends EngineClient {
  readonly asked: { method: Method; params: unknown }[] = [];

  constructor(
    private readonly answers: { [M in Method]?: Result<M> | Error },
    private readonly events: readonly EngineEvent[] = [],
  ) {
    super(FAKE_ENGINE);
  }

  override async request<M extends Method>(method: M, params: Params<M>, { onEvent }: RequestOptions = {}): Promise<Result<M>> {
    assert.ok(v.is(requestSchemas[method], params), `${method} ${JSON.stringify(params)}`);
    this.asked.push({ method, params });
    for (const event of this.events) onEvent?.(event);
    const answer: unknown = this.answers[method];
    if (answer === undefined || answer instanceof Error) throw answer ?? new Error('not in the script');
    return answer as Result<M>;
  }
}

async function seedmask(args: string[], client: ScriptedClient, tty = false): Promise<{ code: number; out: string; err: string }> {
  let [out, err] = ['', ''];
  const code = await main(args, '1.2.3', { out: text => (out += text), err: text => (err += text), tty, client, signal: new AbortController().signal });
  return { code, out, err };
}

const summary = (changes: Partial<RunSummary> = {}): RunSummary => ({
  id: 'r1', root: '/data', started: '2026-01-01T00:00:00Z', seconds: 75, state: 'done', device: 'CPU, 2 threads', photos: 12, written: 12, kept: 0, skipped: 0, untagged: 0, failed: [], notes: [], ...changes,
});
const failure = { photo: 'cat/3.jpg', reason: 'bad-image', message: 'the JPEG ends early' };

test('run: defaults, and every flag arrives as a setting', async () => {
  const client = new ScriptedClient({ generate: summary() });
  assert.equal((await seedmask(['run', 'photos'], client)).code, 0);
  const all = ['run', 'photos', '--tags', 't.csv', '--preset', 'quick', '--preset-file', 'mine.json', '--saliency', 'off', '--crf', 'on', '--mars', 'on', '--mars-features', 'my/stego.onnx', '--removed', 'ignore', '--device', 'cpu', '--out-name', '{name}.png', '--backbone', 'my/dino.onnx', '--cuda-dir', 'cuda', '--max-megapixels', '50', '--cache-mb', '0', '--background-names', 'none, ok,', '--salvage', '--resume', '--json'];
  assert.equal((await seedmask(all, client)).code, 0);
  assert.deepEqual(client.asked, [
    { method: 'generate', params: { root: resolve('photos'), settings: DEFAULT_SETTINGS } },
    {
      method: 'generate',
      params: {
        root: resolve('photos'),
        resume: true,
        settings: {
          ...DEFAULT_SETTINGS, tagsFile: resolve('t.csv'), presetFile: resolve('mine.json'), saliency: false, crf: 'on', mars: 'on', marsFeatures: resolve('my/stego.onnx'), removedAs: 'ignore', device: 'cpu', outputName: '{name}.png', backbone: resolve('my/dino.onnx'),
          cudaProviderDir: resolve('cuda'), maxMegapixels: 50, cacheLimitMb: 0, backgroundNames: ['none', 'ok'], salvageDamaged: true,
        },
      },
    },
  ]);
});

test('run: exit codes say how it ended, and counts say how much', async () => {
  const cases: [Partial<RunSummary>, number, RegExp][] = [
    [{}, 0, /done: 12 photos, 12 masks written; 75 s on CPU, 2 threads/],
    [{ written: 10, kept: 1, failed: [failure] }, 1, /10 masks written, 1 kept because edited, 1 failed[\s\S]*failed: cat\/3\.jpg: the JPEG ends early/],
    [{ state: 'failed', error: 'the disk is full' }, 1, /the disk is full/],
    [{ state: 'cancelled', written: 3 }, 130, /cancelled: 12 photos, 3 masks written/],
  ];
  for (const [changes, code, text] of cases) {
    const done = await seedmask(['run', 'photos'], new ScriptedClient({ generate: summary(changes) }));
    assert.equal(done.code, code);
    assert.match(done.out, text);
  }
});

test('run --json: the summary and nothing else on stdout; errors too', async () => {
  const good = await seedmask(['run', 'photos', '--json'], new ScriptedClient({ generate: summary({ failed: [failure] }) }, [{ type: 'log', level: 'warn', message: 'two sources disagree' }]));
  assert.deepEqual(JSON.parse(good.out), summary({ failed: [failure] }));
  assert.match(good.err, /warning: two sources disagree/);
  const bad = await seedmask(['run', 'photos', '--json'], new ScriptedClient({ generate: new SeedMaskError('no-photos', 'no photos here') }));
  assert.deepEqual([bad.code, JSON.parse(bad.out)], [1, { error: { reason: 'no-photos', message: 'no photos here' } }]);
});

test('wrong use is exit code 2, and the engine is not troubled', async () => {
  const cases: [string[], RegExp][] = [
    [[], /seedmask <command>/],
    [['format'], /no command 'format'/],
    [['constructor'], /no command/],
    [['run'], /which folder/],
    [['run', 'a', 'b'], /one folder/],
    [['run', 'a', '--device', 'gpu'], /--device is one of auto, cuda/],
    [['run', 'a', '--mars', 'maybe'], /--mars is one of auto, on, off/],
    [['debias', 'a', '--saliency', 'on'], /--saliency/],
    [['debias', 'a', '--masks', 'b', '--restore', 'boat'], /--out-name/],
    [['explain'], /which photo/],
    [['eval', 'a', '--truth', 'b', '--leak', 'c', '--pairs', 'boat'], /--pairs is like/],
    [['run', 'a', '--saliency', 'maybe'], /--saliency is one of on, off/],
    [['run', 'a', '--max-megapixels', 'many'], /--max-megapixels is a number/],
    [['run', 'a', '--cache-mb', '-1'], /cache-mb/],
    [['run', 'a', '--colour'], /--colour/],
    [['run', 'a', '--preset', 'slow'], /--preset is one of quick, standard, full/],
    [['train'], /which folder/],
    [['train', 'a', '--preset', 'best'], /--preset is one of/],
    [['eval', 'a'], /--truth/],
    [['eval', 'a', '--truth', 'b', '--device', 'cpu'], /--device/],
  ];
  for (const [args, text] of cases) {
    const client = new ScriptedClient({});
    const { code, out, err } = await seedmask(args, client);
    assert.deepEqual([code, out, client.asked], [2, '', []], args.join(' '));
    assert.match(err, text);
  }
  assert.equal((await seedmask(['run', 'a'], new ScriptedClient({ generate: new SeedMaskError('bad-settings', 'the name has a slash') }))).code, 2);
});

test('train: the preset is standard unless one is named; loss on the line, exit codes, where the result is', async () => {
  const events: EngineEvent[] = [
    { type: 'metrics', run: 'r1', metrics: { stage: 'decoder', epoch: 1, epochs: 3, step: 40, steps: 120, losses: { total: 0.412, segmentation: 0.4 }, rate: 0.01, seconds: 20 } },
    { type: 'progress', stage: 'train', done: 40, total: 120, photosPerSecond: 2.1, secondsLeft: 38, device: 'CPU, 2 threads' },
  ];
  const client = new ScriptedClient({ train: summary({ job: 'train', notes: ['decoder: 120 steps of training, loss 0.3'] }) }, events);
  const done = await seedmask(['train', 'photos'], client, true);
  assert.equal(done.code, 0);
  assert.match(done.err, /40\/120 steps · training · loss 0\.41 · 2\.1 steps\/s · 38 s left/);
  assert.match(done.out, /done: trained on 12 photos; 75 s on CPU, 2 threads[\s\S]*note: decoder: 120 steps[\s\S]*\.seedmask.trained/);
  await seedmask(['train', 'photos', '--preset', 'full', '--preset-file', 'mine.json', '--saliency', 'off', '--resume', '--json'], client);
  assert.deepEqual(client.asked.map(({ params }) => params), [
    { root: resolve('photos'), settings: { ...DEFAULT_SETTINGS, preset: 'standard' } },
    { root: resolve('photos'), settings: { ...DEFAULT_SETTINGS, preset: 'full', presetFile: resolve('mine.json'), saliency: false }, resume: true },
  ]);
  for (const [changes, code, text] of [
    [{ state: 'cancelled' }, 130, /cancelled: training on 12 photos[\s\S]*train --resume/],
    [{ state: 'failed', error: "stage 'decoder', step 3 of 9 (epoch 1): the loss is not a number" }, 1, /the loss is not a number[\s\S]*--resume/],
  ] as const) {
    const ended = await seedmask(['train', 'photos'], new ScriptedClient({ train: summary(changes) }));
    assert.equal(ended.code, code);
    assert.match(ended.out, text);
  }
});

test('train: where nothing was begun there is nothing to go on with; a cancel that ended the engine tells how to go on', async () => {
  const none = await seedmask(['train', 'photos'], new ScriptedClient({ train: summary({ state: 'failed', photos: 0, error: 'there are no photos in this folder' }) }));
  assert.equal(none.code, 1);
  assert.match(none.out, /there are no photos/);
  assert.doesNotMatch(none.out, /--resume|curves/);
  const some = await seedmask(['train', 'photos'], new ScriptedClient({ train: summary({ untagged: 10, photos: 2 }) }));
  assert.match(some.out, /trained on 2 photos;[\s\S]*without tags, and not learnt from: 10 photos/);
  const ended = await seedmask(['train', 'photos'], new ScriptedClient({ train: new SeedMaskError('cancelled', 'cancelled') }));
  assert.equal(ended.code, 130);
  assert.match(ended.err, /train --resume/);
});

test('help names the preset that a command takes by itself', async () => {
  for (const [command, preset] of [['run', 'quick'], ['train', 'standard']]) {
    const { out } = await seedmask([command, '--help'], new ScriptedClient({}));
    assert.deepEqual([...out.matchAll(/--preset <name>.*\(default (\w+)\)/g)].map(found => found[1]), [preset]);
  }
});

test('help and version', async () => {
  assert.equal((await seedmask(['--version'], new ScriptedClient({}))).out, '1.2.3\n');
  for (const args of [['--help'], ['run', '--help'], ['train', '--help'], ['debias', '--help'], ['explain', '-h'], ['eval', '-h'], ['doctor', '--help']]) {
    const { code, out } = await seedmask(args, new ScriptedClient({}));
    assert.equal(code, 0);
    assert.match(out, /seedmask/);
  }
});

test('debias: masks of ours or from elsewhere; words on regions and classes go to the engine as such', async () => {
  const done = summary({ job: 'debias', debias: { photos: 12, changed: 3, rewritten: 3, regions: 5, fragile: 1, restored: 0, removed: 0.014, classes: [{ id: 1, name: 'cat', removed: 0, regions: 0, leftAlone: 'why' }], seconds: 3 } });
  const client = new ScriptedClient({ debias: done, debiasChoices: { written: 2, regions: 3, notes: ['one is edited'] } });
  const own = await seedmask(['debias', 'photos', '--device', 'cpu'], client);
  assert.equal(own.code, 0);
  assert.match(own.out, /MARS: 5 regions of 3 masks removed \(1\.4 % of the classes' pixels\), 1 of them fragile; left alone: cat/);
  await seedmask(['debias', 'photos', '--masks', '{stem}_sam.png', '--debiased-name', '{stem}.clean.png', '--removed', 'ignore'], client);
  const id = 'a/boat.jpg#3@1,2,30,40';
  const said = await seedmask(['debias', 'photos', '--restore', id, '--restore', 'cat', '--forget', 'dog'], client);
  assert.deepEqual([said.code, said.out], [0, '6 regions meant, 4 masks written\n']);
  assert.match(said.err, /note: one is edited/);
  const root = resolve('photos');
  assert.deepEqual(client.asked, [
    { method: 'debias', params: { root, settings: { ...DEFAULT_SETTINGS, device: 'cpu' }, debiasedName: '' } },
    { method: 'debias', params: { root, settings: { ...DEFAULT_SETTINGS, removedAs: 'ignore' }, masks: '{stem}_sam.png', debiasedName: '{stem}.clean.png' } },
    { method: 'debiasChoices', params: { root, settings: DEFAULT_SETTINGS, regions: [id], classes: ['cat'], choice: 'restored' } },
    { method: 'debiasChoices', params: { root, settings: DEFAULT_SETTINGS, regions: [], classes: ['dog'], choice: null } },
  ]);
});

test('explain: the evidence in words, and as JSON', async () => {
  const explanation = {
    photo: 'sub/a.jpg', size: { width: 60, height: 40 }, names: [{ id: 0, name: 'background' }, { id: 1, name: 'boat' }],
    classes: [{ classId: 1, name: 'boat', photos: 12, leftAlone: null, gap: 4, biased: true, distances: [0.5, 0.1], clusters: [], selected: 1, cut: 0.5, removed: 20, before: 100, photosChanged: 3, photosEmptied: 0, regions: 4, fragile: 1, metricAgreement: 0.9, groups: [] }],
    evidence: [],
  };
  const client = new ScriptedClient({ explain: explanation });
  const { code, out } = await seedmask(['explain', 'photos/sub/a.jpg', '--folder', 'photos'], client);
  assert.equal(code, 0);
  assert.match(out, /sub\/a\.jpg: nothing was removed[\s\S]*boat: 20 % of its pixels removed, in 3 of 12 photos/);
  assert.deepEqual(client.asked[0].params, { root: resolve('photos'), settings: DEFAULT_SETTINGS, photo: 'sub/a.jpg' });
  assert.deepEqual(JSON.parse((await seedmask(['explain', 'photos/sub/a.jpg', '--folder', 'photos', '--json'], client)).out), explanation);
});

test('eval --leak: what lies on its usual surroundings, before and after', async () => {
  const leaks = [{ object: 'boat', context: 'water', photos: 9, before: 0.51, after: 0.2, lost: 0.012 }];
  const client = new ScriptedClient({ evaluate: { scores: [], leaks, lost: 0.013, selected: { clusters: 20, right: 18 }, unscored: 0, notes: [] } });
  const { out } = await seedmask(['eval', 'photos', '--truth', 'truth', '--leak', 'stuff', '--stuff-classes', 'names.json', '--pairs', 'boat=water, cow=grass'], client);
  assert.match(out, /boat on water: 51\.0 % of its mask before MARS, 20\.0 % after; 1\.2 % of the true object lost \(9 photos\)/);
  assert.match(out, /1\.3 % of all true objects lost/);
  assert.match(out, /selected clusters: 18 of 20 \(90\.0 %\)/);
  assert.deepEqual(client.asked[0].params, {
    root: resolve('photos'), settings: DEFAULT_SETTINGS, truth: resolve('truth'),
    leak: { truth: resolve('stuff'), classes: resolve('names.json'), pairs: [{ object: 'boat', context: 'water' }, { object: 'cow', context: 'grass' }] },
  });
});

test('eval: a table for people, JSON for programs', async () => {
  const scores = { stage: 'mask', photos: 3, miou: 71.25, fp: 0.125, fn: 0.25, classes: [{ id: 0, name: 'background', iou: 0.9, fp: null, fn: null }, { id: 1, name: 'cat', iou: 0.525, fp: 0.125, fn: 0.25 }] };
  const client = new ScriptedClient({ evaluate: { scores: [scores], unscored: 0, notes: ['one photo has no true mask'] } });
  const { code, out } = await seedmask(['eval', 'photos', '--truth', 'truth', '--predictions', 'other', '--stages'], client);
  assert.equal(code, 0);
  assert.equal(out, [
    'mask: 3 photos',
    '               IoU %      FP      FN',
    '  mean of 2     71.3   0.125   0.250',
    '  background    90.0       -       -',
    '  cat           52.5   0.125   0.250',
    '',
    'note: one photo has no true mask',
    '',
  ].join('\n'));
  assert.deepEqual(client.asked[0].params, { root: resolve('photos'), settings: DEFAULT_SETTINGS, truth: resolve('truth'), predictions: resolve('other'), stages: true });
  assert.deepEqual(JSON.parse((await seedmask(['eval', 'photos', '--truth', 'truth', '--json'], client)).out), { scores: [scores], unscored: 0, notes: ['one photo has no true mask'] });
  const unscored = new ScriptedClient({ evaluate: { scores: [scores], unscored: 1, notes: ['b.jpg: the mask is damaged'] } });
  assert.equal((await seedmask(['eval', 'photos', '--truth', 'truth'], unscored)).code, 1, 'a photo that could not be scored');
});

test('doctor: the report; a device that cannot be used is exit code 1', async () => {
  const device = { asked: 'auto' as const, used: 'cpu', label: 'CPU', tried: [] };
  const { code, out } = await seedmask(['doctor'], new ScriptedClient({ device, diagnose: { report: 'all is well\n' } }));
  assert.deepEqual([code, out], [0, 'all is well\n']);
  const none = new ScriptedClient({ device: { ...device, used: 'none' }, diagnose: { report: 'alas' } });
  const json = await seedmask(['doctor', 'photos', '--photo-names', '--json'], none);
  assert.deepEqual([json.code, JSON.parse(json.out)], [1, { device: { ...device, used: 'none' }, report: 'alas' }]);
  assert.deepEqual(none.asked[1].params, { root: resolve('photos'), photoNames: true, settings: DEFAULT_SETTINGS });
});

test('progress: one changing line on a terminal, few lines in a log', () => {
  const at = (done: number, stage: 'features' | 'masks' = 'masks'): EngineEvent => ({ type: 'progress', stage, done, total: 120, photosPerSecond: 3.42, secondsLeft: 31, device: 'CPU, 2 threads' });
  let text = '';
  const line = new ProgressLine({ err: more => (text += more), tty: true });
  line.show(at(12));
  line.show({ type: 'photo', photo: 'a.jpg', state: 'failed', message: 'empty file' });
  line.show(at(13));
  line.end();
  assert.equal(text.replaceAll('\r\x1b[2K', '|'), '|12/120 photos · making masks · 3.4 photos/s · 31 s left · CPU, 2 threads|failed: a.jpg: empty file\n|13/120 photos · making masks · 3.4 photos/s · 31 s left · CPU, 2 threads|');
  text = '';
  const log = new ProgressLine({ err: more => (text += more), tty: false });
  for (let done = 0; done < 50; done++) log.show(at(done, 'features'));
  log.show(at(0));
  log.end();
  assert.equal(text, '0/120 photos · reading features · 3.4 photos/s · 31 s left · CPU, 2 threads\n0/120 photos · making masks · 3.4 photos/s · 31 s left · CPU, 2 threads\n');
});

/** The command as a process of its own, on the fake engine; `what` steers its generate. */
function start(...args: string[]): { child: ChildProcess; ended: Promise<{ code: number | null; out: string; err: string }> } {
  const child = spawn(process.execPath, [...FAKE_ENGINE.execArgv, join(import.meta.dirname, 'fixtures/fakeCli.ts'), ...args], { stdio: ['ignore', 'pipe', 'pipe'] });
  let [out, err] = ['', ''];
  child.stdout?.on('data', chunk => (out += String(chunk)));
  child.stderr?.on('data', chunk => (err += String(chunk)));
  return { child, ended: new Promise(resolve => void child.once('close', code => resolve({ code, out, err }))) };
}

test('the real process: runs, prints, ends', async () => {
  const { code, out } = await start('run', '/data', '--json').ended;
  assert.equal(code, 0);
  assert.equal((JSON.parse(out) as RunSummary).state, 'done');
});

test('the real process: Ctrl+C cancels, and its engine is gone', async () => {
  const { child, ended } = start('run', '/wait');
  await new Promise<void>(resolve => child.stderr?.on('data', chunk => String(chunk).includes('masks') && resolve()));
  const asked = performance.now();
  child.kill('SIGINT');
  child.kill('SIGTERM'); // as npx and timeout(1) do: the same wish, twice
  const { code, out } = await ended;
  assert.equal(code, 130);
  assert.match(out, /cancelled/);
  assert.ok(performance.now() - asked < 2500);
});
