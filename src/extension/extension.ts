/**
 * Where VS Code enters. Activation only puts the pieces together; commands load what they need when they are called, and neither ONNX
 * Runtime nor sharp is ever loaded in this process.
 */
import * as vscode from 'vscode';
import { registerCommands } from './commands';
import { CurrentRun } from './currentRun';
import { DataSets } from './dataSets';
import { Engine } from './engine';
import { Reports } from './reports';
import { Decorations } from './review/decorations';
import { QueueView } from './review/queueView';
import { ReviewEngine } from './review/reviewEngine';
import { Reviews, VIEW_TYPE } from './review/reviews';
import { RunsView } from './runsView';
import type { Services } from './services';
import { Trainings } from './training/trainings';

let engine: Engine | undefined;
let reviewEngine: ReviewEngine | undefined;

/** @returns the window's services, for the tests that run inside the editor. */
export function activate(context: vscode.ExtensionContext): Services {
  const log = vscode.window.createOutputChannel('SeedMask', { log: true });
  engine = new Engine(context.extensionPath, context.globalStorageUri.fsPath, log);
  const run = new CurrentRun();
  const dataSets = new DataSets(context.workspaceState);
  const runsView = new RunsView(engine, run, dataSets, log);
  const reports = new Reports();
  reviewEngine = new ReviewEngine(context.extensionPath, context.globalStorageUri.fsPath, log);
  const reviews = new Reviews({ extension: context, engine, reviewEngine, run, log });
  const editor = vscode.window.registerCustomEditorProvider(VIEW_TYPE, reviews, { supportsMultipleEditorsPerDocument: true });
  const queueView = new QueueView(reviews);
  const trainings = new Trainings({ extension: context.extensionUri, run, runsView, log }, dataSets);
  const services: Services = { log, engine, reviewEngine, run, dataSets, runsView, reports, reviews, queueView, trainings };
  context.subscriptions.push(log, run, runsView, reports, reviews, editor, queueView, trainings, new Decorations(reviews), registerCommands(services));
  // A workspace with a run that ended early offers to resume it.
  void runsView.refresh();
  return services;
}

/** Ends the engine processes with the window. */
export async function deactivate(): Promise<void> {
  await Promise.all([engine?.dispose(), reviewEngine?.dispose()]);
}
