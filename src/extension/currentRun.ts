/**
 * The one run that lives in this window: its state for the view, its status bar item, the context key `seedmask.running` and
 * the way to cancel it. The engine is one process with one device, so a second run has to wait for the first.
 */
import * as vscode from 'vscode';
import type { EngineEvent, RunSummary } from '../shared/protocol';
import { progressLine } from '../shared/runTexts';
import { statusText } from './progressText';

export class CurrentRun implements vscode.Disposable {
  #summary: RunSummary | undefined;
  #abort: AbortController | undefined;
  #status: vscode.StatusBarItem | undefined;
  #line = '';
  readonly #changed = new vscode.EventEmitter<void>();
  /** Fires when the run starts, ends, or a photo of it is done. */
  readonly onDidChange = this.#changed.event;

  /** The run so far; undefined when none lives. */
  get summary(): RunSummary | undefined {
    return this.#summary;
  }

  /** The last progress line. */
  get line(): string {
    return this.#line;
  }

  /** Opens the books for a run of `root` and returns the signal that cancels it. */
  start(root: string): AbortSignal {
    this.#abort = new AbortController();
    this.#summary = {
      id: 'current', root, started: new Date().toISOString(), seconds: 0, state: 'running', device: '',
      photos: 0, written: 0, kept: 0, skipped: 0, untagged: 0, failed: [], notes: [],
    };
    this.#line = 'starting';
    this.#status = vscode.window.createStatusBarItem('seedmask.run', vscode.StatusBarAlignment.Left);
    this.#status.name = 'SeedMask Run';
    this.#status.command = 'seedmask.runMenu';
    this.#status.text = '$(sync~spin) Masks';
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
      run.photos = Math.max(run.photos, event.stage === 'learn' || event.stage === 'device' ? 0 : event.total);
      this.#line = progressLine(event);
      if (!this.#status) return;
      this.#status.text = `$(sync~spin) ${statusText(event)}`;
      this.#status.tooltip = `SeedMask: ${this.#line}`;
      this.#status.accessibilityInformation = { label: `SeedMask run, ${this.#line}`, role: 'button' };
    } else if (event.type === 'photo') {
      if (event.state === 'failed') run.failed.push({ photo: event.photo, reason: 'failed', message: event.message ?? 'failed' });
      else run[event.state]++;
      this.#changed.fire();
    }
  }

  cancel(): void {
    this.#abort?.abort();
    if (this.#status) this.#status.text = '$(sync~spin) Masks: cancelling';
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
  }

  #announce(running: boolean): void {
    void vscode.commands.executeCommand('setContext', 'seedmask.running', running);
    this.#changed.fire();
  }
}
