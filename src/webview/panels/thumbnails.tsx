/**
 * Small pictures of photos, asked for when they come into sight and kept for a while. What has left the sight again before it was asked for is not asked for; the
 * latest wishes come first, so that a list that is scrolled far shows where it stopped.
 */
import { signal, type ReadonlySignal, type Signal } from '@preact/signals';
import { useEffect, useMemo } from 'preact/hooks';
import type { Page } from '../page';

export interface Wish {
  photo: string;
  /** Outlines this cluster of the class (0: background). */
  cluster?: { classId: number; cluster: number };
  longSide: number;
}

/** Pictures asked for at once, askings under way, pictures kept. */
const BATCH = 16;
const UNDER_WAY = 2;
const KEPT = 1500;

interface Entry {
  wish: Wish;
  /** undefined: not here yet; null: there is none. */
  url: Signal<string | null | undefined>;
  /** How many places show it now. */
  shown: number;
}

const keyOf = ({ photo, cluster, longSide }: Wish): string => `${longSide} ${cluster ? `${cluster.classId}/${cluster.cluster}` : ''} ${photo}`;

class Thumbnails {
  private readonly entries = new Map<string, Entry>();
  private readonly waiting = new Set<Entry>();
  private underWay = 0;
  private scheduled = false;

  constructor(private readonly page: Page) {}

  of(wish: Wish): ReadonlySignal<string | null | undefined> {
    return this.entry(wish).url;
  }

  /** @returns to be called when it is shown no more */
  show(wish: Wish): () => void {
    const entry = this.entry(wish);
    entry.shown++;
    if (entry.url.peek() === undefined) {
      this.waiting.add(entry);
      this.schedule();
    }
    return () => {
      if (--entry.shown === 0) this.waiting.delete(entry);
    };
  }

  private entry(wish: Wish): Entry {
    const key = keyOf(wish);
    let entry = this.entries.get(key);
    if (!entry) {
      entry = { wish, url: signal<string | null | undefined>(undefined), shown: 0 };
      this.entries.set(key, entry);
      this.dropOldest();
    }
    return entry;
  }

  private dropOldest(): void {
    if (this.entries.size <= KEPT) return;
    for (const [key, { shown, url }] of this.entries) {
      if (shown > 0) continue;
      const address = url.peek();
      if (address) URL.revokeObjectURL(address);
      this.entries.delete(key);
      if (this.entries.size <= KEPT) return;
    }
  }

  private schedule(): void {
    if (this.scheduled) return;
    this.scheduled = true;
    setTimeout(() => {
      this.scheduled = false;
      while (this.underWay < UNDER_WAY && this.waiting.size > 0) void this.ask();
    }, 20);
  }

  private async ask(): Promise<void> {
    const places = placesOf(this.page);
    const latest = [...this.waiting].reverse();
    const { longSide } = latest[0].wish;
    const batch = latest.filter(({ wish }) => wish.longSide === longSide).slice(0, BATCH);
    for (const entry of batch) this.waiting.delete(entry);
    const asked = batch.flatMap(entry => {
      const index = places.get(entry.wish.photo);
      if (index === undefined) entry.url.value = null;
      return index === undefined ? [] : [{ entry, index }];
    });
    if (asked.length === 0) return;
    this.underWay++;
    try {
      const wanted = asked.map(({ entry, index }) => ({ index, ...(entry.wish.cluster && { cluster: entry.wish.cluster }) }));
      const { thumbnails } = await this.page.ask('thumbnails', { longSide, wanted });
      asked.forEach(({ entry }, i) => {
        const bytes = thumbnails[i];
        entry.url.value = bytes ? URL.createObjectURL(new Blob([new Uint8Array(bytes)], { type: 'image/jpeg' })) : null;
      });
    } catch {
      // A list without pictures is a list still; what is wrong with a photo is said where it is opened.
      for (const { entry } of asked) entry.url.value = null;
    } finally {
      this.underWay--;
      this.schedule();
    }
  }
}

const stores = new WeakMap<Page, Thumbnails>();
const places = new WeakMap<readonly unknown[], ReadonlyMap<string, number>>();

/** Index in the queue by photo. */
export function placesOf(page: Page): ReadonlyMap<string, number> {
  const { items } = page.session.peek();
  let known = places.get(items);
  if (!known) {
    known = new Map(items.map(({ photo }, index) => [photo, index]));
    places.set(items, known);
  }
  return known;
}

export interface ThumbnailProps extends Wish {
  page: Page;
  /** Empty where the text beside it says all. */
  alt: string;
}

export function Thumbnail({ page, photo, cluster, longSide, alt }: ThumbnailProps) {
  const key = keyOf({ photo, cluster, longSide });
  const store = useMemo(() => stores.get(page) ?? newStore(page), [page]);
  const wish = useMemo<Wish>(() => ({ photo, longSide, ...(cluster && { cluster }) }), [key]);
  useEffect(() => store.show(wish), [store, wish]);
  const url = store.of(wish).value;
  if (url) return <img class="thumbnail" src={url} alt={alt} draggable={false} />;
  return <span class={`thumbnail ${url === null ? 'none' : 'coming'}`} {...(alt ? { role: 'img', 'aria-label': alt } : { 'aria-hidden': true })} />;
}

function newStore(page: Page): Thumbnails {
  const store = new Thumbnails(page);
  stores.set(page, store);
  return store;
}
