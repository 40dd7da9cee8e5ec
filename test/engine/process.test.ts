/**
 * The supervision of the engine process: whatever the engine does, every request ends, and nothing stays behind.
 */
import assert from 'node:assert/strict';
import { fork } from 'node:child_process';
import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { alive, doing, FAKE_ENGINE, fakeClient } from './fixtures/fakeClient';
import { EngineClient } from '../../src/engine/client';
import { SeedMaskError, type ErrorReason } from '../../src/shared/errors';
import type { EngineEvent, Params } from '../../src/shared/protocol';

const because = (reason: ErrorReason, message?: RegExp) => (error: unknown) => {
  assert.ok(error instanceof SeedMaskError, String(error));
  assert.equal(error.reason, reason);
  if (message) assert.match(error.message, message);
  return true;
};

async function gone(pid: number | undefined, within = 3000): Promise<boolean> {
  assert.ok(pid);
  for (const end = Date.now() + within; alive(pid); await sleep(20)) if (Date.now() > end) return false;
  return true;
}

test('starts lazily, answers several requests in one process, with telemetry off', async t => {
  const client = fakeClient(t);
  assert.equal(client.pid, undefined);
  const [plan, runs] = await Promise.all([client.request('plan', doing()), client.request('runs', { root: '/data' })]);
  assert.equal(plan.photos, 3);
  assert.deepEqual(plan.notes, ['1']);
  assert.equal(runs.runs.length, 1);
  const { pid } = client;
  assert.deepEqual(await client.request('clearCache', { root: '/data' }), { bytes: 12 });
  assert.equal(client.pid, pid);
});

test('an error keeps its reason and file; a refusal of the system gets one; a bug stays a bug', async t => {
  const client = fakeClient(t);
  await assert.rejects(client.request('generate', doing('seedmask error')), error => because('bad-image')(error) && (error as SeedMaskError).file === 'a/b.jpg');
  await assert.rejects(client.request('generate', doing('system')), because('disk-full'));
  await assert.rejects(client.request('generate', doing('bug')), error => error instanceof Error && !(error instanceof SeedMaskError) && /not a function/.test(error.message));
});

test('parameters that the protocol does not allow are refused by the engine', async t => {
  const client = fakeClient(t);
  const wrong = { root: '', settings: {} } as unknown as Params<'plan'>;
  await assert.rejects(client.request('plan', wrong), because('bad-message'));
  assert.equal((await client.request('plan', doing())).photos, 3);
});

test('answers that the protocol does not allow are refused by the client; noise is ignored', async t => {
  const client = fakeClient(t);
  await assert.rejects(client.request('generate', doing('malformed')), because('bad-message'));
  assert.equal((await client.request('generate', doing('noise'))).state, 'done');
});

test('malformed messages to the engine: answered where they carry an id, dropped where not, and life goes on', async t => {
  const child = fork(FAKE_ENGINE.entry, { execArgv: FAKE_ENGINE.execArgv, serialization: 'advanced', silent: true });
  t.after(() => child.kill('SIGKILL'));
  const answers: { type: string; id?: number; reason?: string }[] = [];
  child.on('message', message => answers.push(message as (typeof answers)[number]));
  const messages = [null, 'text', { type: 'request' }, { type: 'request', id: -1 }, { type: 'request', id: 5, method: 'format', params: {} }, { type: 'cancel', id: 99 }, { type: 'request', id: 6, method: 'runs', params: { root: '/data' } }];
  for (const message of messages) child.send(message as object);
  while (!answers.some(({ id }) => id === 6)) await sleep(20);
  assert.deepEqual(answers.filter(({ type }) => type !== 'ready').map(({ type, id, reason }) => [type, id, reason]), [['error', 5, 'bad-message'], ['reply', 6, undefined]]);
});

test('cancel of a job that listens ends in its summary', async t => {
  const client = fakeClient(t);
  const cancel = new AbortController();
  const running = client.request('generate', doing('wait'), { signal: cancel.signal, onEvent: () => cancel.abort() });
  assert.equal((await running).state, 'cancelled');
});

test('cancel of a job that blocks its thread ends within a second, and its process with it', async t => {
  const client = fakeClient(t);
  const cancel = new AbortController();
  let asked = 0;
  const running = client.request('generate', doing('block'), {
    signal: cancel.signal,
    onEvent: () => setTimeout(() => {
      asked = performance.now();
      cancel.abort();
    }, 100),
  });
  const { pid } = client;
  await assert.rejects(running, because('cancelled'));
  assert.ok(performance.now() - asked < 1000);
  assert.ok(await gone(pid));
  assert.equal((await client.request('plan', doing())).photos, 3, 'the next request gets a new process');
});

test('a question that waits behind a blocked job is answered after that job was killed', async t => {
  const client = fakeClient(t);
  const cancel = new AbortController();
  let question: Promise<unknown> | undefined;
  const running = client.request('generate', doing('block'), {
    signal: cancel.signal,
    onEvent: () => setTimeout(() => {
      question = client.request('plan', doing());
      cancel.abort();
    }, 100),
  });
  await assert.rejects(running, because('cancelled'));
  assert.ok(question);
  assert.equal(((await question) as { photos: number }).photos, 3);
});

test('a request that is cancelled before it is sent starts no process', async t => {
  const client = fakeClient(t);
  await assert.rejects(client.request('plan', doing(), { signal: AbortSignal.abort() }), because('cancelled'));
  assert.equal(client.pid, undefined);
});

test('a crash rejects what was pending, with the last words', async t => {
  const client = fakeClient(t);
  const running = client.request('evaluate', { ...doing(), truth: '/truth' });
  assert.ok(client.pid);
  process.kill(client.pid, 'SIGKILL');
  await assert.rejects(running, because('engine-gone', /SIGKILL/));
});

test('generate goes on after a crash, from its resume point', async t => {
  const client = fakeClient(t);
  const marker = join(mkdtempSync(join(tmpdir(), 'seedmask-')), 'crashed');
  const summary = await client.request('generate', doing('crash once', marker));
  assert.deepEqual(summary.notes, ['resume: true']);
});

test('three crashes without a finished photo are the end of a generate', async t => {
  const client = fakeClient(t);
  const events: EngineEvent[] = [];
  await assert.rejects(client.request('generate', doing('crash'), { onEvent: event => events.push(event) }), because('engine-gone', /about to fall/));
  assert.deepEqual(events.map(event => (event.type === 'log' ? event.level : event.type)), ['progress', 'warn', 'progress', 'warn', 'progress']);
});

test('crashes with finished photos in between are survived', async t => {
  const client = fakeClient(t);
  const marker = join(mkdtempSync(join(tmpdir(), 'seedmask-')), 'crashed');
  assert.equal((await client.request('generate', doing('crash at each of five', marker))).state, 'done');
});

test('an idle engine is stopped; the next request starts another', async t => {
  const client = fakeClient(t, { idleMs: 100 });
  await client.request('plan', doing());
  const { pid } = client;
  assert.ok(await gone(pid));
  await client.request('plan', doing());
  assert.notEqual(client.pid, pid);
});

test('dispose ends the process and what was pending', async () => {
  const client = new EngineClient(FAKE_ENGINE);
  const running = client.request('generate', doing('block'));
  const rejected = assert.rejects(running, because('cancelled'));
  const { pid } = client;
  await client.dispose();
  await rejected;
  assert.ok(pid && !alive(pid));
  await assert.rejects(client.request('plan', doing()), because('engine-gone'));
});

test('an engine that cannot be started is an error, not a hang', async t => {
  const client = fakeClient(t, { entry: join(import.meta.dirname, 'no-such-file.js') });
  await assert.rejects(client.request('plan', doing()), because('engine-gone'));
});

for (const job of ['wait', 'block']) {
  test(`no engine outlives a front end that was killed (its job: ${job})`, async t => {
    const parent = fork(join(import.meta.dirname, 'fixtures/parent.ts'), [job], { execArgv: FAKE_ENGINE.execArgv });
    t.after(() => parent.kill('SIGKILL'));
    const pid = await new Promise<number>(resolve => parent.once('message', message => resolve(Number(message))));
    assert.ok(alive(pid));
    parent.kill('SIGKILL');
    assert.ok(await gone(pid));
  });
}
