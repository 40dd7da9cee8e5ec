/**
 * The *Review Queue* view: photos of the review a person is at, by state, filtered and sorted as wished. A click shows a photo in the review; several can be accepted
 * or rejected at once. The status bar counts what is done.
 */
import * as vscode from 'vscode';
import { SeedMaskError } from '../../shared/errors';
import type { Mark, PhotoState, QueueItem } from '../../shared/review';
import { plural } from '../../shared/runTexts';
import type { ReviewDocument } from './reviewDocument';
import type { Reviews } from './reviews';
import { areasText, IN_ORDER, progressOf, STATES } from './states';

type StateNode = { kind: 'state'; state: PhotoState; indices: number[] };
export type PhotoNode = { kind: 'photo'; document: ReviewDocument; index: number };
type MoreNode = { kind: 'more'; count: number };
export type QueueNode = StateNode | PhotoNode | MoreNode;

export type QueueSort = 'queue' | keyof QueueItem['uncertainty'] | 'change';

export interface QueueFilter {
  states: readonly PhotoState[];
  classId?: number;
  /** Part of the photo's name. */
  text: string;
}

const ALL: QueueFilter = { states: [], text: '' };
/** Photos listed below one state; more are found by filters. */
const MOST_LISTED = 1000;
/** The tree is drawn at most this often, in ms. */
const REDRAW_MS = 250;

export class QueueView implements vscode.TreeDataProvider<QueueNode>, vscode.Disposable {
  #filter = ALL;
  #sort: QueueSort = 'queue';
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
    void vscode.commands.executeCommand('setContext', 'seedmask.queueFiltered', filter.states.length > 0 || filter.classId !== undefined || filter.text !== '');
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
    for (const index of ordered(document.items, this.#filter, this.#sort)) {
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
      this.filter = ALL;
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
    const { reviewed, of } = progressOf(document.items);
    if (of > reviewed) this.#view.badge = { value: of - reviewed, tooltip: `${plural(of - reviewed, 'mask')} to review` };
    this.#view.description = `${document.name} · ${reviewed} / ${of}`;
    this.#status.text = `$(layers) reviewed ${reviewed} / ${of}`;
    this.#status.tooltip = `SeedMask: ${reviewed} of ${plural(of, 'mask')} of ${document.name} reviewed`;
    this.#status.accessibilityInformation = { label: `SeedMask, ${reviewed} of ${of} masks reviewed`, role: 'button' };
    this.#status.show();
  }
}

/** Indices of the photos that a filter leaves, sorted: uncertain ones first, what is not known last. */
export function ordered(items: readonly QueueItem[], { states, classId, text }: QueueFilter, sort: QueueSort): number[] {
  const part = text.toLowerCase();
  const indices = [...items.keys()].filter(index => {
    const { photo, state, tags, areas } = items[index];
    return (
      (states.length === 0 || states.includes(state)) &&
      (classId === undefined || tags.includes(classId) || areas?.some(({ id }) => id === classId) === true) &&
      photo.toLowerCase().includes(part)
    );
  });
  if (sort === 'queue') return indices;
  const value = (index: number): number => (sort === 'change' ? items[index].change : items[index].uncertainty[sort]) ?? -1;
  return indices.sort((a, b) => value(b) - value(a) || a - b);
}

function hasMask({ state }: QueueItem): boolean {
  return state !== 'untagged' && state !== 'missing' && state !== 'failed';
}

function stateItem({ state, indices }: StateNode, root: string): vscode.TreeItem {
  const { text, icon, color } = STATES[state];
  const item = new vscode.TreeItem(text[0].toUpperCase() + text.slice(1), STATES[state].reviewed ? vscode.TreeItemCollapsibleState.Collapsed : vscode.TreeItemCollapsibleState.Expanded);
  item.id = `${root}\n${state}`;
  item.description = String(indices.length);
  item.iconPath = new vscode.ThemeIcon(icon, color === undefined ? undefined : new vscode.ThemeColor(color));
  item.contextValue = 'state';
  return item;
}

function photoItem({ document, index }: PhotoNode): vscode.TreeItem {
  const entry = document.item(index);
  const { photo, state, problem } = entry;
  const { text, icon, color } = STATES[state];
  const item = new vscode.TreeItem(photo);
  item.id = `${document.root}\n${photo}`;
  const areas = areasText(entry, document.classes);
  item.description = problem ?? areas;
  item.tooltip = [photo, `${text}${document.edits.isDirty(photo) ? ', with unsaved edits' : ''}`, ...(areas ? [areas] : []), ...(problem !== undefined ? [problem] : [])].join('\n');
  item.iconPath = new vscode.ThemeIcon(document.edits.isDirty(photo) ? 'circle-filled' : icon, color === undefined ? undefined : new vscode.ThemeColor(color));
  item.contextValue = [hasMask(entry) ? 'mask' : 'photo', ...(STATES[state].reviewed ? ['marked'] : [])].join(' ');
  item.accessibilityInformation = { label: `${photo}, ${text}${areas && `, ${areas}`}` };
  item.command = { command: 'seedmask.review.openItem', title: 'Show in Review', arguments: [{ kind: 'photo', document, index } satisfies PhotoNode] };
  return item;
}

function moreItem({ count }: MoreNode): vscode.TreeItem {
  const item = new vscode.TreeItem(`${count} more`);
  item.description = 'filter to see them';
  item.command = { command: 'seedmask.review.filterQueue', title: 'Filter Queue…' };
  return item;
}
