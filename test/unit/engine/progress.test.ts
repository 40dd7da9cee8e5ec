/** What a person is told while a run goes on: never backwards, never NaN, the end always, and not too often. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { Progress } from '../../../src/engine/progress';
import type { EngineEvent } from '../../../src/shared/protocol';

type ProgressEvent = Extract<EngineEvent, { type: 'progress' }>;

function watched(): { progress: Progress; events: ProgressEvent[]; wait(ms: number): void } {
  const events: ProgressEvent[] = [];
  let now = 1000;
  const progress = new Progress(event => event.type === 'progress' && events.push(event), () => now);
  return { progress, events, wait: ms => void (now += ms) };
}

test('a rate and the time left, with what later stages cost', () => {
  const { progress, events, wait } = watched();
  progress.device = 'CPU';
  progress.begin('features', 10, 5);
  for (let i = 0; i < 4; i++) {
    wait(500);
    progress.step();
  }
  assert.deepEqual(events.at(-1), { type: 'progress', stage: 'features', done: 4, total: 10, photosPerSecond: 2, secondsLeft: 5.5, device: 'CPU' });
});

test('photos that took no work say nothing about the rate', () => {
  const { progress, events, wait } = watched();
  progress.begin('features', 1000);
  for (let i = 0; i < 500; i++) {
    wait(1);
    progress.step(true);
  }
  assert.equal(events.at(-1)?.photosPerSecond, null);
  assert.equal(events.at(-1)?.secondsLeft, null);
});

test('the rate is that of the last photos', () => {
  const { progress, events, wait } = watched();
  progress.begin('masks', 200);
  for (let i = 0; i < 200; i++) {
    wait(i < 100 ? 1000 : 250);
    progress.step();
  }
  assert.equal(events.at(-1)?.photosPerSecond, 4);
  assert.equal(events.at(-1)?.secondsLeft, 0);
});

test('any run: stages begin at 0, go up, end at their total, and times are finite', () => {
  fc.assert(fc.property(fc.array(fc.array(fc.record({ ms: fc.nat(2000), instant: fc.boolean() }), { maxLength: 60 }), { maxLength: 5 }), stages => {
    const { progress, events, wait } = watched();
    const names = ['scan', 'device', 'features', 'learn', 'masks'] as const;
    stages.forEach((steps, i) => {
      progress.begin(names[i], steps.length, i);
      const first = events.length - 1;
      assert.equal(events[first].done, 0);
      for (const { ms, instant } of steps) {
        wait(ms);
        progress.step(instant);
      }
      const own = events.slice(first);
      assert.ok(own.every((event, j) => event.stage === names[i] && event.total === steps.length && (j === 0 || event.done > own[j - 1].done)));
      assert.equal(own.at(-1)?.done, steps.length);
    });
    for (const { photosPerSecond, secondsLeft } of events) {
      assert.ok(photosPerSecond === null || (Number.isFinite(photosPerSecond) && photosPerSecond > 0));
      assert.ok(secondsLeft === null || (Number.isFinite(secondsLeft) && secondsLeft >= 0));
    }
  }));
});

test('ten thousand quick photos are some dozen events', () => {
  const { progress, events, wait } = watched();
  progress.begin('scan', 10_000);
  for (let i = 0; i < 10_000; i++) {
    wait(0.3);
    progress.step();
  }
  assert.ok(events.length < 30, `${events.length} events`);
  assert.equal(events.at(-1)?.done, 10_000);
});

test('what is gone on with begins where it was, and its rate counts only what is done now', () => {
  const { progress, events, wait } = watched();
  progress.begin('train', 100, 0, 60);
  for (let i = 0; i < 4; i++) {
    wait(500);
    progress.step();
  }
  assert.deepEqual([events[0].done, events[0].secondsLeft], [60, null]);
  assert.deepEqual([events.at(-1)?.done, events.at(-1)?.photosPerSecond, events.at(-1)?.secondsLeft], [64, 2, 18]);
});
