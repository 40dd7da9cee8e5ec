/**
 * The *Runs* view: runs of the workspace's data sets, newest first, the living one on top; below each its failed photos with the
 * reason, of a training how its losses fell. It also knows which data sets have a run or a training to resume and says so to the menus (`seedmask.canResume`,
 * `seedmask.canResumeTraining`, `seedmask.hasTraining`).
 */
import { basename } from 'node:path';
import * as vscode from 'vscode';
import { describeError } from '../shared/errors';
import type { Failure, RunSummary } from '../shared/protocol';
import { countsText, durationText, plural } from '../shared/runTexts';
import { stageLine, TrainingHistory } from '../shared/trainingHistory';
import type { CurrentRun } from './currentRun';
import type { DataSets } from './dataSets';
import type { Engine } from './engine';
import { shortCounts } from './progressText';

export type RunNode = { kind: 'run'; run: RunSummary; resumable: boolean };
type PhotoNode = { kind: 'photo'; root: string; failure: Failure };
type NoteNode = { kind: 'note'; text: string; problem: boolean };
/** What a stage of a training came to. */
type StageNode = { kind: 'stage'; run: RunSummary; text: string };
type Node = RunNode | PhotoNode | NoteNode | StageNode;

/** The living run's counts are redrawn at most this often, in ms. */
const REDRAW_MS = 300;

export class RunsView implements vscode.TreeDataProvider<Node>, vscode.Disposable {
  #runs: RunSummary[] = [];
  #loading: Promise<void> | undefined;
  #loaded = false;
  #stale = false;
  #redraw: NodeJS.Timeout | undefined;
  readonly #changed = new vscode.EventEmitter<void>();
  readonly onDidChangeTreeData = this.#changed.event;
  readonly #parts: vscode.Disposable[];

  constructor(
    private readonly engine: Engine,
    private readonly current: CurrentRun,
    private readonly dataSets: DataSets,
    private readonly log: vscode.LogOutputChannel,
  ) {
    const view = vscode.window.createTreeView('seedmask.runs', { treeDataProvider: this });
    this.#parts = [
      view,
      view.onDidChangeVisibility(({ visible }) => void (visible && this.refresh())),
      current.onDidChange(() => {
        this.#redraw ??= setTimeout(() => {
          this.#redraw = undefined;
          this.#changed.fire();
        }, REDRAW_MS);
      }),
      vscode.workspace.onDidGrantWorkspaceTrust(() => this.refresh()),
    ];
  }

  /** Reads the runs again; what is asked for during a reading is read after it. Nothing is read in an untrusted workspace. */
  refresh(): Promise<void> {
    this.#stale = true;
    this.#loading ??= this.#loadWhileStale().finally(() => (this.#loading = undefined));
    return this.#loading;
  }

  /** Newest run of each data set that can be resumed, newest first. */
  async resumable(): Promise<RunSummary[]> {
    await this.refresh();
    return resumableRuns(this.#runs, undefined);
  }

  /** Newest training of each data set that can be resumed, newest first. */
  async resumableTrainings(): Promise<RunSummary[]> {
    await this.refresh();
    return resumableRuns(this.#runs, 'train');
  }

  /** Whether a run of the list can be gone on with. */
  isResumable(run: RunSummary): boolean {
    return resumableRuns(this.#runs, run.job).some(({ root, id }) => root === run.root && id === run.id);
  }

  /** What the view shows, for callers and tests. */
  get runs(): readonly RunSummary[] {
    const current = this.current.summary;
    return current ? [current, ...this.#runs.filter(run => !(run.root === current.root && run.state === 'running'))] : this.#runs;
  }

  async getChildren(parent?: Node): Promise<Node[]> {
    if (!parent) {
      if (!this.#loaded) await this.refresh();
      const resumable = new Set(this.current.summary ? [] : [...resumableRuns(this.#runs, undefined), ...resumableRuns(this.#runs, 'train')]);
      return this.runs.map(run => ({ kind: 'run', run, resumable: resumable.has(run) }));
    }
    if (parent.kind !== 'run') return [];
    const { run } = parent;
    return [
      ...(run.error ? [{ kind: 'note', text: run.error, problem: true } as const] : []),
      ...(await this.#stages(run)),
      ...run.failed.map(failure => ({ kind: 'photo', root: run.root, failure }) as const),
      ...run.notes.map(text => ({ kind: 'note', text, problem: false }) as const),
    ];
  }

  getTreeItem(node: Node): vscode.TreeItem {
    if (node.kind === 'run') return runItem(node);
    if (node.kind === 'stage') return stageItem(node);
    return node.kind === 'photo' ? photoItem(node) : noteItem(node);
  }

  dispose(): void {
    clearTimeout(this.#redraw);
    vscode.Disposable.from(...this.#parts, this.#changed).dispose();
  }

  /** How the stages of a training went, the living one's as the engine told them. */
  async #stages(run: RunSummary): Promise<StageNode[]> {
    const { summary, training } = this.current;
    let history = training;
    if (run !== summary) {
      if (run.job !== 'train') return [];
      history = new TrainingHistory();
      for (const line of await (await import('./training/runFiles')).readLines(run.root, run.id)) history.add(line);
    }
    return history.stages.map(stage => ({ kind: 'stage', run, text: stageLine(stage) }));
  }

  async #loadWhileStale(): Promise<void> {
    while (this.#stale) {
      this.#stale = false;
      await this.#load();
    }
  }

  async #load(): Promise<void> {
    const runs: RunSummary[] = [];
    for (const root of vscode.workspace.isTrusted ? await this.dataSets.roots() : []) {
      try {
        runs.push(...(await this.engine.request('runs', { root })).runs);
      } catch (error) {
        this.log.warn(`Runs of ${root} cannot be read: ${describeError(error)}`);
      }
    }
    this.#runs = runs.sort((a, b) => b.started.localeCompare(a.started));
    this.#loaded = true;
    const contexts = { canResume: resumableRuns(runs, undefined).length > 0, canResumeTraining: resumableRuns(runs, 'train').length > 0, hasTraining: runs.some(({ job }) => job === 'train') };
    await Promise.all(Object.entries(contexts).map(([name, value]) => vscode.commands.executeCommand('setContext', `seedmask.${name}`, value)));
    this.#changed.fire();
  }
}

/** Of runs sorted newest first: the newest of each data set that did this job, where it ended early. A debiasing is gone on with by starting it again. */
function resumableRuns(runs: readonly RunSummary[], job: RunSummary['job']): RunSummary[] {
  if (job === 'debias') return [];
  const newest = new Map<string, RunSummary>();
  for (const run of runs) if (run.job === job && !newest.has(run.root)) newest.set(run.root, run);
  return [...newest.values()].filter(run => run.state === 'cancelled' || run.state === 'interrupted' || run.state === 'failed');
}

/** What a run does, where it is not making masks. */
const JOB_NAMES: Record<NonNullable<RunSummary['job']>, string> = { debias: 'debiasing', train: 'training' };

function runItem({ run, resumable }: RunNode): vscode.TreeItem {
  const isTraining = run.job === 'train';
  const children = run.failed.length + run.notes.length + (run.error ? 1 : 0) + (isTraining ? 1 : 0);
  const started = new Date(run.started);
  const item = new vscode.TreeItem(`${basename(run.root)} · ${run.job ? `${JOB_NAMES[run.job]} · ` : ''}${run.state === 'running' ? 'running' : timeText(started)}`);
  item.id = `${run.root}\n${run.id}`;
  item.collapsibleState = children === 0 ? vscode.TreeItemCollapsibleState.None : run.failed.length || (isTraining && run.state === 'running') ? vscode.TreeItemCollapsibleState.Expanded : vscode.TreeItemCollapsibleState.Collapsed;
  item.description = [run.state === 'running' || run.state === 'done' ? '' : run.state, (isTraining && run.preset) || '', shortCounts(run)].filter(Boolean).join(' · ');
  item.iconPath = runIcon(run);
  item.contextValue = isTraining ? (resumable ? 'resumableTraining' : 'training') : resumable ? 'resumable' : 'run';
  if (isTraining) item.command = showTraining(run);
  item.tooltip = [
    run.root,
    `Started ${started.toLocaleString()}, ${durationText(run.seconds)}, ${run.state}`,
    isTraining ? plural(run.photos, 'photo') : `${plural(run.photos, 'photo')}: ${countsText(run)}`,
    ...(run.device ? [`Device: ${run.device}`] : []),
    ...(run.error ? [run.error] : []),
  ].join('\n');
  return item;
}

function runIcon(run: RunSummary): vscode.ThemeIcon {
  switch (run.state) {
    case 'running':
      return new vscode.ThemeIcon('sync~spin');
    case 'done':
      return run.failed.length ? new vscode.ThemeIcon('warning', new vscode.ThemeColor('list.warningForeground')) : new vscode.ThemeIcon('pass', new vscode.ThemeColor('testing.iconPassed'));
    case 'cancelled':
      return new vscode.ThemeIcon('circle-slash');
    case 'interrupted':
      return new vscode.ThemeIcon('debug-disconnect');
    case 'failed':
      return new vscode.ThemeIcon('error', new vscode.ThemeColor('list.errorForeground'));
  }
}

function photoItem({ root, failure }: PhotoNode): vscode.TreeItem {
  const uri = vscode.Uri.joinPath(vscode.Uri.file(root), ...failure.photo.split('/'));
  const item = new vscode.TreeItem(failure.photo);
  item.description = failure.message;
  item.tooltip = `${uri.fsPath}\n${failure.message}`;
  item.iconPath = new vscode.ThemeIcon('file-media');
  item.contextValue = 'failedPhoto';
  item.command = { command: 'seedmask.openPhoto', title: 'Open Photo', arguments: [uri] };
  return item;
}

function stageItem({ run, text }: StageNode): vscode.TreeItem {
  const item = new vscode.TreeItem(text);
  item.tooltip = text;
  item.iconPath = new vscode.ThemeIcon('graph-line');
  item.command = showTraining(run);
  return item;
}

function showTraining(run: RunSummary): vscode.Command {
  return { command: 'seedmask.showTraining', title: 'Show Training', arguments: [{ kind: 'run', run, resumable: false } satisfies RunNode] };
}

function noteItem({ text, problem }: NoteNode): vscode.TreeItem {
  const item = new vscode.TreeItem(text);
  item.tooltip = text;
  item.iconPath = new vscode.ThemeIcon(problem ? 'error' : 'info');
  return item;
}

/** '14:05' today, else '22 Nov, 14:05'. */
function timeText(time: Date): string {
  const clock = time.toLocaleTimeString([], { hour: '2-digit', minute: '2-digit' });
  return time.toDateString() === new Date().toDateString() ? clock : `${time.toLocaleDateString([], { day: 'numeric', month: 'short' })}, ${clock}`;
}
