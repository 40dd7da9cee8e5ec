/**
 * What the training page knows, as signals: the status, how far the training is, and its lines added up. Takes the extension's messages, checked, and asks for commands.
 */
import { batch, signal, type Signal } from '@preact/signals';
import * as v from 'valibot';
import { toTrainingPageSchema, type FromTrainingPage, type ToTrainingPage, type TrainingCommand, type TrainingProgress, type TrainingStatus } from '../../shared/trainingPage';
import { TrainingHistory, type PhotoSamples, type StageCurve } from '../../shared/trainingHistory';
import type { TrainingLine } from '../../shared/training';

/** How messages leave and come in: VS Code's message channel, or a test's. */
export interface Wire {
  post(message: FromTrainingPage): void;
  /** @returns stops listening */
  listen(receive: (message: unknown) => void): () => void;
}

export class TrainingPage {
  readonly status: Signal<TrainingStatus | null> = signal(null);
  readonly progress: Signal<TrainingProgress> = signal(null);
  readonly stages: Signal<readonly StageCurve[]> = signal([]);
  readonly samples: Signal<readonly PhotoSamples[]> = signal([]);
  /** Why the last message could not be read. */
  readonly fault: Signal<string | null> = signal(null);
  private history = new TrainingHistory();
  private readonly stop: () => void;

  constructor(private readonly wire: Wire) {
    this.stop = wire.listen(message => this.receive(message));
  }

  /** Asks for everything. */
  start(): void {
    this.wire.post({ type: 'ready' });
  }

  command(name: TrainingCommand): void {
    this.wire.post({ type: 'command', name });
  }

  dispose(): void {
    this.stop();
  }

  private receive(message: unknown): void {
    const parsed = v.safeParse(toTrainingPageSchema, message);
    if (parsed.success) batch(() => this.take(parsed.output));
    else this.fault.value = `A message from the extension could not be read: ${v.summarize(parsed.issues).split('\n')[0]}`;
  }

  private take(message: ToTrainingPage): void {
    switch (message.type) {
      case 'view':
        this.history = new TrainingHistory();
        this.status.value = message.status;
        this.progress.value = message.progress;
        return this.add(message.lines);
      case 'status':
        this.status.value = message.status;
        return;
      case 'progress':
        this.progress.value = message.progress;
        return;
      case 'lines':
        return this.add(message.lines);
    }
  }

  private add(lines: readonly TrainingLine[]): void {
    for (const line of lines) this.history.add(line);
    this.stages.value = this.history.stages;
    this.samples.value = this.history.samples;
  }
}
