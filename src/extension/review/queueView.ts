/**
 * The *Review Queue* view: photos of the review a person is at, by state, filtered and sorted as wished. A click shows a photo in the review; several can be accepted
 * or rejected at once. The status bar counts what is done.
 */
import * as vscode from 'vscode';
import { SeedMaskError } from '../../shared/errors';
import { isReviewed, reviewProgress, STATE_ICONS, STATE_TEXTS } from '../../shared/photoStates';
import { isFiltered, nameRanks, NO_FILTER, shownPhotos, type NameRanks, type QueueFilter, type QueueSort } from '../../shared/queueOrder';
import type { Mark, PhotoState, QueueItem } from '../../shared/review';
import { plural } from '../../shared/runTexts';
import type { ReviewDocument } from './reviewDocument';
import type { Reviews } from './reviews';
import { areasText, IN_ORDER, STATE_LOOKS } from './states';

type StateNode = { kind: 'state'; state: PhotoState; indices: number[] };
export type PhotoNode = { kind: 'photo'; document: ReviewDocument; index: number };
type MoreNode = { kind: 'more'; count: number };
export type QueueNode = StateNode | PhotoNode | MoreNode;

/** Photos listed below one state; more are found by filters. */
const MOST_LISTED = 1000;
/** The tree is drawn at most this often, in ms. */
const REDRAW_MS = 250;

export class QueueView implements vscode.TreeDataProvider<QueueNode>, vscode.Disposable {
  #filter = NO_FILTER;
  #sort: QueueSort = 'name';
  #ranks: NameRanks | undefined;
  #redraw: NodeJS.Timeout | undefined;
  /** The review it shows. */
  #document: ReviewDocument | undefined;
  readonly #view: vscode.TreeView<QueueNode>;
  readonly #status: vscode.StatusBarItem;
  readonly #changed = new vscode.EventEmitter<void>();
  readonly onDidChangeTreeData = this.#changed.event;
  readonly #parts: vscode.Disposable[];

  constructor(private readonly reviews: Reviews) {
    this.#view = vscode.window.createTreeView<QueueNode>('seedmask.queue', { treeDataProvider: this, canSelectMany: true, showCollapseAll: true });
    this.#status = vscode.window.createStatusBarItem('seedmask.reviewed', vscode.StatusBarAlignment.Right, 100);
    this.#status.name = 'SeedMask Review';
    this.#status.command = 'seedmask.queue.focus';
    this.#parts = [this.#view, this.#status, this.#changed, reviews.onDidChange(() => this.#follow())];
  }

  get filter(): QueueFilter {
    return this.#filter;
  }

  set filter(filter: QueueFilter) {
    this.#filter = filter;
    void vscode.commands.executeCommand('setContext', 'seedmask.queueFiltered', isFiltered(filter));
    this.#draw();
  }

  get sort(): QueueSort {
    return this.#sort;
  }

  set sort(sort: QueueSort) {
    this.#sort = sort;
    this.#draw();
  }

  getChildren(parent?: QueueNode): QueueNode[] {
    const document = this.reviews.active;
    if (!document) return [];
    if (parent?.kind === 'state') {
      const photos = parent.indices.slice(0, MOST_LISTED).map((index): QueueNode => ({ kind: 'photo', document, index }));
      return parent.indices.length > MOST_LISTED ? [...photos, { kind: 'more', count: parent.indices.length - MOST_LISTED }] : photos;
    }
    if (parent) return [];
    const byState = new Map<PhotoState, number[]>();
    this.#ranks = nameRanks(document.items, this.#ranks);
    for (const index of shownPhotos(document.items, this.#filter, this.#sort, this.#ranks)) {
      const { state } = document.items[index];
      const there = byState.get(state);
      if (there) there.push(index);
      else byState.set(state, [index]);
    }
    return IN_ORDER.flatMap(state => {
      const indices = byState.get(state);
      return indices ? [{ kind: 'state', state, indices }] : [];
    });
  }

  getTreeItem(node: QueueNode): vscode.TreeItem {
    if (node.kind === 'state') return stateItem(node, this.reviews.active?.root ?? '');
    return node.kind === 'photo' ? photoItem(node) : moreItem(node);
  }

  /** Gives a word on photos of the tree: the selected ones, with the clicked one. */
  async mark(mark: Mark, clicked?: QueueNode, selected: readonly QueueNode[] = this.#view.selection): Promise<void> {
    const nodes = clicked && !selected.includes(clicked) ? [clicked] : selected;
    const indices = new Set(nodes.flatMap(node => (node.kind === 'photo' ? [node.index] : node.kind === 'state' ? node.indices : [])));
    const document = this.reviews.active;
    const masks = document ? [...indices].map(index => document.item(index)).filter(hasMask) : [];
    if (!document || masks.length === 0) throw new SeedMaskError('unavailable', 'no mask of the queue is selected');
    await document.mark(masks.map(({ photo }) => photo), mark);
  }

  dispose(): void {
    clearTimeout(this.#redraw);
    vscode.Disposable.from(...this.#parts).dispose();
  }

  #follow(): void {
    const document = this.reviews.active;
    if (document !== this.#document) {
      this.#document = document;
      void vscode.commands.executeCommand('setContext', 'seedmask.reviewing', document !== undefined);
      this.filter = NO_FILTER;
    }
    this.#redraw ??= setTimeout(() => {
      this.#redraw = undefined;
      this.#draw();
    }, REDRAW_MS);
  }

  #draw(): void {
    const document = this.#document;
    this.#changed.fire();
    this.#view.badge = undefined;
    if (!document) {
      this.#view.description = undefined;
      return this.#status.hide();
    }
    const { reviewed, of } = reviewProgress(document.items);
    if (of > reviewed) this.#view.badge = { value: of - reviewed, tooltip: `${plural(of - reviewed, 'mask')} to review` };
    this.#view.description = `${document.name} · ${reviewed} / ${of}`;
    this.#status.text = `$(layers) reviewed ${reviewed} / ${of}`;
    this.#status.tooltip = `SeedMask: ${reviewed} of ${plural(of, 'mask')} of ${document.name} reviewed`;
    this.#status.accessibilityInformation = { label: `SeedMask, ${reviewed} of ${of} masks reviewed`, role: 'button' };
    this.#status.show();
  }
}

function hasMask({ state }: QueueItem): boolean {
  return state !== 'untagged' && state !== 'missing' && state !== 'failed';
}

function stateItem({ state, indices }: StateNode, root: string): vscode.TreeItem {
  const text = STATE_TEXTS[state];
  const item = new vscode.TreeItem(text[0].toUpperCase() + text.slice(1), isReviewed(state) ? vscode.TreeItemCollapsibleState.Collapsed : vscode.TreeItemCollapsibleState.Expanded);
  item.id = `${root}\n${state}`;
  item.description = String(indices.length);
  item.iconPath = iconOf(state);
  item.contextValue = 'state';
  return item;
}

function photoItem({ document, index }: PhotoNode): vscode.TreeItem {
  const entry = document.item(index);
  const { photo, state, problem } = entry;
  const text = STATE_TEXTS[state];
  const isDirty = document.edits.isDirty(photo);
  const item = new vscode.TreeItem(photo);
  item.id = `${document.root}\n${photo}`;
  const areas = areasText(entry, document.classes);
  item.description = problem ?? areas;
  item.tooltip = [photo, `${text}${isDirty ? ', with unsaved edits' : ''}`, ...(areas ? [areas] : []), ...(problem !== undefined ? [problem] : [])].join('\n');
  item.iconPath = iconOf(state, isDirty);
  item.contextValue = [hasMask(entry) ? 'mask' : 'photo', ...(isReviewed(state) ? ['marked'] : [])].join(' ');
  item.accessibilityInformation = { label: `${photo}, ${text}${areas && `, ${areas}`}` };
  item.command = { command: 'seedmask.review.openItem', title: 'Show in Review', arguments: [{ kind: 'photo', document, index } satisfies PhotoNode] };
  return item;
}

function iconOf(state: PhotoState, isDirty = false): vscode.ThemeIcon {
  const { color } = STATE_LOOKS[state];
  return new vscode.ThemeIcon(isDirty ? 'circle-filled' : STATE_ICONS[state], color === undefined ? undefined : new vscode.ThemeColor(color));
}

function moreItem({ count }: MoreNode): vscode.TreeItem {
  const item = new vscode.TreeItem(`${count} more`);
  item.description = 'filter to see them';
  item.command = { command: 'seedmask.review.filterQueue', title: 'Filter Queue…' };
  return item;
}
