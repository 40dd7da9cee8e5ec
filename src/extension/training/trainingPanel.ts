/**
 * One tab that shows a training: what is on disk of it and, while it is the run that lives in this window, everything that the engine tells. It may be opened before the
 * run has an id. The page asks for commands by name; they go the way of all commands, so that restricted mode holds for them.
 */
import { basename } from 'node:path';
import * as v from 'valibot';
import * as vscode from 'vscode';
import type { EngineEvent, RunSummary } from '../../shared/protocol';
import type { TrainingLine } from '../../shared/training';
import { fromTrainingPageSchema, type ToTrainingPage, type TrainingCommand, type TrainingStatus } from '../../shared/trainingPage';
import type { CurrentRun } from '../currentRun';
import { pageHtml, pageOptions } from '../html';
import type { RunsView } from '../runsView';
import { readClasses, readLines, readRecord, runFolder, sampleFile } from './runFiles';

export interface PanelParts {
  extension: vscode.Uri;
  run: CurrentRun;
  runsView: RunsView;
  log: vscode.LogOutputChannel;
}

export class TrainingPanel {
  #run: string | undefined;
  #lines: TrainingLine[] = [];
  #classes: TrainingStatus['classes'] = [];
  /** As the run's record on disk had it when it was read. */
  #recorded: RunSummary | undefined;
  #loading: Promise<void> | undefined;
  #ready = false;
  /** The run that lives, or is about to, is this training, under whatever id it will have. */
  #isAwaited = false;
  #told = '';
  readonly #listeners: vscode.Disposable[];

  constructor(
    readonly panel: vscode.WebviewPanel,
    readonly root: string,
    run: string | undefined,
    private readonly parts: PanelParts,
  ) {
    this.#run = run;
    this.#listeners = [
      panel.webview.onDidReceiveMessage((message: unknown) => this.receive(message)),
      // A hidden page is no more; the one that comes back asks for everything.
      panel.onDidChangeViewState(() => (this.#ready &&= panel.visible)),
      parts.run.onDidTell(event => this.#hear(event)),
      parts.run.onDidChange(() => {
        this.#isAwaited &&= parts.run.summary !== undefined;
        this.#tellStatus();
      }),
      parts.runsView.onDidChangeTreeData(() => this.#tellStatus()),
      vscode.workspace.onDidGrantWorkspaceTrust(() => this.#tellStatus()),
    ];
    panel.onDidDispose(() => vscode.Disposable.from(...this.#listeners).dispose());
    panel.iconPath = vscode.Uri.joinPath(parts.extension, 'media', 'view.svg');
    this.#allowPictures();
    panel.webview.html = pageHtml(panel.webview, parts.extension, 'training');
  }

  /** Undefined while the training has none. */
  get run(): string | undefined {
    return this.#run;
  }

  /** What the page was told, for tests. */
  get lines(): readonly TrainingLine[] {
    return this.#lines;
  }

  /** Whether this training is the run that lives in this window. */
  get isLive(): boolean {
    const { summary } = this.parts.run;
    return summary?.root === this.root && (summary.id === this.#run || (this.#isAwaited && summary.id === 'current'));
  }

  /** The run that has just begun in this window is this training; its id comes with its first word. */
  await(): void {
    this.#isAwaited = true;
    this.#tellStatus();
  }

  /** Shows the run `id` of this data set from now on. */
  async begin(id: string): Promise<void> {
    if (id === this.#run) return;
    this.#run = id;
    this.#lines = [];
    this.#loading = undefined;
    this.#allowPictures();
    await this.#tellAll();
  }

  /** Takes one message as the page posted it. */
  async receive(message: unknown): Promise<void> {
    const parsed = v.safeParse(fromTrainingPageSchema, message);
    if (!parsed.success) return this.parts.log.warn(`Training: the page sent a malformed message: ${parsed.issues[0].message}`);
    if (parsed.output.type === 'command') return this.#carryOut(parsed.output.name);
    this.#ready = true;
    await this.#tellAll();
  }

  status(): TrainingStatus {
    const summary = this.#summary();
    return {
      name: basename(this.root),
      root: this.root,
      run: this.#run ?? null,
      preset: summary?.preset ?? this.#recorded?.preset ?? null,
      state: summary?.state ?? 'interrupted',
      started: summary?.started ?? null,
      device: summary?.device ?? '',
      problem: summary?.error ?? null,
      notes: summary?.notes ?? [],
      classes: this.#classes,
      commands: this.#commands(summary),
    };
  }

  #summary(): RunSummary | undefined {
    const { run, runsView } = this.parts;
    if (this.isLive) return run.summary;
    const known = runsView.runs.find(({ root, id }) => root === this.root && id === this.#run);
    if (known) return known;
    // Nobody who works on it is known here, or the list of runs is still to be read.
    return this.#recorded?.state === 'running' ? { ...this.#recorded, state: 'interrupted' } : this.#recorded;
  }

  #commands(summary: RunSummary | undefined): TrainingCommand[] {
    const { run, runsView } = this.parts;
    if (this.isLive) return ['cancel', 'showLog'];
    if (!vscode.workspace.isTrusted || run.summary || summary?.job !== 'train') return ['showLog'];
    const [newest] = runsView.runs.filter(({ root, job }) => root === this.root && job === 'train');
    const isNewest = newest?.id === this.#run;
    return [...(isNewest && summary.state === 'done' ? (['generate'] as const) : []), ...(runsView.isResumable(summary) ? (['resume'] as const) : []), 'showLog'];
  }

  async #carryOut(name: TrainingCommand): Promise<void> {
    switch (name) {
      case 'cancel':
        // A cancel that was asked for before the run ended must not stop the next one.
        if (this.isLive) await vscode.commands.executeCommand('seedmask.cancel');
        return;
      case 'resume':
        return vscode.commands.executeCommand('seedmask.resumeTraining', this.root);
      case 'generate':
        return vscode.commands.executeCommand('seedmask.generateTrained', this.root, this.#run);
      case 'showLog':
        return vscode.commands.executeCommand('seedmask.showLog');
    }
  }

  #hear(event: EngineEvent): void {
    if (this.parts.run.summary?.root !== this.root) return;
    if (event.type === 'progress' && this.isLive) return this.#post({ type: 'progress', progress: this.#progress() });
    if (event.type !== 'metrics' && event.type !== 'sample') return;
    if (this.#isAwaited) void this.begin(event.run);
    if (event.run !== this.#run) return;
    const line: TrainingLine = event.type === 'metrics' ? { type: 'metrics', ...event.metrics } : { type: 'sample', ...event.sample };
    this.#lines.push(line);
    this.#post({ type: 'lines', lines: [this.#addressed(line)] });
  }

  #progress(): (ToTrainingPage & { type: 'progress' })['progress'] {
    const { run } = this.parts;
    return this.isLive ? { text: run.line, share: Math.min(1, run.share) } : null;
  }

  /** Reads what is on disk, once; what the engine tells meanwhile comes after it. */
  async #load(): Promise<void> {
    const run = this.#run;
    if (run === undefined) return;
    const [lines, record, classes] = await Promise.all([readLines(this.root, run), readRecord(this.root, run), readClasses(this.root)]);
    if (run !== this.#run) return;
    this.#lines = [...lines, ...this.#lines];
    this.#recorded = record?.summary;
    this.#classes = classes;
  }

  async #tellAll(): Promise<void> {
    await (this.#loading ??= this.#load());
    const status = this.status();
    this.#told = JSON.stringify(status);
    this.panel.title = `Training · ${status.name}`;
    this.#post({ type: 'view', status, progress: this.#progress(), lines: this.#lines.map(line => this.#addressed(line)) });
  }

  #tellStatus(): void {
    const status = this.status();
    const words = JSON.stringify(status);
    if (words === this.#told) return;
    this.#told = words;
    this.#post({ type: 'status', status });
    if (!this.isLive) this.#post({ type: 'progress', progress: null });
  }

  /** A sample's files as the page can load them. */
  #addressed(line: TrainingLine): TrainingLine {
    if (line.type === 'metrics') return line;
    const address = (path: string): string => {
      const file = this.#run === undefined ? undefined : sampleFile(this.root, this.#run, path);
      return file ? this.panel.webview.asWebviewUri(file).toString() : '';
    };
    return { ...line, mask: address(line.mask), picture: address(line.picture) };
  }

  #allowPictures(): void {
    this.panel.webview.options = pageOptions(this.parts.extension, ...(this.#run === undefined ? [] : [runFolder(this.root, this.#run)]));
  }

  #post(message: ToTrainingPage): void {
    if (this.#ready) void this.panel.webview.postMessage(message);
  }
}
