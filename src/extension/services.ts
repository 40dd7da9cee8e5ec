/**
 * What the commands share: one of each per window, made at activation, disposed with it.
 */
import type * as vscode from 'vscode';
import type { CurrentRun } from './currentRun';
import type { DataSets } from './dataSets';
import type { Engine } from './engine';
import type { Reports } from './reports';
import type { RunsView } from './runsView';

export interface Services {
  log: vscode.LogOutputChannel;
  engine: Engine;
  /** The run that lives in this window, if any. */
  run: CurrentRun;
  dataSets: DataSets;
  runsView: RunsView;
  reports: Reports;
}
