import assert from 'node:assert/strict';
import { afterEach, test } from 'node:test';
import { encodeRuns } from '../../../src/shared/labelRuns';
import type { Ask, AskParams, Session, ToHost } from '../../../src/shared/pageMessages';
import type { PhotoState, QueueItem } from '../../../src/shared/review';
import { ReviewPage } from '../../../src/webview/core';
import { listenToKeys } from '../../../src/webview/keyboard';
import { remember } from '../../../src/webview/remembered';

const SIZE = { width: 4, height: 3 };

/** An extension that answers by hand or at once, with photos whose masks are all of class `index`. */
class Host {
  readonly asked: ToHost[] = [];
  session: Session = session(['auto', 'auto', 'accepted', 'auto', 'untagged']);
  /** Asks that wait for `release`. */
  held = new Set<Ask>();
  refuses = new Set<Ask>();
  private receive: (message: unknown) => void = () => undefined;

  readonly page = new ReviewPage({
    post: message => {
      this.asked.push(message);
      if (!this.held.has(message.ask)) queueMicrotask(() => this.answer(message));
    },
    listen: receive => {
      this.receive = receive;
      return () => void (this.receive = () => undefined);
    },
  });

  tell(tell: string, params: object): void {
    this.receive({ type: 'tell', tell, params });
  }

  answer({ id, ask, params }: ToHost): void {
    if (this.refuses.has(ask)) return this.receive({ type: 'error', id, reason: 'io', message: `no ${ask}` });
    this.receive({ type: 'answer', id, result: ask === 'ready' ? this.session : ask === 'photo' ? this.photo((params as AskParams<'photo'>).index) : {} });
  }

  photo(index: number): unknown {
    const runs = encodeRuns(new Uint8Array(12).fill(index + 1));
    const view = { photo: `${index}.jpg`, ...SIZE, source: '0'.repeat(64), mask: { hash: '0'.repeat(64), ...SIZE, runs }, layers: [], evidence: [], hints: { boxes: [], points: [], scribbles: [] } };
    return { view, url: `made:${index}`, dirty: false };
  }

  count(ask: Ask): number {
    return this.asked.filter(message => message.ask === ask).length;
  }
}

function session(states: readonly PhotoState[], from = 0): Session {
  const items = states.map((state, index): QueueItem => ({ photo: `${from + index}.jpg`, mask: `${from + index}.mask.png`, state, tags: [1], areas: null, uncertainty: { ignore: null, entropy: null, fragile: null, size: null }, change: null, removedRegions: 0 }));
  return { name: 'sea', classes: [{ id: 0, name: 'background' }, { id: 1, name: 'boat' }, { id: 12, name: 'cat' }], items, current: 0, dirty: [], readOnly: false, conflicts: [], run: null, keys: {}, notes: [] };
}

const made: ReviewPage[] = [];

/** A page with its first photo, in a world where every picture can be decoded. */
async function started(set: (host: Host) => void = () => undefined): Promise<Host> {
  Object.assign(globalThis, { fetch: async () => new Response('picture'), createImageBitmap: async () => ({ ...SIZE, close: () => undefined }) });
  const host = new Host();
  made.push(host.page);
  set(host);
  await host.page.start();
  return host;
}

afterEach(() => made.splice(0).forEach(page => page.dispose()));

function shown({ page }: Host): number | undefined {
  return page.photo.value?.index;
}

const soon = (): Promise<void> => new Promise(resolve => setTimeout(resolve, 5));

test('a page asks what the review is about and shows the photo that was open', async () => {
  const { page } = await started(host => void (host.session = { ...host.session, current: 3 }));
  assert.equal(page.photo.value?.index, 3);
  assert.ok(page.photo.value?.labels?.data.every(label => label === 4));
  assert.equal(page.problem.value, undefined);
});

test('of quick moves only the last one counts, however late the others are answered', async () => {
  const host = await started();
  host.held.add('photo');
  for (const index of [1, 2, 3]) host.page.goTo(index);
  assert.equal(host.page.photo.value?.index, 0, 'the old photo stays');
  const waiting = host.asked.filter(({ ask }) => ask === 'photo').slice(1).toReversed();
  for (const message of waiting) host.answer(message);
  await soon();
  assert.equal(host.page.photo.value?.index, 3);
  assert.equal(host.page.session.value.current, 3);
});

test('next and previous follow the queue as it is filtered, and neighbours are loaded ahead', async () => {
  const { page, ...host } = await started();
  page.panels.order.value = [3, 0, 1];
  page.run('previousPhoto');
  await soon();
  assert.equal(page.photo.value?.index, 3);
  page.run('previousPhoto');
  await soon();
  assert.equal(page.photo.value?.index, 3, 'there is nothing before the first');
  await new Promise(resolve => setTimeout(resolve, 60));
  assert.ok(host.asked.some(({ ask, params }) => ask === 'photo' && (params as AskParams<'photo'>).index === 0));
});

test('accept and next marks the photo that was open and goes on, also where the mark takes it out of the list', async () => {
  const { page, asked } = await started();
  page.panels.order.value = [0, 1, 3];
  page.run('acceptAndNext');
  page.panels.order.value = [1, 3];
  await soon();
  assert.deepEqual(asked.find(({ ask }) => ask === 'mark')?.params, { photos: [0], mark: 'accepted' });
  assert.equal(page.photo.value?.index, 1);
});

test('next unreviewed passes over accepted and untagged photos and begins again at the start', async () => {
  const { page } = await started(host => void (host.session = { ...host.session, current: 1 }));
  page.run('nextUnreviewed');
  await soon();
  assert.equal(page.photo.value?.index, 3);
  page.run('nextUnreviewed');
  await soon();
  assert.equal(page.photo.value?.index, 0);
});

test('an edit that the extension refuses is shown as what it has, and said', async () => {
  const host = await started(made => made.refuses.add('edit'));
  const { page } = host;
  const labels = page.photo.value?.labels;
  assert.ok(labels);
  labels.data[0] = 9;
  page.editing.commit('Paint', { x: 0, y: 0, width: 1, height: 1 }, Uint8Array.of(1));
  await soon();
  assert.equal(page.photo.value?.labels?.data[0], 1);
  assert.equal(page.said.value, 'no edit');
});

test('undo of a stroke on another photo loads that photo anew when it is gone to', async () => {
  const host = await started();
  host.page.goTo(1);
  await soon();
  const patch = { x: 0, y: 0, width: 1, height: 1, before: Uint8Array.of(7, 0), after: Uint8Array.of(1, 0) };
  host.tell('patch', { index: 1, patch, direction: 'undo' });
  assert.equal(host.page.photo.value?.labels?.data[0], 7, 'the open photo is changed at once');
  const before = host.count('photo');
  host.tell('patch', { index: 0, patch, direction: 'undo' });
  host.page.goTo(0);
  await soon();
  assert.ok(host.count('photo') > before);
});

test('a queue that changed keeps the open photo, wherever it is now', async () => {
  const host = await started();
  host.page.goTo(2);
  await soon();
  host.session = session(['auto', 'auto', 'accepted', 'auto'], 1);
  host.tell('session', host.session);
  await soon();
  assert.equal(host.page.session.value.current, 1, '2.jpg is second now');
  host.tell('session', { ...host.session, items: [] });
  assert.equal(host.page.photo.value, undefined);
});

test('news of states alone load nothing', async () => {
  const host = await started();
  const before = host.count('photo');
  const photo = host.page.photo.value;
  host.tell('session', { ...host.session, items: host.session.items.map(item => ({ ...item, state: 'accepted' })), current: 4 });
  await soon();
  assert.equal(host.page.photo.value, photo);
  assert.equal(host.page.session.value.current, 0);
  assert.equal(host.count('photo'), before);
});

test('news of some photos change these alone, with what is dirty and in conflict', async () => {
  const host = await started();
  const { page } = host;
  const before = page.session.value;
  const asked = host.asked.length;
  host.tell('items', { items: [{ index: 3, item: { ...before.items[3], state: 'rejected' } }], dirty: [0], conflicts: [1] });
  assert.deepEqual(page.session.value.items.map(({ state }) => state), ['auto', 'auto', 'accepted', 'rejected', 'untagged']);
  assert.deepEqual([page.session.value.dirty, page.session.value.conflicts], [[0], [1]]);
  assert.equal(before.items[3].state, 'auto', 'what was handed out stays what it was');
  const { items } = page.session.value;
  host.tell('items', { items: [], dirty: [], conflicts: [] });
  assert.equal(page.session.value.items, items, 'strokes alone leave the queue, so nothing is filtered again');
  assert.deepEqual(page.session.value.dirty, []);
  assert.equal(host.asked.length, asked, 'nothing is loaded for it');
});

test('news of photos that the page does not have are answered by asking for the queue', async () => {
  const host = await started();
  host.page.goTo(2);
  await soon();
  const fresh = session(['auto', 'auto', 'edited', 'auto', 'auto', 'auto']);
  host.session = fresh;
  for (const wrong of [{ index: 5, item: fresh.items[5] }, { index: 0, item: fresh.items[1] }]) {
    const before = host.count('ready');
    host.tell('items', { items: [wrong], dirty: [], conflicts: [] });
    await soon();
    assert.equal(host.count('ready'), before + 1);
    assert.deepEqual(host.page.session.value.items, fresh.items);
    assert.equal(host.page.session.value.current, 2);
  }
});

test('malformed news are said and change nothing', async () => {
  const host = await started();
  const { items } = host.page.session.value;
  for (const wrong of [{}, { items: [{ index: -1, item: items[0] }], dirty: [], conflicts: [] }, { items: [{ index: 0, item: { ...items[0], state: 'lost' } }], dirty: [], conflicts: [] }, { items: [], dirty: [0.5], conflicts: [] }]) {
    host.page.said.value = '';
    host.tell('items', wrong);
    assert.notEqual(host.page.said.value, '');
    assert.equal(host.page.session.value.items, items);
  }
});

test('a photo that cannot be had is a problem in words, and the next one is none', async () => {
  const host = await started();
  host.refuses.add('photo');
  host.page.goTo(4);
  await soon();
  assert.equal(shown(host), undefined);
  assert.equal(host.page.problem.value, 'no photo');
  host.refuses.clear();
  host.page.goTo(2);
  await soon();
  assert.equal(host.page.problem.value, undefined);
  assert.equal(shown(host), 2);
});

test('a page for looking has no labels to write on', async () => {
  const { page } = await started(host => void (host.session = { ...host.session, readOnly: true }));
  assert.equal(page.photo.value?.labels, undefined);
  assert.ok(page.photo.value?.layers.some(({ kind }) => kind === 'mask'));
});

test('what the extension tells of a re-run is kept per photo', async () => {
  const host = await started();
  host.tell('working', { index: 1, text: 'CAM' });
  assert.deepEqual([...host.page.working.value], [[1, 'CAM']]);
  host.tell('working', { index: 1, text: null });
  assert.equal(host.page.working.value.size, 0);
});

test('looks and tools are remembered; nonsense is not', async () => {
  const first = await started();
  let kept: unknown;
  const store = { getState: () => kept, setState: (state: unknown) => void (kept = structuredClone(state)) };
  remember(first.page, store);
  first.page.hand.tool.value = 'lasso';
  first.page.hand.radius.value = 33;
  first.page.looks.layers.value = new Map([['cam:1', { visible: true, opacity: 0.3, style: 'fill' }]]);
  const second = await started();
  remember(second.page, store);
  assert.equal(second.page.hand.tool.value, 'lasso');
  assert.equal(second.page.hand.radius.value, 33);
  assert.equal(second.page.looks.layers.value.get('cam:1')?.opacity, 0.3);
  kept = { tool: 'axe', radius: -1 };
  const third = await started();
  remember(third.page, store);
  assert.equal(third.page.hand.tool.value, 'brush');
});

test('digits choose a class by its id, two of them make one number; H shows the bare photo while it is held', async () => {
  const { page } = await started();
  const target = new EventTarget();
  Object.assign(globalThis, { HTMLElement: class {} });
  // Of a window only its events are listened to.
  const stop = listenToKeys(page, target as Window);
  const key = (type: string, name: string, more: object = {}): void => void target.dispatchEvent(Object.assign(new Event(type), { key: name, ...more }));
  for (const digit of ['1', '2']) key('keydown', digit);
  assert.equal(page.hand.classId.value, 12);
  key('keydown', '0');
  assert.equal(page.hand.classId.value, 0);
  key('keydown', '9');
  assert.equal(page.hand.classId.value, 0, 'there is no class 9');
  key('keydown', '1', { ctrlKey: true });
  assert.equal(page.hand.classId.value, 0, 'with Ctrl it is a command of VS Code');
  key('keydown', 'h');
  assert.equal(page.looks.peek.value, true);
  key('keyup', 'h');
  assert.equal(page.looks.peek.value, false);
  stop();
  key('keydown', '1');
  assert.equal(page.hand.classId.value, 0);
});
