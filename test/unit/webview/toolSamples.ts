/**
 * A page for tests of tools: a photo with a mask, no canvas, and a list of what tools did to it.
 */
import { signal } from '@preact/signals';
import { applyPatch, patchOf, type LabelPatch } from '../../../src/shared/labelPatch';
import { encodeRuns } from '../../../src/shared/labelRuns';
import type { LabelMap } from '../../../src/shared/maps';
import type { Ask, AskParams, AskResult, Session } from '../../../src/shared/pageMessages';
import type { PhotoView } from '../../../src/shared/review';
import type { OpenLayer, OpenPhoto, Page, Pointer, Tool } from '../../../src/webview/page';

export interface FakeOptions {
  layers?: readonly OpenLayer[];
  evidence?: PhotoView['evidence'];
  readOnly?: boolean;
  /** Masks of the photos before this one, the first one first. */
  previous?: readonly (LabelMap | null)[];
  classId?: number;
  radius?: number;
  scale?: number;
}

export interface FakePage extends Page {
  edits: { label: string; patch: LabelPatch; choices: AskParams<'edit'>['choices'] }[];
  asked: { ask: Ask; params: unknown }[];
  says: string[];
  panned: { x: number; y: number }[];
  labels: LabelMap;
  /** The last edit, as VS Code would take it back. */
  undo(): void;
  /** The one that was taken back last. */
  redo(): void;
}

const NO_HINTS = { boxes: [], points: [], scribbles: [] };

export function fakePage(labels: LabelMap, { layers = [], evidence = [], readOnly = false, previous = [], classId = 1, radius = 0.5, scale = 1 }: FakeOptions = {}): FakePage {
  const photo = signal<OpenPhoto | undefined>({ index: previous.length, view: viewOf(labels, evidence), image: noImage(), labels: readOnly ? undefined : labels, layers });
  const revision = signal(0);
  const edits: FakePage['edits'] = [];
  const asked: FakePage['asked'] = [];
  const says: string[] = [];
  const panned: FakePage['panned'] = [];
  const undone: FakePage['edits'] = [];
  const session: Session = {
    name: 'sea', classes: [{ id: 0, name: 'background' }, { id: 1, name: 'boat' }, { id: 2, name: 'cat' }], items: [], current: previous.length,
    dirty: [], readOnly, conflicts: [], run: null, keys: {}, notes: [],
  };
  const answer = (ask: Ask, params: unknown): unknown => {
    if (ask !== 'photo') return {};
    const mask = previous[(params as AskParams<'photo'>).index];
    return { view: mask ? viewOf(mask, []) : { ...viewOf(labels, []), mask: null }, url: null, dirty: false };
  };
  return {
    session: signal(session), photo, problem: signal(undefined), revision, said: signal(''), working: signal(new Map<number, string>()),
    looks: { layers: signal(new Map()), solo: signal(null), hiddenClasses: signal(new Set<number>()), peek: signal(false), compare: signal({ mode: 'none' as const }), pointer: signal(null) },
    hand: { tool: signal('brush' as const), classId: signal(classId), radius: signal(radius), selected: signal(null), hints: signal(NO_HINTS) },
    panels: { side: signal('layers' as const), over: signal(null), order: signal(null), picked: signal(new Set<number>()) },
    viewport: {
      scale: signal(scale),
      size: { width: 800, height: 600 },
      toPhoto: (x, y) => ({ x: x / scale, y: y / scale }),
      toCanvas: (x, y) => ({ x: x * scale, y: y * scale }),
      zoomAt: () => undefined,
      zoomTo: () => undefined,
      panBy: (x, y) => void panned.push({ x, y }),
      fit: () => undefined,
      reveal: () => undefined,
    },
    editing: {
      commit(label, rect, before, choices = []) {
        edits.push({ label, patch: patchOf(labels, rect, before), choices });
        revision.value++;
      },
      touched: () => undefined,
      apply: (patch, direction) => applyPatch(labels, patch, direction),
    },
    say: text => void says.push(text),
    ask<A extends Ask>(ask: A, params: AskParams<A>) {
      asked.push({ ask, params });
      return Promise.resolve(answer(ask, params) as AskResult<A>);
    },
    run: () => undefined,
    goTo: () => undefined,
    edits, asked, says, panned, labels,
    undo() {
      const edit = edits.pop();
      if (!edit) return;
      applyPatch(labels, edit.patch, 'undo');
      undone.push(edit);
    },
    redo() {
      const edit = undone.pop();
      if (!edit) return;
      applyPatch(labels, edit.patch, 'redo');
      edits.push(edit);
    },
  };
}

/** A pointer in the middle of a pixel. */
export function at(x: number, y: number, held: Partial<Pick<Pointer, 'invert' | 'shift'>> = {}): Pointer {
  return { x: x + 0.5, y: y + 0.5, invert: false, shift: false, ...held };
}

/** Presses at the first place, moves over the others and lets go at the last. */
export function drag(tool: Tool, ...places: Pointer[]): void {
  tool.down(places[0]);
  for (const place of places.slice(1)) tool.move(place);
  tool.up(places[places.length - 1]);
}

function viewOf({ data, width, height }: LabelMap, evidence: PhotoView['evidence']): PhotoView {
  const hash = '0'.repeat(64);
  return { photo: `${width}x${height}.jpg`, width, height, source: hash, mask: { hash, width, height, runs: encodeRuns(data) }, layers: [], evidence, hints: NO_HINTS };
}

/** Tools that read the photo's colours are given a reader of their own. */
function noImage(): ImageBitmap {
  return { width: 1, height: 1, close: () => undefined };
}
