/**
 * Another process at the same data set, for tests: `mask <root> <photo> <times>` is a run that makes a photo's mask again and again; `words <root> <photo> <times>`
 * adds a person's lines to the manifest; `hold <root> <photo>` holds a photo and waits to be killed. It says on its standard output what came of it.
 */
import { readFile } from 'node:fs/promises';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { sha256 } from '../../../src/dataset/hash';
import { setHolds } from '../../../src/dataset/holds';
import { Manifest } from '../../../src/dataset/manifest';
import { encodeMask } from '../../../src/dataset/maskFile';
import { writeMask } from '../../../src/dataset/maskStore';
import { inTurn } from '../../../src/dataset/turn';

const [what, root, photo, times] = process.argv.slice(2);

async function main(): Promise<void> {
  if (what === 'hold') {
    await setHolds(root, [photo], async () => undefined, { pid: process.pid, host: hostname() });
    process.stdout.write('held\n');
    setInterval(() => undefined, 1000);
    return;
  }
  const source = sha256(await readFile(join(root, photo)));
  const manifest = await Manifest.open(root);
  const counts: Record<string, number> = {};
  process.stdout.write('ready\n');
  for (let i = 0; i < Number(times); i++) {
    if (what === 'mask') {
      const bytes = encodeMask({ data: new Uint8Array(4).fill(100 + (i % 2)), width: 2, height: 2 });
      const outcome = await writeMask({ root, photo, mask: photo.replace('.jpg', '.mask.png') }, bytes, manifest, { source, tags: [], key: `${i}` }, { device: 'cpu', run: 'run' });
      counts[outcome] = (counts[outcome] ?? 0) + 1;
    } else {
      await inTurn(root, async () => {
        await manifest.refresh();
        await manifest.append({ photo: `${photo}${i}`, source, tags: [], key: '', output: source, device: 'none', state: 'accepted', time: new Date().toISOString(), run: '' });
      });
    }
  }
  await manifest.close();
  process.stdout.write(`${JSON.stringify(counts)}\n`);
}

void main();
