/**
 * What the engine costs besides the models: its start, a question, a cancel, and keeping features. `npx tsx bench/engine.ts` after a build.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { EngineClient } from '../src/engine/client';
import { FeatureCache } from '../src/engine/featureCache';
import { fromFloat16, toFloat16 } from '../src/engine/float16';

const ROUNDS = 7;

async function median(body: () => unknown): Promise<number> {
  const times: number[] = [];
  for (let round = 0; round < ROUNDS; round++) {
    const start = performance.now();
    await body();
    times.push(performance.now() - start);
  }
  return times.sort((a, b) => a - b)[ROUNDS >> 1];
}

function row(name: string, milliseconds: number, megabytes?: number): void {
  const rate = megabytes === undefined ? '' : `${((megabytes / milliseconds) * 1000).toFixed(0)} MB/s`;
  process.stdout.write(`${name.padEnd(52)}${milliseconds.toFixed(1).padStart(9)} ms  ${rate}\n`);
}

async function main(): Promise<void> {
  const root = mkdtempSync(join(tmpdir(), 'seedmask-bench-'));
  const entry = join(import.meta.dirname, '../dist/engine.js');
  try {
    row('engine: start and first answer', await median(async () => {
      const client = new EngineClient({ entry });
      await client.request('runs', { root });
      await client.dispose();
    }));
    const client = new EngineClient({ entry });
    await client.request('runs', { root });
    row('engine: an answer', await median(() => client.request('runs', { root })));
    await client.dispose();

    // The last two layers of one 384-px photo at stride 16, with its flip: 2 x 2816 x 24 x 24.
    const data = Float32Array.from({ length: 2 * 2816 * 24 * 24 }, (_, i) => Math.sin(i));
    const megabytes = data.byteLength / 1e6;
    row('float32 to half', await median(() => toFloat16(data)), megabytes);
    const halves = toFloat16(data);
    row('half to float32', await median(() => fromFloat16(halves)), megabytes);
    const cache = new FeatureCache(root, 1e9);
    let photo = 0;
    const key = (name: number): { photo: string; model: string; view: Record<string, number> } => ({ photo: String(name), model: 'bench', view: { size: 384 } });
    row('feature cache: write one photo', await median(() => cache.write(key(photo++), [{ name: 'all', dims: [2, 2816, 24, 24], data }])), megabytes / 2);
    row('feature cache: read one photo', await median(() => cache.read(key(--photo))), megabytes / 2);
  } finally {
    rmSync(root, { recursive: true, force: true });
  }
}

void main();
