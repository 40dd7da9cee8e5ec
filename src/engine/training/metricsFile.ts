/**
 * The curves of a training on disk, `.seedmask/runs/<id>/metrics.jsonl`: a line a point and a line a sample mask (`src/shared/training.ts`), in the order they came.
 */
import { rm } from 'node:fs/promises';
import { appendJournal, readJournal, rewriteJournal } from '../../dataset/journal';
import { TRAINING_STAGES, trainingLineSchema, type TrainingLine } from '../../shared/training';
import type { Losses } from './trainingStage';
import type { Position } from './checkpoint';

export class MetricsFile {
  constructor(private readonly file: string) {}

  /** @throws SeedMaskError 'not-writable', 'disk-full', 'io' */
  add(line: TrainingLine): Promise<void> {
    return appendJournal(this.file, [line]);
  }

  /** Damaged lines are left out. @throws SeedMaskError 'io' */
  read(): Promise<TrainingLine[]> {
    return readJournal(this.file, trainingLineSchema);
  }

  /** Of a training that begins again. */
  async clear(): Promise<void> {
    await rm(this.file, { force: true });
  }

  /** Takes back what came after a step that a training goes on from: it comes again. @param done steps of the stage that are done */
  async backTo({ name, epoch }: Position, done: number): Promise<void> {
    const lines = await this.read();
    const kept = lines.filter(line => {
      const order = TRAINING_STAGES.indexOf(line.stage) - TRAINING_STAGES.indexOf(name);
      if (order !== 0) return order < 0;
      return line.type === 'metrics' ? line.step <= done : line.epoch < epoch;
    });
    if (kept.length < lines.length) await rewriteJournal(this.file, kept);
  }
}

/** Means of losses between two points of a curve. */
export class LossMeter {
  private sums: Record<string, number> = {};
  private steps = 0;

  add(losses: Losses): void {
    for (const [name, loss] of Object.entries(losses)) this.sums[name] = (this.sums[name] ?? 0) + loss;
    this.steps++;
  }

  get empty(): boolean {
    return this.steps === 0;
  }

  /** The means since the last call. */
  take(): Record<string, number> {
    const means = Object.fromEntries(Object.entries(this.sums).map(([name, sum]) => [name, sum / this.steps]));
    this.sums = {};
    this.steps = 0;
    return means;
  }
}
