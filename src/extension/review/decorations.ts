/**
 * States of photos in the Explorer: a badge on the photo, and on its mask a hover with the classes in it. Only data sets whose review was opened in this window are
 * decorated: nothing is read for it.
 */
import * as vscode from 'vscode';
import type { QueueItem } from '../../shared/review';
import type { Reviews } from './reviews';
import { areasText, STATES } from './states';

interface Known {
  item: QueueItem;
  isMask: boolean;
  classes: readonly { id: number; name: string }[];
}

export class Decorations implements vscode.FileDecorationProvider, vscode.Disposable {
  /** By path. */
  #known = new Map<string, Known>();
  readonly #changed = new vscode.EventEmitter<vscode.Uri[]>();
  readonly onDidChangeFileDecorations = this.#changed.event;
  readonly #parts: vscode.Disposable[];

  constructor(private readonly reviews: Reviews) {
    this.#parts = [this.#changed, vscode.window.registerFileDecorationProvider(this), reviews.onDidChange(() => this.#update())];
  }

  provideFileDecoration(uri: vscode.Uri): vscode.FileDecoration | undefined {
    const known = uri.scheme === 'file' ? this.#known.get(uri.fsPath) : undefined;
    if (!known) return undefined;
    const { item, isMask, classes } = known;
    const { text, badge, color } = STATES[item.state];
    const areas = areasText(item, classes);
    if (isMask) return new vscode.FileDecoration(undefined, [`Mask: ${text}`, ...(areas ? [areas] : [])].join(' · '));
    return new vscode.FileDecoration(badge, `SeedMask: ${item.problem ?? text}`, color === undefined ? undefined : new vscode.ThemeColor(color));
  }

  dispose(): void {
    vscode.Disposable.from(...this.#parts).dispose();
  }

  /** Files whose state is another one than they are decorated with. */
  #update(): void {
    const changed: vscode.Uri[] = [];
    for (const document of this.reviews.documents) {
      for (const item of document.items) {
        for (const id of [item.photo, item.mask]) {
          const uri = document.file(id);
          if (this.#known.get(uri.fsPath)?.item === item) continue;
          this.#known.set(uri.fsPath, { item, isMask: id === item.mask, classes: document.classes });
          changed.push(uri);
        }
      }
    }
    if (changed.length > 0) this.#changed.fire(changed);
  }
}
