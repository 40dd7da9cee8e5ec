/**
 * States of photos in the Explorer: a badge on the photo, and on its mask a hover with the classes in it. Only data sets whose review is open are decorated:
 * nothing is read for it.
 */
import * as vscode from 'vscode';
import { STATE_TEXTS } from '../../shared/photoStates';
import type { QueueItem } from '../../shared/review';
import type { ReviewDocument } from './reviewDocument';
import type { Reviews } from './reviews';
import { areasText, STATE_LOOKS } from './states';

/** Of more changes at once VS Code asks for everything it shows. */
const MOST_TOLD = 500;

export class Decorations implements vscode.FileDecorationProvider, vscode.Disposable {
  /** What each review's photos were decorated by. */
  readonly #shown = new Map<ReviewDocument, readonly QueueItem[]>();
  readonly #changed = new vscode.EventEmitter<vscode.Uri[] | undefined>();
  readonly onDidChangeFileDecorations = this.#changed.event;
  readonly #parts: vscode.Disposable[];

  constructor(private readonly reviews: Reviews) {
    this.#parts = [this.#changed, vscode.window.registerFileDecorationProvider(this), reviews.onDidChange(() => this.#update())];
  }

  provideFileDecoration(uri: vscode.Uri): vscode.FileDecoration | undefined {
    if (uri.scheme !== 'file') return undefined;
    for (const document of this.reviews.documents) {
      const at = document.photoAt(uri);
      if (at) return decorationOf(document, document.item(at.index), at.isMask);
    }
    return undefined;
  }

  dispose(): void {
    vscode.Disposable.from(...this.#parts).dispose();
  }

  #update(): void {
    const changed: vscode.Uri[] = [];
    for (const document of this.#shown.keys()) {
      if (this.reviews.documents.has(document)) continue;
      this.#shown.delete(document);
      this.#changed.fire(undefined);
    }
    for (const document of this.reviews.documents) {
      const before = this.#shown.get(document);
      const items = [...document.items];
      const others = items.filter((item, i) => item !== before?.[i]);
      this.#shown.set(document, items);
      if (others.length > MOST_TOLD) return this.#changed.fire(undefined);
      changed.push(...others.flatMap(({ photo, mask }) => [document.file(photo), document.file(mask)]));
    }
    if (changed.length > 0) this.#changed.fire(changed);
  }
}

function decorationOf({ classes }: ReviewDocument, item: QueueItem, isMask: boolean): vscode.FileDecoration {
  const text = STATE_TEXTS[item.state];
  const { badge, color } = STATE_LOOKS[item.state];
  const areas = areasText(item, classes);
  if (isMask) return new vscode.FileDecoration(undefined, [`Mask: ${text}`, ...(areas ? [areas] : [])].join(' · '));
  return new vscode.FileDecoration(badge, `SeedMask: ${item.problem ?? text}`, color === undefined ? undefined : new vscode.ThemeColor(color));
}
