/**
 * The record of one run while it goes on: counts, failures and notes, on disk (`.seedmask/runs/<id>/`) and as events. Whatever ends the run, what was counted
 * until then stands in its summary.
 */
import { isHeld } from '../../dataset/holds';
import { appendLog, newRunId, saveRun } from '../../dataset/runs';
import { SeedMaskError, describeError } from '../../shared/errors';
import type { Failure, RunSummary } from '../../shared/protocol';
import type { RunSettings } from '../../shared/settings';
import type { JobContext } from '../context';

const HELD = 'it is open in a review with unsaved strokes';
/** The record on disk is at most this old, in milliseconds. */
const SAVE_EVERY_MS = 5000;
/** Failures and notes kept one by one in a summary; the log has all. */
const MAX_FAILURES = 1000;
const MAX_NOTES = 1000;

/** What a record is begun with. */
export interface RecordStart {
  root: string;
  settings: RunSettings;
  /** Ids of the photos that are meant, if not all. */
  only?: readonly string[];
  /** What kind of run it is; absent: masks are generated. */
  job?: RunSummary['job'];
  /** Token of the lock that is held. */
  lock: string;
  /** A run that goes on: its id, its beginning and its notes stay, and its time is added to. */
  goesOn?: RunSummary;
}

export class RunRecorder {
  readonly id: string;
  private readonly started: number;
  private readonly summary: RunSummary;
  private saved = Date.now();
  /** Lines of the log, one after the other. */
  private logging: Promise<void> = Promise.resolve();

  private constructor(
    private readonly start: RecordStart,
    private readonly context: JobContext,
  ) {
    const { root, settings, job, goesOn } = start;
    const now = Date.now();
    this.id = goesOn?.id ?? newRunId();
    this.started = now - 1000 * (goesOn?.seconds ?? 0);
    this.summary = {
      id: this.id,
      ...(job && { job }),
      preset: settings.preset,
      root,
      started: goesOn?.started ?? new Date(now).toISOString(),
      seconds: goesOn?.seconds ?? 0,
      state: 'running',
      device: '',
      photos: 0,
      written: 0,
      kept: 0,
      skipped: 0,
      untagged: 0,
      failed: [],
      notes: goesOn ? [...goesOn.notes] : [],
    };
  }

  /** Hold the data set's lock. @throws SeedMaskError 'not-writable', 'disk-full' */
  static async start(start: RecordStart, context: JobContext): Promise<RunRecorder> {
    const recorder = new RunRecorder(start, context);
    await recorder.save();
    return recorder;
  }

  set(facts: Partial<Pick<RunSummary, 'device' | 'photos' | 'untagged' | 'debias'>>): void {
    Object.assign(this.summary, facts);
  }

  note(line: string): void {
    if (this.summary.notes.length < MAX_NOTES) this.summary.notes.push(line);
    else if (this.summary.notes.length === MAX_NOTES) this.summary.notes.push(`more than ${MAX_NOTES} notes: the log has them all`);
    this.log('info', line);
  }

  log(level: 'info' | 'warn' | 'error', message: string): void {
    this.context.emit({ type: 'log', level, message });
    this.write(`${level}: ${message}`);
  }

  async count(photo: string, state: 'written' | 'kept' | 'skipped'): Promise<void> {
    this.summary[state]++;
    const held = state === 'kept' && (await isHeld(this.start.root, photo));
    this.context.emit({ type: 'photo', photo, state, ...(held && { message: HELD }) });
    if (held) this.note(`${photo}: kept: ${HELD}`);
    await this.saveNowAndThen();
  }

  async fail(photo: string, error: unknown): Promise<void> {
    const reason = error instanceof SeedMaskError ? error.reason : 'bug';
    const message = error instanceof SeedMaskError ? error.message : describeError(error);
    await this.refuse({ photo, reason, message });
    if (reason === 'bug' && error instanceof Error) this.write(error.stack ?? error.message);
  }

  async refuse(failure: Failure): Promise<void> {
    if (this.summary.failed.length < MAX_FAILURES) this.summary.failed.push(failure);
    else if (this.summary.failed.length === MAX_FAILURES) this.summary.notes.push(`more than ${MAX_FAILURES} photos failed: the log names them all`);
    this.context.emit({ type: 'photo', photo: failure.photo, state: 'failed', message: failure.message });
    this.log('error', `${failure.photo}: ${failure.message}`);
    await this.saveNowAndThen();
  }

  /** The last word; the summary as it stands on disk. Never throws: a full disk must not hide what happened. */
  async end(state: RunSummary['state'], error?: string): Promise<RunSummary> {
    Object.assign(this.summary, { state, ...(error !== undefined && { error }) });
    this.log(state === 'done' ? 'info' : 'warn', `${state}${error ? `: ${error}` : ''}`);
    await this.trySave();
    await this.logging;
    return this.summary;
  }

  private write(line: string): void {
    this.logging = this.logging.then(() => appendLog(this.start.root, this.id, line));
  }

  private async saveNowAndThen(): Promise<void> {
    if (Date.now() - this.saved > SAVE_EVERY_MS) await this.trySave();
  }

  /** What befalls the record is no photo's fault: a full disk shows in the next mask. */
  private async trySave(): Promise<void> {
    await this.save().catch(problem => this.context.emit({ type: 'log', level: 'error', message: `the run's record was not saved: ${describeError(problem)}` }));
  }

  private async save(): Promise<void> {
    this.saved = Date.now();
    this.summary.seconds = (this.saved - this.started) / 1000;
    const { root, settings, only, lock } = this.start;
    await saveRun(root, { settings, ...(only && { photos: [...only] }), lock, summary: this.summary });
  }
}
