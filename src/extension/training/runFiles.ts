/**
 * What a training left on disk, read for its page and for the view of runs: the lines of `metrics.jsonl`, the record, the class names. Nothing here is written, and what
 * cannot be read is as if it were not there: a torn last line is what a killed process leaves.
 */
import { setImmediate } from 'node:timers/promises';
import * as v from 'valibot';
import * as vscode from 'vscode';
import { classFileSchema } from '../../shared/classFile';
import { runSummarySchema } from '../../shared/protocol';
import { runSettingsSchema } from '../../shared/settings';
import { trainingLineSchema, type TrainingLine } from '../../shared/training';
import type { TrainingStatus } from '../../shared/trainingPage';

const recordSchema = v.object({ settings: runSettingsSchema, summary: runSummarySchema });
export type RunRecord = v.InferOutput<typeof recordSchema>;

/** Lines read between two breaths of the extension host. */
const SLICE = 400;

/** Ids that can be the name of a run's folder and nothing else. */
export const RUN_ID = /^[\w-]{1,60}$/;

/** @throws RangeError when `run` cannot be a run's id: such a path is never built. */
export function runFolder(root: string, run: string): vscode.Uri {
  if (!RUN_ID.test(run)) throw new RangeError(`'${run.slice(0, 60)}' is not the id of a run`);
  return vscode.Uri.joinPath(vscode.Uri.file(root), '.seedmask', 'runs', run);
}

/** The lines that a training has told so far, in their order. */
export async function readLines(root: string, run: string): Promise<TrainingLine[]> {
  const lines: TrainingLine[] = [];
  const texts = (await readText(vscode.Uri.joinPath(runFolder(root, run), 'metrics.jsonl'))).split('\n');
  for (const [i, text] of texts.entries()) {
    if (i % SLICE === SLICE - 1) await setImmediate();
    const line = v.safeParse(trainingLineSchema, parsed(text));
    if (line.success) lines.push(line.output);
  }
  return lines;
}

/** Settings and summary as the run's record has them; a run that was killed still says 'running'. */
export async function readRecord(root: string, run: string): Promise<RunRecord | undefined> {
  const record = v.safeParse(recordSchema, parsed(await readText(vscode.Uri.joinPath(runFolder(root, run), 'run.json'))));
  return record.success ? record.output : undefined;
}

export async function readClasses(root: string): Promise<TrainingStatus['classes']> {
  const file = v.safeParse(classFileSchema, parsed(await readText(vscode.Uri.joinPath(vscode.Uri.file(root), '.seedmask', 'classes.json'))));
  return file.success ? file.output.classes : [];
}

/** The file that a line names, below the run's folder; undefined where the name leads anywhere else. */
export function sampleFile(root: string, run: string, path: string): vscode.Uri | undefined {
  const parts = path.split('/');
  const isBelow = parts.every(part => part !== '' && part !== '.' && part !== '..' && !/[\\:]/.test(part));
  return isBelow ? vscode.Uri.joinPath(runFolder(root, run), ...parts) : undefined;
}

async function readText(uri: vscode.Uri): Promise<string> {
  try {
    return new TextDecoder().decode(await vscode.workspace.fs.readFile(uri));
  } catch {
    return '';
  }
}

/** Undefined where it is no JSON. */
function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
