/** Quick picks that filter and sort the queue's tree. */
import * as vscode from 'vscode';
import { STATE_ICONS, STATE_TEXTS } from '../../shared/photoStates';
import { QUEUE_SORTS, type QueueSort } from '../../shared/queueOrder';
import type { QueueView } from './queueView';
import type { ReviewDocument } from './reviewDocument';
import { IN_ORDER } from './states';

const SORTS: Readonly<Record<QueueSort, string>> = {
  name: 'By name',
  ignore: 'Most undecided first (share of ignore)',
  entropy: 'Least certain maps first (entropy)',
  fragile: 'Most fragile removals first',
  size: 'Oddest sizes first',
  change: 'Largest change first',
};

export async function chooseFilter(view: QueueView, document: ReviewDocument): Promise<void> {
  const how = await vscode.window.showQuickPick(['By State…', 'By Class…', 'By Name…'], { title: 'Filter the review queue' });
  if (how === 'By State…') {
    const items = IN_ORDER.map(state => ({ label: `$(${STATE_ICONS[state]}) ${STATE_TEXTS[state]}`, state, picked: view.filter.states.has(state) }));
    const picked = await vscode.window.showQuickPick(items, { title: 'Photos in which states?', canPickMany: true });
    if (picked) view.filter = { ...view.filter, states: new Set(picked.map(({ state }) => state)) };
  } else if (how === 'By Class…') {
    const items = document.classes.map(({ id, name }) => ({ label: name, description: `id ${id}`, id }));
    const picked = await vscode.window.showQuickPick(items, { title: 'Photos of which class?' });
    if (picked) view.filter = { ...view.filter, classId: picked.id };
  } else if (how === 'By Name…') {
    const text = await vscode.window.showInputBox({ title: 'Photos with this in their names', value: view.filter.text });
    if (text !== undefined) view.filter = { ...view.filter, text: text.trim() };
  }
}

export async function chooseSort(view: QueueView): Promise<void> {
  const items = QUEUE_SORTS.map(sort => ({ label: SORTS[sort], sort, description: sort === view.sort ? 'now' : '' }));
  const picked = await vscode.window.showQuickPick(items, { title: 'Sort the review queue' });
  if (picked) view.sort = picked.sort;
}
