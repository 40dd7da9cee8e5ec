/**
 * Photos of the queue made ready to be shown, the present one and its neighbours ahead of time, as many as fit the memory they are given. A photo that changed on
 * the other side is forgotten: what was asked before that is dropped when it comes.
 */
import { measured } from './marks';
import { WeighedCache } from './photoCache';
import type { LoadedPhoto } from './decodePhoto';

/** A photo that is not shown any more may be drawn for this long, ms. */
const STILL_DRAWN = 1000;

export class PhotoStore {
  private readonly ready: WeighedCache<LoadedPhoto>;
  private readonly coming = new Map<number, Promise<LoadedPhoto>>();
  /** The photo on screen: its pictures stay even if it is not kept here any more. */
  shown: LoadedPhoto | undefined;

  /** `fetch` asks for a photo and decodes it; `limit`: bytes. */
  constructor(
    private readonly fetch: (index: number) => Promise<LoadedPhoto>,
    private readonly limit: number,
  ) {
    this.ready = new WeighedCache(limit, photo => this.closeLater(photo));
  }

  /** The photo if it is there already. */
  peek(index: number): LoadedPhoto | undefined {
    return this.ready.peek(index);
  }

  /** @throws as `fetch` does; a failure is not remembered. */
  load(index: number): Promise<LoadedPhoto> {
    const there = this.ready.get(index);
    if (there) return Promise.resolve(there);
    const coming = this.coming.get(index);
    if (coming) return coming;
    const start = performance.now();
    const asked: Promise<LoadedPhoto> = this.fetch(index).then(
      photo => {
        if (this.coming.get(index) !== asked) {
          close(photo);
          return this.load(index);
        }
        this.coming.delete(index);
        this.ready.set(index, photo, photo.bytes);
        measured('load', start);
        return photo;
      },
      (error: unknown) => {
        if (this.coming.get(index) === asked) this.coming.delete(index);
        throw error;
      },
    );
    this.coming.set(index, asked);
    return asked;
  }

  /** Loads ahead, one after the other; the first at any rate, the others while there is room for them. Failures show when the photo is gone to. */
  async prefetch([first, ...others]: readonly number[]): Promise<void> {
    if (first === undefined) return;
    await this.load(first).catch(() => undefined);
    for (const index of others) {
      if (this.ready.bytes + (this.shown?.bytes ?? 0) > this.limit) return;
      await this.load(index).catch(() => undefined);
    }
  }

  /** The photo is another one now. Whoever waits for it gets the new one. */
  forget(index: number): void {
    this.ready.delete(index);
    this.coming.delete(index);
  }

  /** Nothing is shown any more, everything is let go. */
  dispose(): void {
    this.shown = undefined;
    this.clear();
  }

  clear(): void {
    this.ready.clear();
    this.coming.clear();
  }

  /** Frees the pictures once nothing draws them any more. */
  private closeLater(photo: LoadedPhoto): void {
    setTimeout(() => (photo === this.shown ? this.closeLater(photo) : close(photo)), STILL_DRAWN);
  }
}

function close(photo: LoadedPhoto): void {
  for (const level of photo.levels) level.close();
}
