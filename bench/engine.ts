/**
 * What the engine costs besides the models: its start, a question, and keeping features. `npx tsx bench/engine.ts` after a build.
 */
import { EngineClient } from '../src/engine/client';
import { FeatureCache, type FeatureKey } from '../src/engine/featureCache';
import { fromFloat16, toFloat16 } from '../src/shared/float16';
import { ENGINE, inFolder, markdown, median, timed } from './measure';

const ROUNDS = 7;

async function typical(body: () => unknown): Promise<number> {
  const times: number[] = [];
  for (let round = 0; round < ROUNDS; round++) times.push((await timed(body)).ms);
  return median(times);
}

/** Medians, as a table. */
export async function engineReport(): Promise<string> {
  const rows: string[][] = [];
  const row = (name: string, milliseconds: number, megabytes?: number): void => {
    rows.push([name, milliseconds.toFixed(1), megabytes === undefined ? '' : ((megabytes / milliseconds) * 1000).toFixed(0)]);
  };
  await inFolder(async root => {
    row('start and first answer', await typical(async () => {
      const client = new EngineClient({ entry: ENGINE });
      await client.request('runs', { root });
      await client.dispose();
    }));
    const client = new EngineClient({ entry: ENGINE });
    await client.request('runs', { root });
    row('an answer', await typical(() => client.request('runs', { root })));
    await client.dispose();

    // The last two layers of one 384-px photo at stride 16, with its flip: 2 x 2816 x 24 x 24.
    const data = Float32Array.from({ length: 2 * 2816 * 24 * 24 }, (_, i) => Math.sin(i));
    const megabytes = data.byteLength / 1e6;
    row('float32 to half', await typical(() => toFloat16(data)), megabytes);
    const halves = toFloat16(data);
    row('half to float32', await typical(() => fromFloat16(halves)), megabytes);
    const cache = new FeatureCache(root, 1e9);
    let photo = 0;
    const key = (name: number): FeatureKey => ({ photo: String(name), model: 'bench', view: { size: 384 } });
    row('feature cache: write one photo', await typical(() => cache.write(key(photo++), [{ name: 'all', dims: [2, 2816, 24, 24], halves }])), megabytes / 2);
    row('feature cache: read one photo', await typical(() => cache.read(key(--photo))), megabytes / 2);
  });
  return markdown(['engine', 'median, ms', 'MB/s'], rows);
}

if (process.argv[1] === import.meta.filename) void engineReport().then(console.log);
