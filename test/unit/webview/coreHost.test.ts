import assert from 'node:assert/strict';
import { test } from 'node:test';
import { SeedMaskError } from '../../../src/shared/errors';
import type { ToHost } from '../../../src/shared/pageMessages';
import { HostClient, type Listener, type Wire } from '../../../src/webview/hostClient';

function wired(): { client: HostClient; posted: ToHost[]; say: (message: unknown) => void; told: [string, unknown][]; faults: string[]; listening: () => boolean } {
  const posted: ToHost[] = [];
  const told: [string, unknown][] = [];
  const faults: string[] = [];
  let receive: ((message: unknown) => void) | undefined;
  const wire: Wire = {
    post: message => void posted.push(message),
    listen: heard => {
      receive = heard;
      return () => void (receive = undefined);
    },
  };
  const note = (tell: string) => (params: unknown): void => void told.push([tell, params]);
  const listener: Listener = { session: note('session'), items: note('items'), changed: note('changed'), patch: note('patch'), command: note('command'), working: note('working') };
  const client = new HostClient(wire, listener, text => void faults.push(text));
  return { client, posted, say: message => receive?.(message), told, faults, listening: () => receive !== undefined };
}

test('answers reach the ask with their id, in any order', async () => {
  const { client, posted, say } = wired();
  const first = client.ask('thumbnails', { longSide: 64, wanted: [] });
  const second = client.ask('save', {});
  say({ type: 'answer', id: posted[1].id, result: {} });
  say({ type: 'answer', id: posted[0].id, result: { thumbnails: [null] } });
  assert.deepEqual(await second, {});
  assert.deepEqual(await first, { thumbnails: [null] });
});

test('errors come as SeedMaskErrors with the extension\'s reason, unknown reasons too', async () => {
  const { client, posted, say } = wired();
  const asked = [client.ask('save', {}), client.ask('save', {})];
  say({ type: 'error', id: posted[0].id, reason: 'disk-full', message: 'no room' });
  say({ type: 'error', id: posted[1].id, reason: 'made up', message: 'odd' });
  await assert.rejects(asked[0], (error: unknown) => error instanceof SeedMaskError && error.reason === 'disk-full' && error.message === 'no room');
  await assert.rejects(asked[1], (error: unknown) => error instanceof SeedMaskError && error.message === 'odd');
});

test('an answer of another shape is refused, and the next one is still heard', async () => {
  const { client, posted, say } = wired();
  const asked = client.ask('classes', {});
  say({ type: 'answer', id: posted[0].id, result: { classes: 'all' } });
  await assert.rejects(asked, { reason: 'bad-message' });
  const again = client.ask('classes', {});
  say({ type: 'answer', id: posted[1].id, result: { classes: [] } });
  assert.deepEqual(await again, { classes: [] });
});

test('late, repeated and unknown answers change nothing', async () => {
  const { client, posted, say, faults } = wired();
  const asked = client.ask('save', {});
  say({ type: 'answer', id: posted[0].id, result: {} });
  say({ type: 'error', id: posted[0].id, reason: 'io', message: 'too late' });
  say({ type: 'answer', id: 4711, result: {} });
  await asked;
  assert.deepEqual(faults, []);
});

test('what is no message is said and harms nothing', () => {
  const { say, faults, told } = wired();
  for (const message of [undefined, null, 7, 'hello', [], { type: 'answer' }, { type: 'tell', tell: 'nonsense', params: {} }, { type: 'tell', tell: 'changed', params: { index: -1, show: 1 } }, { type: 'tell', tell: '__proto__', params: {} }]) say(message);
  assert.equal(faults.length, 9);
  assert.deepEqual(told, []);
  say({ type: 'tell', tell: 'changed', params: { index: 3, show: true } });
  assert.deepEqual(told, [['changed', { index: 3, show: true }]]);
});

test('a page that goes away fails what it waits for and hears no more', async () => {
  const { client, listening, posted } = wired();
  const asked = client.ask('save', {});
  client.dispose();
  await assert.rejects(asked, { reason: 'cancelled' });
  await assert.rejects(client.ask('save', {}), { reason: 'cancelled' });
  assert.equal(posted.length, 1);
  assert.equal(listening(), false);
});
