/**
 * The engine's dispatcher says when nothing runs any more: an engine whose device was lost ends then, so that the next request gets a fresh one.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Dispatcher, type Handlers } from '../../../src/engine/dispatch';
import type { Engine } from '../../../src/engine/engine';
import type { FromEngine } from '../../../src/shared/protocol';

test('idle is told once, after the last of two overlapping requests was answered, also when they fail', async () => {
  const order: string[] = [];
  const waiting: (() => void)[] = [];
  const runs = () => new Promise<never>((_resolve, reject) => waiting.push(() => reject(new Error('no'))));
  const answered = new Promise<void>(resolve => {
    const send = (message: FromEngine): void => void order.push(`${message.type} ${'id' in message ? message.id : ''}`);
    const dispatcher = new Dispatcher({ runs } as unknown as Handlers, {} as Engine, send, () => {
      order.push('idle');
      resolve();
    });
    for (const id of [1, 2]) dispatcher.receive({ type: 'request', id, method: 'runs', params: { root: '/data' } });
  });
  await new Promise(setImmediate);
  assert.equal(waiting.length, 2);
  waiting[1]();
  await new Promise(setImmediate);
  assert.deepEqual(order, ['error 2']);
  waiting[0]();
  await answered;
  assert.deepEqual(order, ['error 2', 'error 1', 'idle']);
});
