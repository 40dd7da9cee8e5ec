/**
 * What the panels of one page remember among themselves, beside `Page.panels`: how the queue is filtered and sorted, and which class the class page shows.
 */
import { signal, type Signal } from '@preact/signals';
import { NO_FILTER, type QueueFilter, type QueueSort } from '../../shared/queueOrder';
import type { Page } from '../page';

export interface PanelState {
  filter: Signal<QueueFilter>;
  sort: Signal<QueueSort>;
  /** Class whose page is shown, or the list of all; null: the class that the selection or the hand is about. */
  classShown: Signal<number | 'all' | null>;
}

const states = new WeakMap<Page, PanelState>();

/** The same object for every panel of a page. */
export function panelStateOf(page: Page): PanelState {
  let state = states.get(page);
  if (!state) {
    state = { filter: signal<QueueFilter>(NO_FILTER), sort: signal<QueueSort>('name'), classShown: signal<number | 'all' | null>(null) };
    states.set(page, state);
  }
  return state;
}

/** The class that the selected region or the hand is about; null for background and ignore. */
export function classInHand(page: Page): number | null {
  const selected = page.hand.selected.value;
  const evidence = selected && 'evidence' in selected ? page.photo.value?.view.evidence.find(({ id }) => id === selected.evidence) : undefined;
  const id = evidence?.classId ?? (selected && 'classId' in selected ? selected.classId : page.hand.classId.value);
  return id > 0 && id < 255 ? id : null;
}
