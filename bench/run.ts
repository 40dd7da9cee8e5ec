/**
 * All benches, as the Markdown of `docs/performance.md`:
 *
 *     npm run bench -- [--data FOLDER] [--photos 40] [--rounds 5] [--only pytorch,training,photo,mars,engine,activation] [--memory]
 *
 * FOLDER has `images/` and `tags.json`; without it, the demo's photos are taken. `--memory` adds the 200 and 2,000 photos of `bench/memory.ts`, which take an hour.
 * Build first (`npm run models && npm run build`). What a busy machine measures is noise: each section says the load before and after it.
 */
import { parseArgs } from 'node:util';
import { activationReport } from './activation';
import { engineReport } from './engine';
import { gradientsReport } from './gradients';
import { machine } from './measure';
import { marsReport } from './mars';
import { memoryReport } from './memory';
import { photoReport } from './photo';
import { pytorchReport } from './pytorch';
import { trainingReport } from './training';

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      data: { type: 'string' },
      photos: { type: 'string', default: '40' },
      rounds: { type: 'string', default: '5' },
      only: { type: 'string', default: 'pytorch,training,photo,mars,engine,activation' },
      memory: { type: 'boolean', default: false },
    },
  });
  const progress = (line: string): void => console.error(line);
  const benches: Record<string, [title: string, report: () => Promise<string>]> = {
    pytorch: ['Operators against PyTorch', () => pytorchReport(Number(values.rounds), progress)],
    training: ['Training: one step against PyTorch', () => trainingReport(Number(values.rounds), progress)],
    gradients: ['Gradients against PyTorch', gradientsReport],
    photo: ['One photo', () => photoReport(values.data, Number(values.photos))],
    mars: ['Debiasing', () => marsReport(Number(values.photos), progress)],
    engine: ['The engine process', engineReport],
    activation: ['The front end', () => activationReport(values.data)],
    memory: ['Memory', () => memoryReport({ data: values.data, counts: [200, 2000], cacheLimitMb: 1000 }, progress)],
  };
  const names = [...values.only.split(','), ...(values.memory ? ['memory'] : [])];
  for (const name of names) {
    const bench = benches[name];
    if (!bench) throw new Error(`there is no bench '${name}', only ${Object.keys(benches).join(', ')}`);
    const before = machine();
    progress(`${name} …`);
    console.log(`## ${bench[0]}\n\n${await bench[1]()}\n\nBefore: ${before}. After: ${machine()}.\n`);
  }
}

void main();
