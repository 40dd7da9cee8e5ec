/**
 * Where unsaved edits lie for VS Code's hot exit: one file for each document, at a place of our own that its address tells. VS Code names the backup when it opens a
 * document again, but where a window went too fast for it to note the name (a browser's reload) it does not; then the file is found by its place.
 */
import { createHash } from 'node:crypto';
import * as vscode from 'vscode';

export class Backups {
  /** Which backup of a document is the newest: VS Code deletes the one before after it has the next, and both are one file. */
  readonly #newest = new Map<string, number>();

  constructor(private readonly storage: vscode.Uri) {}

  /** The backup's file, whether it is there or not. */
  of(document: vscode.Uri): vscode.Uri {
    return vscode.Uri.joinPath(this.storage, 'unsaved', createHash('sha256').update(document.toString()).digest('hex').slice(0, 32));
  }

  async write(document: vscode.Uri, bytes: Uint8Array): Promise<vscode.CustomDocumentBackup> {
    const file = this.of(document);
    const number = (this.#newest.get(file.path) ?? 0) + 1;
    this.#newest.set(file.path, number);
    await vscode.workspace.fs.createDirectory(vscode.Uri.joinPath(file, '..'));
    await vscode.workspace.fs.writeFile(file, bytes);
    return {
      id: file.toString(),
      delete: () => {
        if (this.#newest.get(file.path) === number) this.forget(document);
      },
    };
  }

  forget(document: vscode.Uri): void {
    // Where it is gone already there is nothing to delete.
    void vscode.workspace.fs.delete(this.of(document)).then(undefined, () => undefined);
  }
}
