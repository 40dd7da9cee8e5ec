/**
 * A run and its interruptions: what a person edits stays, what is done is not done again, and wherever a run is cancelled or killed the next
 * one ends in the very bytes that an undisturbed run would have left.
 */
import assert from 'node:assert/strict';
import { readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test, type TestContext } from 'node:test';
import { encodeMask } from '../../../src/dataset/maskFile';
import { acquireLock } from '../../../src/dataset/lock';
import { readLayers } from '../../../src/dataset/layers';
import { listRuns } from '../../../src/dataset/runs';
import { EngineClient } from '../../../src/engine/client';
import { SeedMaskError } from '../../../src/shared/errors';
import type { EngineEvent, STAGES } from '../../../src/shared/protocol';
import { colourFolder, copyOf, counts, filesIn, idsIn, labels, leftovers, masksIn, picture, request, run, saveColours, type Tags } from './folders';

const ENGINE = { entry: join(import.meta.dirname, '../../../src/engine/main.ts'), execArgv: ['--import', 'tsx'] };

let models: string;
let colours: string;
/** The masks of an undisturbed run over `colourFolder`. */
let whole: Map<string, Buffer>;

before(async () => {
  models = await mkdtemp(join(tmpdir(), 'seedmask-test-'));
  colours = await saveColours(models);
});
after(() => rm(models, { recursive: true, force: true }));

/** The colour folder, and what an undisturbed run makes of it. */
async function fresh(t: TestContext): Promise<string> {
  const root = await colourFolder(t);
  if (!whole) {
    const copy = await copyOf(t, root);
    assert.equal((await run(copy, colours)).summary.state, 'done');
    whole = await masksIn(copy);
  }
  return root;
}

async function assertWhole(root: string): Promise<void> {
  const masks = await masksIn(root);
  assert.deepEqual([...masks.keys()], [...whole.keys()]);
  for (const [name, bytes] of whole) assert.ok(masks.get(name)?.equals(bytes), `${name} is not what an undisturbed run makes`);
  assert.deepEqual(await leftovers(root), []);
}

const begins = (stage: (typeof STAGES)[number]) => (event: EngineEvent): boolean => event.type === 'progress' && event.stage === stage && event.done === 0 && (stage !== 'scan' || event.total > 0);
const firstMask = (event: EngineEvent): boolean => event.type === 'photo' && event.state === 'written';

test('a second run skips everything, without a device', async t => {
  const root = await fresh(t);
  assert.deepEqual(counts((await run(root, colours)).summary), ['done', 6, 0, 0, 0]);
  await assertWhole(root);
  const { summary, events } = await run(root, colours);
  assert.deepEqual(counts(summary), ['done', 0, 0, 6, 0]);
  assert.equal(summary.device, '');
  assert.ok(!events.some(event => event.type === 'progress' && event.stage !== 'scan'));
});

test('the same bytes again: cold or warm features, no cache, a model of one photo a run, one photo asked for or all', async t => {
  const root = await fresh(t);
  await run(root, colours);
  await assertWhole(root);
  const warm = await copyOf(t, root, 'photos and features');
  await run(warm, colours);
  await assertWhole(warm);
  const uncached = await copyOf(t, root, 'photos');
  await run(uncached, colours, { settings: { cacheLimitMb: 0 } });
  await assertWhole(uncached);
  assert.ok(!(await filesIn(uncached)).some(name => name.endsWith('.f16')));
  const single = await copyOf(t, root, 'photos');
  await run(single, await saveColours(models, 1));
  await assertWhole(single);
  const asked = await copyOf(t, root, 'photos');
  const { summary } = await run(asked, colours, { photos: ['both.png', 'both.png', 'red1.png'] });
  assert.deepEqual([summary.photos, summary.written], [2, 2]);
  const masks = await masksIn(asked);
  assert.deepEqual([...masks.keys()], ['both.mask.png', 'red1.mask.png']);
  for (const [name, bytes] of masks) assert.ok(whole.get(name)?.equals(bytes));
});

test("what a person changed is kept: edited masks, masks without a manifest, a mask made while the run went on", async t => {
  const root = await fresh(t);
  await run(root, colours);
  const edited = encodeMask({ data: new Uint8Array(96 * 72).fill(2), width: 96, height: 72 });
  await writeFile(join(root, 'red1.mask.png'), edited);
  await rm(join(root, 'blue1.mask.png'));
  const again = await run(root, colours);
  assert.deepEqual(counts(again.summary), ['done', 1, 1, 4, 0]);
  assert.ok((await masksIn(root)).get('red1.mask.png')?.equals(edited));

  await rm(join(root, '.seedmask/manifest.jsonl'));
  assert.deepEqual(counts((await run(root, colours)).summary), ['done', 0, 6, 0, 0]);

  const late = await copyOf(t, root, 'photos and features');
  const during = await run(late, colours, { onEvent: event => begins('masks')(event) && writeFileSync(join(late, 'both.mask.png'), edited) });
  assert.deepEqual(counts(during.summary), ['done', 5, 1, 0, 0]);
  assert.ok((await masksIn(late)).get('both.mask.png')?.equals(edited));
});

test('other parameters, other tags and another photo make a mask anew', async t => {
  const root = await fresh(t);
  await run(root, colours);
  assert.deepEqual(counts((await run(root, colours, { settings: { crf: 'off' }, photos: ['red1.png'] })).summary), ['done', 1, 0, 0, 0]);
  await picture(60, 50, 'blue').png().toFile(join(root, 'blue1.png'));
  const { summary } = await run(root, colours, { photos: ['red1.png', 'blue1.png', 'red2.jpg'] });
  assert.deepEqual(counts(summary), ['done', 2, 0, 1, 0]);
  const { width, height } = await labels(root, 'blue1.mask.png');
  assert.deepEqual([width, height], [60, 50]);
});

test('a photo whose tags are taken away gets a mask of background, and no old maps explain it', async t => {
  const root = await fresh(t);
  await run(root, colours);
  assert.ok(await readLayers(root, 'red1.png'));
  const tags = JSON.parse(readFileSync(join(root, 'tags.json'), 'utf8')) as Tags;
  writeFileSync(join(root, 'tags.json'), JSON.stringify({ ...tags, 'red1.png': [] }));
  assert.deepEqual(counts((await run(root, colours)).summary), ['done', 1, 0, 5, 0]);
  assert.deepEqual(await idsIn(root, 'red1.mask.png'), [0]);
  assert.equal(await readLayers(root, 'red1.png'), undefined);
});

test('ids that change in the table of classes are those of the masks after the next run; new classes change nothing', async t => {
  const root = await fresh(t);
  await run(root, colours);
  const table = join(root, '.seedmask/classes.json');
  const classes = [{ id: 0, name: 'background' }, { id: 1, name: 'blue' }, { id: 2, name: 'red' }, { id: 3, name: 'new' }];
  writeFileSync(table, JSON.stringify({ classes }));
  assert.deepEqual(counts((await run(root, colours)).summary), ['done', 0, 0, 6, 0]);
  writeFileSync(table, JSON.stringify({ classes: classes.map(entry => (entry.name === 'red' ? { ...entry, id: 200 } : entry)) }));
  assert.deepEqual(counts((await run(root, colours)).summary), ['done', 3, 0, 3, 0]);
  assert.deepEqual(await idsIn(root, 'both.mask.png'), [0, 1, 200]);
});

for (const [name, when] of [['scan', begins('scan')], ['features', begins('features')], ['learning', begins('learn')], ['masks', firstMask]] as const) {
  test(`cancelled during ${name}: nothing half made, and the resumed run ends as if nothing had been`, async t => {
    const root = await fresh(t);
    const cancel = new AbortController();
    const { summary } = await run(root, colours, { signal: cancel.signal, onEvent: event => when(event) && cancel.abort() });
    assert.equal(summary.state, 'cancelled');
    assert.deepEqual(summary.failed, []);
    const made = await masksIn(root);
    assert.equal(made.size, summary.written);
    assert.equal(summary.written, when === firstMask ? 1 : 0);
    for (const [file, bytes] of made) assert.ok(whole.get(file)?.equals(bytes), file);
    assert.deepEqual(await leftovers(root), []);
    assert.equal((await listRuns(root))[0].summary.state, 'cancelled');

    const resumed = await run(root, colours, { resume: true });
    assert.deepEqual(counts(resumed.summary), ['done', 6 - summary.written, 0, summary.written, 0]);
    await assertWhole(root);
  });
}

test('a resumed run has the settings and photos of the one it continues', async t => {
  const root = await fresh(t);
  const cancel = new AbortController();
  await run(root, colours, { photos: ['red1.png', 'none.png'], settings: { outputName: '{stem}_seg.png' }, signal: cancel.signal, onEvent: event => begins('masks')(event) && cancel.abort() });
  assert.deepEqual(counts((await run(root, undefined, { resume: true })).summary), ['done', 2, 0, 0, 0]);
  assert.deepEqual((await filesIn(root)).filter(name => /^[^/]*(_seg|\.mask)\.png$/.test(name)).sort(), ['none_seg.png', 'red1_seg.png']);
});

for (const stage of ['features', 'masks'] as const) {
  test(`kill -9 of the engine during ${stage}: the client goes on in a new process, and nothing is missing`, async t => {
    const root = await fresh(t);
    const client = new EngineClient(ENGINE);
    t.after(() => client.dispose());
    const killed = new Set<number>();
    const onEvent = (event: EngineEvent): void => {
      if (killed.size > 0 || !client.pid || !(begins(stage)(event) || (stage === 'masks' && firstMask(event)))) return;
      killed.add(client.pid);
      process.kill(client.pid, 'SIGKILL');
    };
    const summary = await client.request('generate', request(root, colours), { onEvent });
    assert.equal(killed.size, 1);
    assert.notEqual(client.pid, [...killed][0]);
    assert.equal(summary.state, 'done');
    assert.equal(summary.written + summary.skipped, 6);
    await assertWhole(root);
    assert.deepEqual((await listRuns(root)).map(({ summary: { state } }) => state), ['done', 'interrupted']);
  });
}

test('a photo that takes the engine down twice is left out and named; the rest is done', async t => {
  const root = await fresh(t);
  const client = new EngineClient(ENGINE);
  t.after(() => client.dispose());
  const file = join(root, '.seedmask/working.json');
  let deaths = 0;
  let seen = 0;
  // Stands in for a photo that crashes the decoder: the engine falls whenever it has begun with this one.
  const hunter = setInterval(() => {
    try {
      const { photo } = JSON.parse(readFileSync(file, 'utf8')) as { photo?: string };
      const { mtimeMs } = statSync(file);
      if (photo !== 'both.png' || mtimeMs === seen || !client.pid) return;
      seen = mtimeMs;
      deaths++;
      process.kill(client.pid, 'SIGKILL');
    } catch {
      // Not there, or half written: look again.
    }
  }, 1);
  t.after(() => clearInterval(hunter));
  const summary = await client.request('generate', request(root, colours));
  clearInterval(hunter);
  assert.equal(deaths, 2);
  assert.equal(summary.state, 'done');
  assert.deepEqual(summary.failed.map(({ photo, reason }) => [photo, reason]), [['both.png', 'engine-gone']]);
  assert.match(summary.failed[0].message, /died 2 times/);
  assert.equal((await masksIn(root)).size, 5);
  assert.deepEqual(counts((await run(root, colours)).summary), ['done', 1, 0, 5, 0], 'a later run tries it again');
});

test('a run that a person cancels by force accuses no photo', async t => {
  const root = await fresh(t);
  await run(root, colours, { photos: ['none.png'] });
  writeFileSync(join(root, '.seedmask/working.json'), JSON.stringify({ photo: 'red1.png', crashes: { 'red1.png': 1 } }));
  const { summary } = await run(root, colours);
  assert.deepEqual(summary.failed, []);
});

test('what a power cut leaves between temp and rename goes at the next start', async t => {
  const root = await fresh(t);
  await run(root, colours, { photos: ['red1.png'] });
  const dead = '999999999';
  const orphans = [`.red1.mask.png.seedmask-${dead}-0123456789ab.tmp`, `.seedmask/.classes.json.seedmask-${dead}-0123456789ab.tmp`, `.seedmask/layers/red2.jpg/.cam.1.png.seedmask-${dead}-0123456789ab.tmp`];
  await run(root, colours, { photos: ['red2.jpg'] });
  await rm(join(root, 'red2.mask.png'));
  for (const name of orphans) writeFileSync(join(root, name), 'half');
  const { summary } = await run(root, colours);
  assert.deepEqual(counts(summary), ['done', 5, 0, 1, 0]);
  await assertWhole(root);
});

test('a photo that is deleted during the run fails as removed; one that changes gets the mask of its new content', async t => {
  const root = await fresh(t);
  const bigger = await picture(200, 100, 'blue').png().toBuffer();
  const { summary, events } = await run(root, colours, {
    onEvent: event => {
      if (begins('features')(event)) rmSync(join(root, 'red2.jpg'));
      if (!begins('masks')(event)) return;
      rmSync(join(root, 'red1.png'));
      writeFileSync(join(root, 'blue1.png'), bigger);
    },
  });
  assert.deepEqual(counts(summary), ['done', 4, 0, 0, 2]);
  assert.deepEqual(summary.failed.map(({ photo, reason }) => [photo, reason]), [['red2.jpg', 'removed'], ['red1.png', 'removed']]);
  assert.equal(events.filter(event => event.type === 'photo').length, 6, 'each ends once');
  const { width, height } = await labels(root, 'blue1.mask.png');
  assert.deepEqual([width, height], [200, 100]);
  assert.deepEqual(await idsIn(root, 'blue1.mask.png'), [0, 1]);
  assert.ok(!(await masksIn(root)).has('red1.mask.png'));
  assert.deepEqual((await run(root, colours)).summary.written, 0, 'the new content is what the manifest knows');
});

test('of two runs on one folder the second is told who has it; when the first has ended it may', async t => {
  const root = await fresh(t);
  let second: Promise<unknown> | undefined;
  const first = await run(root, colours, {
    onEvent: event => {
      if (begins('features')(event)) second = run(root, colours).then(() => undefined, (error: unknown) => error);
    },
  });
  assert.equal(first.summary.state, 'done');
  const error = await second;
  assert.ok(error instanceof SeedMaskError && error.reason === 'locked', String(error));
  assert.match(error.message, new RegExp(`process ${process.pid}`));
  await assertWhole(root);
  assert.equal((await run(root, colours)).summary.skipped, 6);
});

test('a run whose lock another has taken over while it slept stops before it writes', async t => {
  const root = await fresh(t);
  const lock = join(root, '.seedmask/lock');
  let other: ReturnType<typeof acquireLock> | undefined;
  const { summary } = await run(root, colours, {
    onEvent: event => {
      if (!begins('masks')(event) || other) return;
      rmSync(lock);
      writeFileSync(lock, JSON.stringify({ pid: process.pid, host: 'elsewhere', token: 'theirs', started: new Date().toISOString() }));
    },
  });
  assert.equal(summary.state, 'failed');
  assert.match(summary.error ?? '', /another run/);
  assert.equal(summary.written, 0);
  assert.equal((JSON.parse(readFileSync(lock, 'utf8')) as { token: string }).token, 'theirs', 'the lock of the other is left alone');
});
