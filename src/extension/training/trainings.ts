/**
 * The tabs that show trainings: opened by commands, brought back by VS Code after a window was reloaded. One a run; a training that begins gets one before it has an id.
 */
import { basename } from 'node:path';
import * as v from 'valibot';
import * as vscode from 'vscode';
import type { DataSets } from '../dataSets';
import { RUN_ID } from './runFiles';
import { TrainingPanel, type PanelParts } from './trainingPanel';

export const TRAINING_VIEW = 'seedmask.training';

/** What the page keeps for a window that is reloaded; it comes back from outside. */
const stateSchema = v.object({ root: v.pipe(v.string(), v.minLength(1)), run: v.nullable(v.pipe(v.string(), v.regex(RUN_ID))) });

export class Trainings implements vscode.WebviewPanelSerializer, vscode.Disposable {
  readonly #panels = new Set<TrainingPanel>();
  readonly #registration: vscode.Disposable;

  constructor(
    private readonly parts: PanelParts,
    private readonly dataSets: DataSets,
  ) {
    this.#registration = vscode.window.registerWebviewPanelSerializer(TRAINING_VIEW, this);
  }

  get panels(): ReadonlySet<TrainingPanel> {
    return this.#panels;
  }

  /** Shows a run's training in its tab, made if it has none. */
  show(root: string, id: string): TrainingPanel {
    return this.#show(root, id);
  }

  /** Shows the training that has just begun on `root`. @param resumed the run that it goes on with, whose tab is taken where it is open */
  showBegun(root: string, resumed?: string): TrainingPanel {
    const isOpen = [...this.#panels].some(panel => panel.root === root && panel.run === resumed);
    const panel = this.#show(root, isOpen ? resumed : undefined);
    panel.await();
    return panel;
  }

  async deserializeWebviewPanel(panel: vscode.WebviewPanel, state: unknown): Promise<void> {
    const parsed = v.safeParse(stateSchema, state);
    // Only what lies in a data set of this workspace is shown again.
    if (!parsed.success || !(await this.dataSets.roots()).includes(parsed.output.root)) return panel.dispose();
    const { root, run } = parsed.output;
    await this.parts.runsView.refresh();
    const id = run ?? this.parts.runsView.runs.find(summary => summary.root === root && summary.job === 'train')?.id;
    if (id === undefined) return panel.dispose();
    this.#take(panel, root, id);
  }

  dispose(): void {
    this.#registration.dispose();
    for (const { panel } of this.#panels) panel.dispose();
  }

  #show(root: string, id: string | undefined): TrainingPanel {
    const open = [...this.#panels].find(panel => panel.root === root && panel.run === id);
    if (open) {
      open.panel.reveal();
      return open;
    }
    const panel = vscode.window.createWebviewPanel(TRAINING_VIEW, `Training · ${basename(root)}`, { viewColumn: vscode.ViewColumn.Active, preserveFocus: true });
    return this.#take(panel, root, id);
  }

  #take(panel: vscode.WebviewPanel, root: string, id: string | undefined): TrainingPanel {
    const training = new TrainingPanel(panel, root, id, this.parts);
    this.#panels.add(training);
    panel.onDidDispose(() => this.#panels.delete(training));
    return training;
  }
}
