/**
 * Drives one stage of a training from where it is to its end: epochs and steps, checkpoints, curves, samples. A cancel is heard before each step, and what was learnt until
 * then is kept first. A loss that is no number or explodes ends the training; the last checkpoint whose loss was good stays to go on from.
 */
import { setImmediate as turn } from 'node:timers/promises';
import type { TrainingState } from '../../../models/trainer';
import { SeedMaskError, describeError } from '../../shared/errors';
import type { TrainingMetrics } from '../../shared/training';
import type { Progress } from '../progress';
import type { Checkpoint, CheckpointStore, Position } from './checkpoint';
import { LossWatch } from './lossWatch';
import { LossMeter } from './metricsFile';
import type { Losses, TrainingStage } from './trainingStage';

export interface LoopOptions {
  /** Of the stages of the preset, from 0. */
  index: number;
  store: CheckpointStore;
  /** Where to go on; nothing: at the start. */
  from?: Checkpoint;
  /** Steps from one checkpoint to the next. */
  checkpointEvery: number;
  /** Hash of what is learnt from, for checkpoints. */
  data: string;
  progress: Progress;
  signal: AbortSignal;
  /** Seconds of training until now, without interruptions. */
  seconds(): number;
  /** Throws once another process has taken the folder over. */
  assertHeld(): Promise<void>;
  onMetrics(metrics: TrainingMetrics): Promise<void>;
  /** After each epoch. */
  onEpoch(epoch: number): Promise<void>;
}

/** Points of the curves are this far apart, and checkpoints at most this far, in milliseconds. */
const POINT_MS = 1000;
const CHECKPOINT_MS = 60_000;

/** What the stage has learnt at its end. @throws SeedMaskError 'numeric', 'disk-full', 'locked', 'out-of-memory'; what `signal` was aborted with */
export function runStage(stage: TrainingStage, options: LoopOptions): Promise<TrainingState> {
  return new Loop(stage, options).run();
}

class Loop {
  private readonly watch: LossWatch;
  private readonly meter = new LossMeter();
  private position: Position;
  private pointAt = performance.now();
  private saved = { at: performance.now(), done: 0 };
  /** The state at the beginning of the epoch, before the stage prepared it, until it is on disk. */
  private anchor: TrainingState | undefined;

  constructor(
    private readonly stage: TrainingStage,
    private readonly options: LoopOptions,
  ) {
    this.watch = new LossWatch(options.from?.watch);
    this.position = options.from?.position ?? { stage: options.index, name: stage.name, epoch: 1, step: 0 };
  }

  /** A cancel, wherever it is heard, keeps what was learnt until then. */
  async run(): Promise<TrainingState> {
    try {
      return await this.toTheEnd();
    } catch (error) {
      const unsaved = this.done !== this.saved.done && this.position.epoch <= this.stage.epochs;
      if (this.options.signal.aborted && unsaved && this.watch.bad === 0) await this.save();
      throw error;
    }
  }

  private async toTheEnd(): Promise<TrainingState> {
    const { stage, options } = this;
    const { stepsPerEpoch, epochs } = stage;
    if (this.position.step >= stepsPerEpoch) this.position = { ...this.position, epoch: this.position.epoch + 1, step: 0 };
    this.beginSteps();
    await this.begin();
    while (this.position.epoch <= epochs) {
      while (this.position.step < stepsPerEpoch) await this.next();
      const { epoch } = this.position;
      this.position = { ...this.position, epoch: epoch + 1, step: 0 };
      this.anchor = undefined;
      if (epoch < epochs) await this.saveIfDue();
      else await options.store.finish(options.index, { name: stage.name, state: stage.state });
      await this.point(epoch, true);
      await options.onEpoch(epoch);
      if (epoch < epochs) await this.beginEpoch();
    }
    return stage.state;
  }

  private beginSteps(): void {
    const { epochs, stepsPerEpoch } = this.stage;
    this.options.progress.begin('train', epochs * stepsPerEpoch, 0, this.done);
  }

  /** Steps of the stage that are done. */
  private get done(): number {
    return (this.position.epoch - 1) * this.stage.stepsPerEpoch + this.position.step;
  }

  /** To where the checkpoint was, by way of the beginning of its epoch. */
  private async begin(): Promise<void> {
    const { stage, options: { from } } = this;
    if (this.position.epoch > stage.epochs) {
      if (from) stage.state = from.state;
      return;
    }
    const within = from !== undefined && this.position.step > 0;
    this.saved.done = this.done;
    if (from) stage.state = within ? from.anchor : from.state;
    else await this.save();
    await this.beginEpoch();
    if (within) stage.state = from.state;
  }

  private async beginEpoch(): Promise<void> {
    this.options.signal.throwIfAborted();
    // On disk already where the last checkpoint is of this very step.
    this.anchor = this.done === this.saved.done ? undefined : this.stage.state;
    const { progress } = this.options;
    let begun = false;
    await this.stage.beginEpoch(this.position.epoch, photos => {
      if (!begun) progress.begin('seeds', photos);
      begun = true;
      progress.step();
    });
    if (begun) this.beginSteps();
  }

  private async next(): Promise<void> {
    const { stage, options, position: { epoch, step } } = this;
    // Messages from outside come in here: a step blocks this process.
    await turn();
    options.signal.throwIfAborted();
    const losses = await this.step();
    this.meter.add(losses);
    this.position = { ...this.position, step: step + 1 };
    options.progress.step();
    const last = step + 1 === stage.stepsPerEpoch;
    if (!last && performance.now() - this.pointAt >= POINT_MS) await this.point(epoch, false);
    if (!last) await this.saveIfDue();
  }

  private async saveIfDue(): Promise<void> {
    const due = this.done - this.saved.done >= this.options.checkpointEvery || performance.now() - this.saved.at >= CHECKPOINT_MS;
    if (due && this.watch.bad === 0) await this.save();
  }

  private async step(): Promise<Losses> {
    const { epoch, step } = this.position;
    let wrong: string | undefined;
    try {
      const losses = await this.stage.step(epoch, step);
      wrong = this.watch.add(losses.total);
      if (wrong === undefined) return losses;
    } catch (error) {
      if (!(error instanceof SeedMaskError && error.reason === 'numeric')) throw error;
      this.watch.add(NaN);
      wrong = describeError(error);
    }
    throw await this.lost(wrong);
  }

  /** The end of a training that has lost its way. The states that the bad losses came of are the ones to blame. */
  private async lost(wrong: string): Promise<SeedMaskError> {
    const { stage, options, position: { epoch } } = this;
    const trusted = Math.max(0, this.done - this.watch.bad);
    await options.store.forgetAfter({ ...this.position, epoch: Math.floor(trusted / stage.stepsPerEpoch) + 1, step: trusted % stage.stepsPerEpoch });
    const good = await options.store.newest(options.index);
    const kept = good ? `the last good checkpoint, at step ${(good.position.epoch - 1) * stage.stepsPerEpoch + good.position.step}, is kept to go on from` : 'there is no checkpoint from before';
    return new SeedMaskError('numeric', `stage '${stage.name}', step ${this.done + 1} of ${stage.epochs * stage.stepsPerEpoch} (epoch ${epoch}): ${wrong}; ${kept}`);
  }

  private async save(): Promise<void> {
    const { stage, options } = this;
    await options.assertHeld();
    const facts = { seconds: options.seconds(), watch: this.watch.record, data: options.data };
    try {
      if (this.anchor) await options.store.save({ ...this.position, step: 0 }, this.anchor, facts);
      // A stage may have begun to prepare its epoch: what that made of the state is made again.
      if (this.position.step > 0 || !this.anchor) await options.store.save(this.position, stage.state, facts);
    } catch (error) {
      if (!(error instanceof SeedMaskError)) throw error;
      const good = await options.store.newest(options.index);
      const kept = good ? `; the checkpoint of epoch ${good.position.epoch}, step ${good.position.step}, is kept to go on from` : '';
      throw new SeedMaskError(error.reason, `the checkpoint at step ${this.done} could not be written: ${error.message}${kept}`, error.file, { cause: error });
    }
    this.anchor = undefined;
    this.saved = { at: performance.now(), done: this.done };
  }

  /** A point of the curves. */
  private async point(epoch: number, endOfEpoch: boolean): Promise<void> {
    const { stage, options } = this;
    if (this.meter.empty) return;
    const tagging = endOfEpoch ? await stage.tagging?.() : undefined;
    await options.onMetrics({
      stage: stage.name, epoch, epochs: stage.epochs, step: this.done, steps: stage.epochs * stage.stepsPerEpoch, losses: this.meter.take(), rate: stage.rate, ...(tagging && Object.keys(tagging).length > 0 && { tagging }), seconds: options.seconds(),
    });
    this.pointAt = performance.now();
  }
}
