/**
 * The page itself: it holds what `Page` promises, asks the extension, moves from photo to photo and keeps up with what the extension tells. Everything else of the page
 * gets this one object.
 */
import { batch, signal } from '@preact/signals';
import { describeError } from '../shared/errors';
import type { Ask, AskParams, AskResult, ReviewCommand, Session, TellParams } from '../shared/pageMessages';
import { PhotoViewport } from './canvas/viewport';
import { runCommand } from './commands';
import { decodePhoto, type LoadedPhoto } from './decodePhoto';
import { MaskEditing } from './editing';
import { HostClient, type Listener, type Wire } from './hostClient';
import { measured } from './marks';
import type { Compare, Hand, LayerLook, Looks, Page, Panels, ToolName } from './page';
import { PhotoStore } from './photoStore';

/** Bytes of decoded photos that are kept: some three photos of 24 megapixels. */
const PHOTO_BYTES = 500e6;

export class ReviewPage implements Page {
  readonly session = signal<Session>(NO_SESSION);
  /** False until the extension has said what the review is about. */
  readonly started = signal(false);
  readonly photo = signal<LoadedPhoto | undefined>(undefined);
  readonly problem = signal<string | undefined>(undefined);
  readonly revision = signal(0);
  readonly said = signal('');
  readonly working = signal<ReadonlyMap<number, string>>(new Map());
  readonly looks: Looks = {
    layers: signal<ReadonlyMap<string, LayerLook>>(new Map()),
    solo: signal<string | null>(null),
    hiddenClasses: signal<ReadonlySet<number>>(new Set<number>()),
    peek: signal(false),
    compare: signal<Compare>({ mode: 'none' }),
    pointer: signal<{ x: number; y: number } | null>(null),
  };
  readonly hand: Hand = {
    tool: signal<ToolName>('brush'),
    classId: signal(1),
    radius: signal(12),
    selected: signal<Hand['selected']['value']>(null),
    hints: signal<Hand['hints']['value']>({ boxes: [], points: [], scribbles: [] }),
  };
  readonly panels: Panels = {
    side: signal<Panels['side']['value']>('layers'),
    over: signal<Panels['over']['value']>(null),
    order: signal<readonly number[] | null>(null),
    picked: signal<ReadonlySet<number>>(new Set<number>()),
  };
  readonly viewport = new PhotoViewport();
  readonly editing: MaskEditing;
  /** Time at which the move to the photo on screen began; taken by whoever draws its first frame. */
  moveStart: number | undefined;

  private readonly host: HostClient;
  private readonly store: PhotoStore;
  private moves = 0;

  constructor(wire: Wire) {
    this.host = new HostClient(wire, this.listener(), text => this.say(text));
    this.store = new PhotoStore(index => this.fetch(index), PHOTO_BYTES);
    this.editing = new MaskEditing({ photo: () => this.photo.peek(), revision: this.revision, send: edit => this.sendEdit(edit) });
  }

  /** Asks what the review is about and shows its photo. */
  async start(): Promise<void> {
    try {
      const session = await this.ask('ready', {});
      this.session.value = session;
      this.started.value = true;
      if (session.items.length > 0) await this.open(Math.min(session.current, session.items.length - 1), false);
    } catch (error) {
      this.problem.value = describeError(error);
    }
  }

  dispose(): void {
    this.host.dispose();
    this.store.dispose();
  }

  say(text: string): void {
    this.said.value = text;
  }

  ask<A extends Ask>(ask: A, params: AskParams<A>): Promise<AskResult<A>> {
    return this.host.ask(ask, params);
  }

  /** As `ask`, for those who do not wait for the answer: a failure is said. */
  request<A extends Ask>(ask: A, params: AskParams<A>): void {
    this.ask(ask, params).catch((error: unknown) => this.say(describeError(error)));
  }

  run(command: ReviewCommand): void {
    runCommand(this, command);
  }

  goTo(index: number): void {
    const { items } = this.session.peek();
    if (index >= 0 && index < items.length) void this.open(index, true);
  }

  /** Shows a photo once it is ready; the one before stays in sight until then. `tell`: the extension does not know of it yet. */
  private async open(index: number, tell: boolean): Promise<void> {
    const start = performance.now();
    const move = ++this.moves;
    this.session.value = { ...this.session.peek(), current: index };
    if (tell) this.request('show', { index });
    try {
      const photo = await this.store.load(index);
      if (move === this.moves) this.show(photo, start);
    } catch (error) {
      if (move !== this.moves) return;
      batch(() => {
        this.photo.value = undefined;
        this.problem.value = describeError(error);
      });
      this.store.shown = undefined;
    }
    if (move === this.moves) this.prefetchAround(index);
  }

  private show(photo: LoadedPhoto, start: number): void {
    const another = this.photo.peek()?.index !== photo.index;
    this.store.shown = photo;
    this.moveStart = start;
    batch(() => {
      this.viewport.show(photo.view.width, photo.view.height);
      this.photo.value = photo;
      this.problem.value = undefined;
      this.revision.value++;
      if (!another) return;
      this.hand.selected.value = null;
      this.hand.hints.value = photo.view.hints;
      this.looks.pointer.value = null;
    });
  }

  private prefetchAround(index: number): void {
    const order = this.panels.order.peek();
    const place = order ? order.indexOf(index) : index;
    const around = [1, -1].map(step => (order ? order[place + step] : index + step)).filter(next => next !== undefined && next >= 0 && next < this.session.peek().items.length);
    // Once the photo that was asked for is on screen.
    setTimeout(() => {
      if (this.session.peek().current === index) void this.store.prefetch(around);
    }, 30);
  }

  private async fetch(index: number): Promise<LoadedPhoto> {
    const { view, url } = await this.ask('photo', { index });
    return decodePhoto(index, view, url, !this.session.peek().readOnly);
  }

  private sendEdit(edit: AskParams<'edit'>): void {
    this.ask('edit', edit).catch((error: unknown) => {
      // The extension does not have it: what it has is shown again.
      this.say(describeError(error));
      this.reload(edit.index);
    });
  }

  private reload(index: number): void {
    this.store.forget(index);
    if (this.session.peek().current === index) void this.open(index, false);
  }

  private listener(): Listener {
    return {
      session: session => this.renewed(session),
      items: news => this.itemsChanged(news),
      changed: ({ index, show }) => {
        this.store.forget(index);
        if (show || this.session.peek().current === index) void this.open(index, false);
      },
      patch: ({ index, patch, direction }) => {
        if (this.photo.peek()?.index !== index || this.session.peek().current !== index) return this.reload(index);
        try {
          this.editing.apply(patch, direction);
        } catch (error) {
          this.say(describeError(error));
          this.reload(index);
        }
      },
      command: ({ name }) => this.run(name),
      working: ({ index, text }) => {
        const working = new Map(this.working.peek());
        if (text === null) working.delete(index);
        else working.set(index, text);
        this.working.value = working;
      },
    };
  }

  /** The queue, states or conflicts are others now. The photo on screen stays, wherever it is in the queue now. */
  private renewed(session: Session): void {
    const old = this.session.peek();
    const place = session.items.findIndex(({ photo }) => photo === old.items[old.current]?.photo);
    const current = place >= 0 ? place : Math.max(0, Math.min(old.current, session.items.length - 1));
    this.session.value = { ...session, current };
    const sameQueue = session.items.length === old.items.length && session.items.every(({ photo }, index) => photo === old.items[index].photo);
    if (sameQueue && session.readOnly === old.readOnly) return;
    this.store.clear();
    if (session.items.length > 0) void this.open(current, true);
    else this.photo.value = undefined;
  }

  /** Some photos' states are others now. */
  private itemsChanged({ items: news, dirty, conflicts }: TellParams<'items'>): void {
    const session = this.session.peek();
    if (news.some(({ index, item }) => session.items[index]?.photo !== item.photo)) {
      // News of a queue that this page does not have: it asks for the one there is.
      this.ask('ready', {}).then(fresh => this.renewed(fresh), (error: unknown) => this.say(describeError(error)));
      return;
    }
    const items = [...session.items];
    for (const { index, item } of news) items[index] = item;
    this.session.value = { ...session, items: news.length > 0 ? items : session.items, dirty, conflicts };
  }

  /** The photo of the last move is on screen. */
  drawn(): void {
    if (this.moveStart === undefined) return;
    measured('next', this.moveStart);
    this.moveStart = undefined;
  }
}

const NO_SESSION: Session = { name: '', classes: [], items: [], current: 0, dirty: [], readOnly: true, conflicts: [], run: null, keys: {}, notes: [] };
