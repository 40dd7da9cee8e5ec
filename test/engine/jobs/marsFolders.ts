/**
 * Data sets with a bias, for tests of debiasing: red boats (a box) that always lie on blue water, green cows on grey ground, and water without boats. Masks that paint the
 * water with the boat are made here, not learnt; features come from the colours' backbone.
 */
import type { TestContext } from 'node:test';
import sharp from 'sharp';
import { encodeMask } from '../../../src/dataset/maskFile';
import { debias } from '../../../src/engine/jobs/debias';
import type { EngineEvent, Params, RunSummary } from '../../../src/shared/protocol';
import { DEFAULT_SETTINGS, type RunSettings } from '../../../src/shared/settings';
import { engine, taggedFolder, type Tags } from './folders';

export const WIDTH = 96;
export const HEIGHT = 64;
export type Scene = 'boat' | 'cow' | 'water';

type Rgb = readonly [number, number, number];
const RED: Rgb = [210, 40, 40];
const BLUE: Rgb = [40, 60, 220];
const GREEN: Rgb = [40, 190, 60];
const GREY: Rgb = [120, 120, 120];

/** Where things are: `object` the box of boat or cow, `biased` what a mask with bias paints. */
export const OBJECT = { left: 32, top: 16, right: 64, bottom: 48 };
/** The water that comes along: left and right of the boat. */
export const PAINTED = { left: 16, top: 16, right: 80, bottom: 48 };

const isIn = ({ left, top, right, bottom }: typeof OBJECT, x: number, y: number): boolean => x >= left && x < right && y >= top && y < bottom;

/** The scene with ripples, so that no two photos are the same file. */
export function scene(kind: Scene, seed: number): Promise<Buffer> {
  const data = new Uint8Array(WIDTH * HEIGHT * 3);
  for (let y = 0; y < HEIGHT; y++) {
    for (let x = 0; x < WIDTH; x++) {
      const inside = isIn(OBJECT, x, y);
      const ground = kind === 'cow' ? GREY : BLUE;
      const rgb = inside && kind === 'boat' ? RED : inside && kind === 'cow' ? GREEN : ground;
      for (let c = 0; c < 3; c++) data[(y * WIDTH + x) * 3 + c] = rgb[c] + ((x * 7 + y * 13 + seed * 5 + c * seed) % 17);
    }
  }
  return sharp(data, { raw: { width: WIDTH, height: HEIGHT, channels: 3 } }).png().toBuffer();
}

/** Ids: 1 boat, 2 cow. `painted`: with the water beside the boat. */
export function maskOf(kind: Scene, painted: boolean): Uint8Array {
  const data = new Uint8Array(WIDTH * HEIGHT);
  for (let p = 0; p < data.length; p++) {
    const [x, y] = [p % WIDTH, Math.floor(p / WIDTH)];
    if (kind === 'boat' && isIn(painted ? PAINTED : OBJECT, x, y)) data[p] = 1;
    if (kind === 'cow' && isIn(OBJECT, x, y)) data[p] = 2;
  }
  return encodeMask({ data, width: WIDTH, height: HEIGHT });
}

/** How many photos of each scene, and which scenes' masks are given (in `masks/`). */
export async function biasedFolder(t: TestContext, counts: Partial<Record<Scene, number>> = { boat: 12, cow: 12, water: 4 }): Promise<string> {
  const files: Record<string, Uint8Array> = {};
  const tags: Tags = {};
  for (const [kind, count] of Object.entries(counts) as [Scene, number][]) {
    for (let i = 0; i < count; i++) {
      const name = `${kind}${String(i).padStart(2, '0')}`;
      files[`${name}.png`] = await scene(kind, i);
      files[`masks/${name}.png`] = maskOf(kind, true);
      tags[`${name}.png`] = kind === 'water' ? [] : [kind];
    }
  }
  files['classes.json'] = new TextEncoder().encode(JSON.stringify(['background', 'boat', 'cow']));
  return taggedFolder(t, files, tags);
}

export interface DebiasOptions {
  settings?: Partial<RunSettings>;
  photos?: string[];
  masks?: string;
  debiasedName?: string;
  signal?: AbortSignal;
  onEvent?(event: EngineEvent): void;
}

export async function runDebias(root: string, backbone: string, options: DebiasOptions = {}): Promise<{ summary: RunSummary; events: EngineEvent[] }> {
  const events: EngineEvent[] = [];
  const params: Params<'debias'> = {
    root,
    settings: { ...DEFAULT_SETTINGS, device: 'cpu', saliency: false, backbone, ...options.settings },
    ...(options.photos && { photos: options.photos }),
    ...(options.masks !== undefined && { masks: options.masks }),
    debiasedName: options.debiasedName ?? '',
  };
  const emit = (event: EngineEvent): void => {
    events.push(event);
    options.onEvent?.(event);
  };
  const summary = await debias(params, { emit, signal: options.signal ?? new AbortController().signal }, engine);
  return { summary, events };
}
