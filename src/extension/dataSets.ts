/**
 * Where in this workspace runs have been made: folders that hold `.seedmask/classes.json`, and folders outside of it that were
 * picked by hand (remembered per workspace).
 */
import * as vscode from 'vscode';

const PICKED = 'pickedRoots';
const MAX = 200;

export class DataSets {
  constructor(private readonly memento: vscode.Memento) {}

  /** Roots that had a run, as paths on disk, sorted. */
  async roots(): Promise<string[]> {
    const found = await vscode.workspace.findFiles('**/.seedmask/classes.json', '**/node_modules/**', MAX);
    const roots = new Set(found.map(uri => vscode.Uri.joinPath(uri, '../..').fsPath));
    for (const path of this.memento.get<string[]>(PICKED, [])) {
      if (await isDataSet(vscode.Uri.file(path))) roots.add(path);
    }
    return [...roots].sort();
  }

  /** Remembers `root` when the workspace's own search would not find it. */
  async remember(root: string): Promise<void> {
    const picked = this.memento.get<string[]>(PICKED, []);
    if (vscode.workspace.getWorkspaceFolder(vscode.Uri.file(root)) || picked.includes(root)) return;
    await this.memento.update(PICKED, [root, ...picked].slice(0, 20));
  }
}

/** Whether a run was made in `folder`. */
export function isDataSet(folder: vscode.Uri): Promise<boolean> {
  return exists(vscode.Uri.joinPath(folder, '.seedmask'));
}

export async function exists(uri: vscode.Uri): Promise<boolean> {
  try {
    await vscode.workspace.fs.stat(uri);
    return true;
  } catch {
    return false;
  }
}
