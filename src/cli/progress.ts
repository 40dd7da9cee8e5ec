/**
 * Progress in a shell: one line that changes on a terminal; elsewhere (a log) a line when the stage changes and now and then between.
 */
import type { Io } from './io';
import type { EngineEvent } from '../shared/protocol';
import { progressLine, type Progress } from '../shared/runTexts';

/** Between two lines of one stage in a log, in milliseconds. */
const LOG_EVERY_MS = 10_000;
const CLEAR = '\r\x1b[2K';

export class ProgressLine {
  private stage: string | undefined;
  /** The last one of a training. */
  private loss: number | undefined;
  private logged = 0;
  private shown = false;

  constructor(private readonly io: Pick<Io, 'err' | 'tty'>) {}

  readonly show = (event: EngineEvent): void => {
    if (event.type === 'progress') this.progress(event);
    else if (event.type === 'metrics') this.loss = event.metrics.losses['total'];
    else if (event.type === 'log') this.line(event.level === 'info' ? event.message : `${event.level === 'warn' ? 'warning' : 'error'}: ${event.message}`);
    else if (event.type === 'photo' && event.state === 'failed') this.line(`failed: ${event.photo}: ${event.message ?? 'no reason given'}`);
  };

  /** Leaves the terminal clean for what follows. */
  end(): void {
    if (this.shown) this.io.err(CLEAR);
    this.shown = false;
  }

  private progress(event: Progress): void {
    if (this.io.tty) {
      this.io.err(`${CLEAR}${progressLine(event, this.loss)}`);
      this.shown = true;
      return;
    }
    const now = performance.now();
    if (event.stage === this.stage && now - this.logged < LOG_EVERY_MS) return;
    this.stage = event.stage;
    this.logged = now;
    this.io.err(`${progressLine(event, this.loss)}\n`);
  }

  private line(text: string): void {
    this.end();
    this.io.err(`${text}\n`);
  }
}
