/**
 * What the commands share: one of each per window, made at activation, disposed with it.
 */
import type * as vscode from 'vscode';
import type { CurrentRun } from './currentRun';
import type { DataSets } from './dataSets';
import type { Engine } from './engine';
import type { Reports } from './reports';
import type { QueueView } from './review/queueView';
import type { ReviewEngine } from './review/reviewEngine';
import type { Reviews } from './review/reviews';
import type { RunsView } from './runsView';
import type { Trainings } from './training/trainings';

export interface Services {
  log: vscode.LogOutputChannel;
  engine: Engine;
  /** Answers reviews while the other one works. */
  reviewEngine: ReviewEngine;
  /** The run that lives in this window, if any. */
  run: CurrentRun;
  dataSets: DataSets;
  runsView: RunsView;
  reports: Reports;
  reviews: Reviews;
  queueView: QueueView;
  trainings: Trainings;
}
