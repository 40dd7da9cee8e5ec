/**
 * A training as its lines tell it, made up: noisy losses that fall, tagging that rises, and masks of two photos that grow from nothing to a disc.
 */
import sharp from 'sharp';
import { uniform } from '../../models/random';
import { vocPalette } from '../../src/shared/palette';
import type { TrainingLine, TrainingMetrics } from '../../src/shared/training';
import type { TrainingStatus } from '../../src/shared/trainingPage';

export const MADE_WIDTH = 120;
export const MADE_HEIGHT = 90;
export const MADE_PHOTOS = ['cat.jpg', 'boats.jpg'];

/** Of a training that runs, to be spread. */
export const RUNNING: TrainingStatus = {
  name: 'photos',
  root: '/data/photos',
  run: '20260131-235959-123-9f0c',
  preset: 'standard',
  state: 'running',
  started: '2026-01-31T23:59:59.123Z',
  device: 'CPU, 2 threads',
  problem: null,
  notes: [],
  classes: [{ id: 0, name: 'background' }, { id: 1, name: 'cat' }, { id: 2, name: 'boat' }],
  commands: ['cancel', 'showLog'],
};

export interface MadeTraining {
  lines: TrainingLine[];
  /** Files by the addresses in the samples. */
  files: Map<string, Uint8Array>;
}

/** A point of the made curves. @param epoch from 1 @param step done, of `steps` */
export function madePoint(epoch: number, epochs: number, step: number, steps: number, noise: number): TrainingMetrics {
  const falling = Math.exp((-3 * step) / steps);
  const classification = 0.5 * falling + 0.08 * noise + 0.02;
  const segmentation = 1.2 * falling + 0.2 * noise + 0.1;
  return { stage: 'decoder', epoch, epochs, step, steps, losses: { total: classification + segmentation, classification, segmentation }, rate: 0.01 * (1 - step / steps) ** 0.9, seconds: step * 0.6 };
}

/** `epochs` epochs of `perEpoch` points with 10 steps each. */
export async function madeTraining(epochs = 6, perEpoch = 30): Promise<MadeTraining> {
  const random = uniform(7);
  const files = new Map<string, Uint8Array>();
  const lines: TrainingLine[] = [];
  for (const [p, photo] of MADE_PHOTOS.entries()) {
    const pixels = Uint8Array.from({ length: MADE_WIDTH * MADE_HEIGHT * 3 }, (_, i) => (i % 3 === p ? 190 : 70 + ((i / 3) % MADE_WIDTH)));
    files.set(`/samples/${p}.jpg`, await sharp(pixels, { raw: { width: MADE_WIDTH, height: MADE_HEIGHT, channels: 3 } }).jpeg().toBuffer());
    for (let epoch = 0; epoch <= epochs; epoch++) files.set(`/samples/${p}-${epoch}.png`, await discMask(p + 1, (epoch / epochs) * 40));
    lines.push({ type: 'sample', stage: 'decoder', epoch: 0, photo, mask: `/samples/${p}-0.png`, picture: `/samples/${p}.jpg` });
  }
  const steps = epochs * perEpoch * 10;
  for (let epoch = 1; epoch <= epochs; epoch++) {
    for (let i = 1; i <= perEpoch; i++) {
      const tagging = i === perEpoch ? { cat: 0.5 + (0.4 * epoch) / epochs, boat: 0.3 + (0.3 * epoch) / epochs } : undefined;
      lines.push({ type: 'metrics', ...madePoint(epoch, epochs, ((epoch - 1) * perEpoch + i) * 10, steps, random()), ...(tagging && { tagging }) });
    }
    for (const [p, photo] of MADE_PHOTOS.entries()) lines.push({ type: 'sample', stage: 'decoder', epoch, photo, mask: `/samples/${p}-${epoch}.png`, picture: `/samples/${p}.jpg` });
  }
  return { lines, files };
}

/** PNG of a disc of class `id` in the VOC palette's colours. */
async function discMask(id: number, radius: number): Promise<Uint8Array> {
  const colour = vocPalette().subarray(id * 3, id * 3 + 3);
  const pixels = new Uint8Array(MADE_WIDTH * MADE_HEIGHT * 3);
  for (let y = 0; y < MADE_HEIGHT; y++) {
    for (let x = 0; x < MADE_WIDTH; x++) if (Math.hypot(x - MADE_WIDTH / 2, y - MADE_HEIGHT / 2) < radius) pixels.set(colour, (y * MADE_WIDTH + x) * 3);
  }
  return sharp(pixels, { raw: { width: MADE_WIDTH, height: MADE_HEIGHT, channels: 3 } }).png({ palette: true }).toBuffer();
}
