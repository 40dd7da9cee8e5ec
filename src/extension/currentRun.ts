/**
 * The one run that lives in this window: its state for the view, its status bar item, the context key `seedmask.running` and
 * the way to cancel it. The engine is one process with one device, so a second run has to wait for the first.
 */
import * as vscode from 'vscode';
import type { EngineEvent, RunSummary } from '../shared/protocol';
import { progressLine, type Progress } from '../shared/runTexts';
import { TrainingHistory } from '../shared/trainingHistory';
import { fractionDone, MASK_SHARES, statusText, type Shares } from './progressText';

export class CurrentRun implements vscode.Disposable {
  #summary: RunSummary | undefined;
  #abort: AbortController | undefined;
  #status: vscode.StatusBarItem | undefined;
  #line = '';
  #progress: Progress | undefined;
  #share = 0;
  #shares = MASK_SHARES;
  #training = new TrainingHistory();
  readonly #changed = new vscode.EventEmitter<void>();
  /** Fires when the run starts, ends, or a photo of it is done. */
  readonly onDidChange = this.#changed.event;
  readonly #told = new vscode.EventEmitter<EngineEvent>();
  /** What the engine says of the run, when the run's books have it. */
  readonly onDidTell = this.#told.event;

  /** The run so far; undefined when none lives. */
  get summary(): RunSummary | undefined {
    return this.#summary;
  }

  /** The last progress line. */
  get line(): string {
    return this.#line;
  }

  /** Done part of the whole run, 0..1; never falls. */
  get share(): number {
    return this.#share;
  }

  /** What the run has trained so far. */
  get training(): TrainingHistory {
    return this.#training;
  }

  /** Opens the books for a run of `root` and returns the signal that cancels it. @param shares how its time is spread over its stages */
  start(root: string, { job, preset }: Pick<RunSummary, 'job' | 'preset'> = {}, shares: Shares = MASK_SHARES): AbortSignal {
    this.#abort = new AbortController();
    this.#progress = undefined;
    this.#share = 0;
    this.#shares = shares;
    this.#training = new TrainingHistory();
    this.#summary = {
      id: 'current', ...(job && { job }), ...(preset && { preset }), root, started: new Date().toISOString(), seconds: 0, state: 'running', device: '',
      photos: 0, written: 0, kept: 0, skipped: 0, untagged: 0, failed: [], notes: [],
    };
    this.#line = 'starting';
    this.#status = vscode.window.createStatusBarItem('seedmask.run', vscode.StatusBarAlignment.Left);
    this.#status.name = 'SeedMask Run';
    this.#status.command = 'seedmask.runMenu';
    this.#status.text = `$(sync~spin) ${this.#name}`;
    this.#status.tooltip = 'SeedMask: starting';
    this.#status.accessibilityInformation = { label: 'SeedMask run, starting', role: 'button' };
    this.#status.show();
    this.#announce(true);
    return this.#abort.signal;
  }

  /** Takes what the engine says of the run. */
  event(event: EngineEvent): void {
    const run = this.#summary;
    if (!run) return;
    if (event.type === 'progress') {
      if (event.device) run.device = event.device;
      run.photos = Math.max(run.photos, event.stage === 'learn' || event.stage === 'device' || event.stage === 'train' ? 0 : event.total);
      this.#share = Math.max(this.#share, fractionDone(event, this.#shares));
      this.#progress = event;
      this.#draw(run);
    } else if (event.type === 'metrics') {
      run.id = event.run;
      this.#training.add({ type: 'metrics', ...event.metrics });
      this.#draw(run);
      this.#changed.fire();
    } else if (event.type === 'sample') {
      run.id = event.run;
      this.#training.add({ type: 'sample', ...event.sample });
    } else if (event.type === 'photo') {
      if (event.state === 'failed') run.failed.push({ photo: event.photo, reason: 'failed', message: event.message ?? 'failed' });
      else run[event.state]++;
      this.#changed.fire();
    }
    this.#told.fire(event);
  }

  cancel(): void {
    this.#abort?.abort();
    if (this.#status) this.#status.text = `$(sync~spin) ${this.#name}: cancelling`;
  }

  end(): void {
    this.#summary = undefined;
    this.#abort = undefined;
    this.#status?.dispose();
    this.#status = undefined;
    this.#announce(false);
  }

  dispose(): void {
    this.#abort?.abort();
    this.#status?.dispose();
    this.#changed.dispose();
    this.#told.dispose();
  }

  /** The line, and the status bar's, of where the run is. */
  #draw({ job }: RunSummary): void {
    if (!this.#progress) return;
    const loss = this.#training.stages.at(-1)?.points.at(-1)?.losses['total'];
    this.#line = progressLine(this.#progress, loss);
    if (!this.#status) return;
    this.#status.text = `$(sync~spin) ${statusText(this.#progress, job, loss)}`;
    this.#status.tooltip = `SeedMask: ${this.#line}`;
    this.#status.accessibilityInformation = { label: `SeedMask run, ${this.#line}`, role: 'button' };
  }

  /** In the status bar, while there is nothing to count. */
  get #name(): string {
    return this.#summary?.job === 'train' ? 'Training' : 'Masks';
  }

  #announce(running: boolean): void {
    void vscode.commands.executeCommand('setContext', 'seedmask.running', running);
    this.#changed.fire();
  }
}
