/**
 * What lies under the pointer: the class of the open mask, and the label or score of every layer there.
 */
import type { OpenPhoto, OpenLayer } from './page';

export interface Readout {
  /** Photo pixel. */
  x: number;
  y: number;
  /** Of the mask; undefined where there is none. */
  label: number | undefined;
  layers: ({ key: string; kind: OpenLayer['kind'] } & ({ classId: number; score: number } | { label: number }))[];
}

/** Undefined outside the photo. Scores are 0..1, of the nearest pixel of their layer. */
export function readoutAt(photo: OpenPhoto, x: number, y: number): Readout | undefined {
  const { width, height } = photo.view;
  if (x < 0 || y < 0 || x >= width || y >= height) return undefined;
  const column = Math.floor(x);
  const row = Math.floor(y);
  const at = (map: { data: Uint8Array; width: number; height: number }): number =>
    map.data[Math.floor(((row + 0.5) * map.height) / height) * map.width + Math.floor(((column + 0.5) * map.width) / width)];
  const mask = photo.layers.find(({ kind }) => kind === 'mask')?.labels;
  const layers = photo.layers
    .filter(({ kind }) => kind !== 'difference' && kind !== 'mask')
    .flatMap(({ key, kind, classId, scores, labels }): Readout['layers'] => {
      if (scores && classId !== undefined) return [{ key, kind, classId, score: at(scores) / 255 }];
      return labels ? [{ key, kind, label: at(labels) }] : [];
    });
  return { x: column, y: row, label: mask && at(mask), layers };
}
