/** A process for tests: writes argv[2] up to the rename, says so, and hangs there until it is killed. */
import { open } from 'node:fs/promises';
import { atomicWrite } from '../../../src/dataset/atomicWrite';

const hang = (): Promise<void> => {
  console.log('between temp and rename');
  return new Promise(() => setInterval(() => undefined, 1000));
};
void atomicWrite(process.argv[2], 'new', { calls: { open, rename: hang } });
