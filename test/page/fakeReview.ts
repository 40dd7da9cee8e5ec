/**
 * A review without VS Code and without the engine: what the stand-alone page (serve.ts) shows. `demoReview` reads the demo's masks and layers, `madeReview` makes photos
 * and masks of any size.
 */
import type { ClassEvidence } from '../../src/shared/evidence';
import type { Session } from '../../src/shared/pageMessages';
import type { PhotoView } from '../../src/shared/review';

export interface FakePhoto {
  view: PhotoView;
  /** The photo's file. */
  file: { bytes: Uint8Array; type: string };
}

export interface FakeReview {
  session: Session;
  photo(index: number): Promise<FakePhoto>;
  /** JPEG; null where there is none. */
  thumbnail(index: number, longSide: number): Promise<Uint8Array | null>;
  classes(): Promise<ClassEvidence[]>;
}

/** A session with nothing in it, to be spread. */
export const EMPTY_SESSION: Session = {
  name: 'photos',
  classes: [],
  items: [],
  current: 0,
  dirty: [],
  readOnly: false,
  conflicts: [],
  run: null,
  keys: { nextPhoto: 'D', previousPhoto: 'F', acceptAndNext: 'A', rejectAndNext: 'X', brush: 'B', eraser: 'E', pan: 'V', fill: 'G', region: 'R', lasso: 'L', wand: 'W', pick: 'I', fit: '0', help: '?' },
  notes: [],
};
