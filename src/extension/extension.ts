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
import { RunsView } from './runsView';
import type { Services } from './services';

let engine: Engine | undefined;

/** @returns the window's services, for the tests that run inside the editor. */
export function activate(context: vscode.ExtensionContext): Services {
  const log = vscode.window.createOutputChannel('SeedMask', { log: true });
  engine = new Engine(context.extensionPath, context.globalStorageUri.fsPath, log);
  const run = new CurrentRun();
  const dataSets = new DataSets(context.workspaceState);
  const runsView = new RunsView(engine, run, dataSets, log);
  const reports = new Reports();
  const services: Services = { log, engine, run, dataSets, runsView, reports };
  context.subscriptions.push(log, run, runsView, reports, registerCommands(services));
  // A workspace with a run that ended early offers to resume it.
  void runsView.refresh();
  return services;
}

/** Ends the engine process with the window. */
export async function deactivate(): Promise<void> {
  await engine?.dispose();
}
