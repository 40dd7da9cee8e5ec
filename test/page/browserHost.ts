/**
 * The extension's part, played in the browser: answers the page's asks with what the server has, keeps the edits for undo, and notes everything for tests
 * (`window.fakeHost`). Runs before the page's own script.
 */
import type { Ask, AskParams, AskResult, Session, Tell, TellParams, ToHost, ToPage } from '../../src/shared/pageMessages';
import { decodeRuns, encodeRuns } from '../../src/shared/labelRuns';
import { applyPatch } from '../../src/shared/labelPatch';
import type { Mark, PhotoState } from '../../src/shared/review';
import { fromJson } from './bytesJson';

export class FakeHost {
  /** Every ask, in order. */
  readonly asked: { ask: Ask; params: unknown }[] = [];
  private readonly done: AskParams<'edit'>[] = [];
  private readonly undone: AskParams<'edit'>[] = [];
  private session: Session | undefined;
  /** Answers wait this long, ms. */
  delay = 0;

  /** Says something to the page. */
  tell<T extends Tell>(tell: T, params: TellParams<T>): void {
    this.send({ type: 'tell', tell, params });
  }

  /** Any message, for tests of bad ones. */
  send(message: ToPage | Record<string, unknown>): void {
    window.postMessage(message, '*');
  }

  async receive({ id, ask, params }: ToHost): Promise<void> {
    this.asked.push({ ask, params });
    try {
      const result = await this.answer(ask, params);
      if (this.delay > 0) await new Promise(resolve => setTimeout(resolve, this.delay));
      this.send({ type: 'answer', id, result });
    } catch (error) {
      this.send({ type: 'error', id, reason: 'io', message: error instanceof Error ? error.message : String(error) });
    }
  }

  private async answer(ask: Ask, params: unknown): Promise<unknown> {
    switch (ask) {
      case 'ready':
        this.session ??= (await get('/session')) as Session;
        return this.session;
      case 'photo':
        return this.photo(params as AskParams<'photo'>);
      case 'edit':
        this.done.push(params as AskParams<'edit'>);
        this.undone.length = 0;
        this.renew({ dirty: [...new Set(this.done.map(({ index }) => index))] });
        return {};
      case 'mark':
        this.mark(params as AskParams<'mark'>);
        return {};
      case 'save':
        this.renew({ dirty: [] });
        return {};
      case 'thumbnails': {
        const { wanted, longSide } = params as AskParams<'thumbnails'>;
        return { thumbnails: await Promise.all(wanted.map(({ index }) => get(`/thumbnail/${index}?longSide=${longSide}`))) };
      }
      case 'classes':
        return { classes: await get('/classes') };
      case 'command':
        this.command((params as AskParams<'command'>).name);
        return {};
      case 'rerun':
        void this.rerun((params as AskParams<'rerun'>).index);
        return {};
      default:
        return {};
    }
  }

  private async photo({ index }: AskParams<'photo'>): Promise<AskResult<'photo'>> {
    const view = (await get(`/view/${index}`)) as AskResult<'photo'>['view'];
    const edits = this.done.filter(edit => edit.index === index);
    if (view.mask && edits.length > 0) {
      const labels = { data: decodeRuns(view.mask.runs, view.mask.width * view.mask.height), width: view.mask.width, height: view.mask.height };
      for (const { patch } of edits) applyPatch(labels, patch, 'redo');
      view.mask.runs = encodeRuns(labels.data);
    }
    return { view, url: `/photo/${index}`, dirty: edits.length > 0 };
  }

  private command(name: AskParams<'command'>['name']): void {
    const [from, to] = name === 'undo' ? [this.done, this.undone] : [this.undone, this.done];
    const edit = name === 'undo' || name === 'redo' ? from.pop() : undefined;
    if (!edit) return;
    to.push(edit);
    this.tell('patch', { index: edit.index, patch: edit.patch, direction: name === 'undo' ? 'undo' : 'redo' });
    this.renew({ dirty: [...new Set(this.done.map(({ index }) => index))] });
  }

  private mark({ photos, mark }: AskParams<'mark'>): void {
    const states: Record<Mark, PhotoState> = { accepted: 'accepted', rejected: 'rejected', auto: 'auto' };
    if (this.session) this.renew({ items: this.session.items.map((item, index) => (photos.includes(index) ? { ...item, state: states[mark] } : item)) });
  }

  private async rerun(index: number): Promise<void> {
    for (const text of ['Backbone', 'CAM', 'Mask', null]) {
      this.tell('working', { index, text });
      await new Promise(resolve => setTimeout(resolve, 300));
    }
    this.tell('changed', { index, show: false });
  }

  /** Changes the session and tells it. */
  renew(change: Partial<Session>): void {
    if (!this.session) return;
    this.session = { ...this.session, ...change };
    this.tell('session', this.session);
  }
}

async function get(path: string): Promise<unknown> {
  const answer = await fetch(path);
  if (!answer.ok) throw new Error(`${path}: ${answer.status}`);
  return fromJson(await answer.text());
}

const host = new FakeHost();
Object.assign(window, {
  fakeHost: host,
  acquireVsCodeApi: () => ({ postMessage: (message: ToHost) => void host.receive(structuredClone(message)), getState: () => undefined, setState: () => undefined }),
});
