import assert from 'node:assert/strict';
import { open, readdir, rename } from 'node:fs/promises';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import type { TrainingState } from '../../../models/trainer';
import { CheckpointStore } from '../../../src/engine/training/checkpoint';
import { LossWatch } from '../../../src/engine/training/lossWatch';
import { LossMeter, MetricsFile } from '../../../src/engine/training/metricsFile';
import { Progress } from '../../../src/engine/progress';
import { SeedMaskError } from '../../../src/shared/errors';
import type { TrainingLine } from '../../../src/shared/training';
import { tempFolder } from '../../unit/dataset/temp';
import { drive, nothing, TinyStage, type Outcome } from './tinyStage';

const numbers = ({ steps, tensors }: TrainingState): unknown => [steps, Object.entries(tensors).map(([name, { data }]) => [name, ...data])];

/** A training from its beginning to its end. */
async function whole(t: TestContext): Promise<{ state: TrainingState; outcome: Outcome; stage: TinyStage }> {
  const outcome = nothing();
  const stage = await TinyStage.open();
  t.after(() => stage.release());
  return { state: await drive(stage, new CheckpointStore(await tempFolder(t)), outcome), outcome, stage };
}

test('epochs, steps, curves and samples in order; the loss falls; what was learnt stands at the end', async t => {
  const folder = await tempFolder(t);
  const store = new CheckpointStore(folder);
  const stage = await TinyStage.open();
  t.after(() => stage.release());
  const outcome = nothing();
  const state = await drive(stage, store, outcome);
  assert.deepEqual(stage.calls, [1, 2, 3].flatMap(epoch => [`epoch ${epoch}`, ...Array.from({ length: 7 }, (_, step) => `${epoch}/${step}`)]));
  assert.deepEqual(outcome.epochs, [1, 2, 3]);
  assert.deepEqual(outcome.metrics.map(({ epoch, step, steps, tagging }) => [epoch, step, steps, tagging]), [1, 2, 3].map(epoch => [epoch, 7 * epoch, 21, { cat: 0.5 }]));
  const losses = [...outcome.losses.values()];
  assert.ok(Math.abs(outcome.metrics[0].losses['total'] - losses.slice(0, 7).reduce((sum, loss) => sum + loss, 0) / 7) < 1e-9);
  assert.equal(state.steps, 21);
  assert.deepEqual((await store.finished()).map(({ name, state: { steps } }) => [name, steps]), [['decoder', 21]]);
  assert.equal(await store.newest(), undefined, 'its checkpoints are gone');
  assert.deepEqual(await readdir(folder), ['00-decoder-end.state']);
});

test('targets that take long are counted, and then the steps where they were', async t => {
  const stage = await TinyStage.open();
  t.after(() => stage.release());
  stage.slowEpochs[2] = 4;
  const told: string[] = [];
  const progress = new Progress(event => void (event.type === 'progress' && told.push(`${event.stage} ${event.done}/${event.total}`)));
  await drive(stage, new CheckpointStore(await tempFolder(t)), nothing(), { progress });
  const begins = told.filter((line, i) => i === 0 || line.split(' ')[0] !== told[i - 1].split(' ')[0]);
  assert.deepEqual(begins, ['train 0/21', 'seeds 0/4', 'train 7/21']);
  assert.ok(told.includes('seeds 4/4') && told.at(-1) === 'train 21/21');
});

test('cancelled at any step and gone on with: the same losses and numbers, bit for bit', async t => {
  const { state, outcome } = await whole(t);
  for (const stop of [0, 1, 3, 6, 7, 8, 13, 20]) {
    const store = new CheckpointStore(await tempFolder(t));
    const cancel = new AbortController();
    const first = await TinyStage.open();
    const together = nothing();
    first.before = (epoch, step) => (epoch - 1) * 7 + step === stop - 1 && cancel.abort(new SeedMaskError('cancelled', 'cancelled'));
    if (stop === 0) cancel.abort(new SeedMaskError('cancelled', 'cancelled'));
    await assert.rejects(drive(first, store, together, { signal: cancel.signal }), { reason: 'cancelled' });
    await first.release();
    assert.equal(together.losses.size, stop);

    const from = await store.newest();
    assert.ok(from, `a checkpoint after ${stop} steps`);
    const second = await TinyStage.open();
    const end = await drive(second, store, together, { from });
    await second.release();
    assert.equal(second.calls.filter(call => call.includes('/')).length, 21 - stop, 'no step is made twice');
    assert.deepEqual([...together.losses], [...outcome.losses], `stopped after ${stop}`);
    assert.deepEqual(numbers(end), numbers(state));
  }
});

test('cancelled between steps, while an epoch is prepared or looked at: nothing of it is lost', async t => {
  const { state } = await whole(t);
  for (const where of ['epoch 2', 'within epoch 2', 'after epoch 2']) {
    const store = new CheckpointStore(await tempFolder(t));
    const cancel = new AbortController();
    const stop = (): never => {
      cancel.abort(new SeedMaskError('cancelled', 'cancelled'));
      throw cancel.signal.reason;
    };
    const first = await TinyStage.open();
    const begin = first.beginEpoch.bind(first);
    first.beginEpoch = async epoch => {
      if (where === `epoch ${epoch}`) stop();
      await begin(epoch);
      if (where !== `within epoch ${epoch}`) return;
      // As a stage does whose rounds begin anew.
      first.state = { steps: 0, tensors: Object.fromEntries(Object.entries(first.state.tensors).map(([name, { dims, data }]) => [name, { dims, data: new Float32Array(data.length) }])) };
      stop();
    };
    const more = { checkpointEvery: 100, signal: cancel.signal, onEpoch: (epoch: number) => (where === `after epoch ${epoch}` ? stop() : Promise.resolve()) };
    await assert.rejects(drive(first, store, nothing(), more), { reason: 'cancelled' });
    const from = await store.newest();
    assert.equal(from?.state.steps, where === 'after epoch 2' ? 14 : 7);
    const second = await TinyStage.open();
    assert.deepEqual(numbers(await drive(second, store, nothing(), { ...(from && { from }) })), numbers(state));
    await Promise.all([first.release(), second.release()]);
  }
});

test('killed at any step: the last checkpoint is at most its distance old, and the end is the same', async t => {
  const { state } = await whole(t);
  for (const stop of [2, 5, 9, 12, 19]) {
    const store = new CheckpointStore(await tempFolder(t));
    const first = await TinyStage.open();
    first.before = (epoch, step) => {
      if ((epoch - 1) * 7 + step === stop) throw new Error('killed');
    };
    await assert.rejects(drive(first, store, nothing()), /killed/);
    await first.release();
    const second = await TinyStage.open();
    const from = await store.newest();
    assert.deepEqual(numbers(await drive(second, store, nothing(), { ...(from && { from }) })), numbers(state), `killed at ${stop}`);
    assert.ok(second.calls.filter(call => call.includes('/')).length <= 21 - stop + 3);
    await second.release();
  }
});

test('a loss that is no number ends the training, names step and cause, and leaves the last good checkpoint', async t => {
  const { state } = await whole(t);
  for (const [bad, good] of [[12, 9], [10, 9], [9, 7], [7, 6], [0, 0]]) {
    const store = new CheckpointStore(await tempFolder(t));
    const stage = await TinyStage.open();
    stage.spoil = (step, loss) => (step === bad ? NaN : loss);
    await assert.rejects(drive(stage, store, nothing()), (error: unknown) => {
      assert.ok(error instanceof SeedMaskError && error.reason === 'numeric', String(error));
      assert.match(error.message, new RegExp(`stage 'decoder', step ${bad + 1} of 21 \\(epoch ${Math.floor(bad / 7) + 1}\\): the loss is not a number`));
      assert.match(error.message, new RegExp(`at step ${good}, is kept`));
      return true;
    });
    await stage.release();
    const from = await store.newest();
    assert.equal(from && (from.position.epoch - 1) * 7 + from.position.step, good, `NaN at ${bad}`);
    const again = await TinyStage.open();
    assert.deepEqual(numbers(await drive(again, store, nothing(), { ...(from && { from }) })), numbers(state));
    await again.release();
  }
});

test('the runtime says that a number is none: the same', async t => {
  const store = new CheckpointStore(await tempFolder(t));
  const stage = await TinyStage.open();
  stage.before = (epoch, step) => {
    if (epoch === 2 && step === 4) throw new SeedMaskError('numeric', "graph output 'w.next' holds NaN");
  };
  await assert.rejects(drive(stage, store, nothing()), { reason: 'numeric', message: /step 12 of 21 \(epoch 2\): graph output 'w.next' holds NaN; the last good checkpoint, at step 9/ });
  await stage.release();
});

test('a loss that explodes ends the training; checkpoints of that time are not trusted', async t => {
  const store = new CheckpointStore(await tempFolder(t));
  const stage = await TinyStage.open(3, 40);
  stage.spoil = (step, loss) => (step >= 50 ? 1e4 + step : loss);
  await assert.rejects(drive(stage, store, nothing()), { reason: 'numeric', message: /step 70 of 120 .* over 20 times what it is used to be .* at step 48, is kept/ });
  await stage.release();
});

test('a full disk ends the training, and what was kept stays', async t => {
  const folder = await tempFolder(t);
  let full = false;
  const calls = {
    open: (path: string, flags: string, mode: number) => (full ? Promise.reject(Object.assign(new Error('no space'), { code: 'ENOSPC' })) : open(path, flags, mode)),
    rename,
  };
  const store = new CheckpointStore(folder, calls);
  const stage = await TinyStage.open();
  stage.before = (epoch, step) => void (full ||= epoch === 2 && step === 1);
  await assert.rejects(drive(stage, store, nothing()), { reason: 'disk-full', message: /checkpoint at step 9 could not be written: the disk is full; the checkpoint of epoch 1, step 6, is kept/ });
  await stage.release();
  assert.deepEqual((await store.newest())?.position, { stage: 0, name: 'decoder', epoch: 1, step: 6 });
  assert.deepEqual((await readdir(folder)).filter(name => name.endsWith('.tmp')), []);
});

test('a training whose folder another run took over stops before it writes', async t => {
  const store = new CheckpointStore(join(await tempFolder(t), 'none'));
  const stage = await TinyStage.open();
  await assert.rejects(drive(stage, store, nothing(), { assertHeld: () => Promise.reject(new SeedMaskError('locked', 'taken over')) }), { reason: 'locked' });
  assert.equal(await store.newest(), undefined);
  await stage.release();
});

test('more photos than there were: an epoch that is longer or shorter now goes on all the same', async t => {
  const store = new CheckpointStore(await tempFolder(t));
  const cancel = new AbortController();
  const first = await TinyStage.open(3, 7);
  first.before = (epoch, step) => epoch === 2 && step === 5 && cancel.abort(new SeedMaskError('cancelled', 'cancelled'));
  await assert.rejects(drive(first, store, nothing(), { signal: cancel.signal }), { reason: 'cancelled' });
  const from = await store.newest();
  assert.deepEqual(from?.position, { stage: 0, name: 'decoder', epoch: 2, step: 6 });
  const shorter = await TinyStage.open(3, 4);
  await drive(shorter, store, nothing(), { ...(from && { from }) });
  assert.deepEqual(shorter.calls, ['epoch 3', '3/0', '3/1', '3/2', '3/3']);
  await Promise.all([first.release(), shorter.release()]);
});

test('watch: a term that joins in later is no alarm, twenty steps far above are', () => {
  const watch = new LossWatch();
  for (let i = 0; i < 60; i++) assert.equal(watch.add(0.7 / (1 + i)), undefined);
  for (let i = 0; i < 60; i++) assert.equal(watch.add(1.5), undefined, 'recursion joins in');
  for (let i = 0; i < 19; i++) assert.equal(watch.add(300), undefined);
  assert.equal(watch.bad, 19);
  const copy = new LossWatch(JSON.parse(JSON.stringify(watch.record)));
  assert.match(watch.add(300) ?? '', /300/);
  assert.equal(copy.add(1), undefined);
  assert.equal(watch.add(Infinity), 'the loss is not a number');
});

test('curves: what came after the step that a training goes on from is taken back', async t => {
  const file = new MetricsFile(join(await tempFolder(t), 'run/metrics.jsonl'));
  const point = (stage: 'decoder' | 'puzzle', step: number): TrainingLine => ({ type: 'metrics', stage, epoch: Math.ceil(step / 10), epochs: 5, step, steps: 50, losses: { total: 1 }, rate: 0.1, seconds: step });
  const sample = (epoch: number): TrainingLine => ({ type: 'sample', stage: 'decoder', epoch, photo: 'a.jpg', mask: `samples/${epoch}.png`, picture: 'samples/a.jpg' });
  const lines = [point('puzzle', 50), sample(0), point('decoder', 4), point('decoder', 10), sample(1), point('decoder', 15), point('decoder', 20), sample(2)];
  for (const line of lines) await file.add(line);
  await file.backTo({ stage: 1, name: 'decoder', epoch: 2, step: 5 }, 15);
  assert.deepEqual(await file.read(), lines.slice(0, 6));
  await file.backTo({ stage: 1, name: 'decoder', epoch: 0, step: 0 }, 0);
  assert.deepEqual(await file.read(), lines.slice(0, 1), 'a stage that begins again');
});

test('points of curves are means', () => {
  const meter = new LossMeter();
  meter.add({ total: 1, a: 3 });
  meter.add({ total: 3, a: 5 });
  assert.deepEqual(meter.take(), { total: 2, a: 4 });
  assert.ok(meter.empty);
});
