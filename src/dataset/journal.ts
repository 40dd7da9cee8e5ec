/**
 * A file of JSON lines in `.seedmask` that several processes may add to: the last line about a thing counts, torn and damaged lines are passed over. Small files
 * that a person's acts fill are written within a turn (`turn.ts`) and put in order when they have grown; so nothing is lost between reading and replacing.
 */
import { appendFile, open, readFile } from 'node:fs/promises';
import * as v from 'valibot';
import { SeedMaskError } from '../shared/errors';
import { atomicWrite, writeError } from './atomicWrite';
import { makeFolderFor } from './folder';
import { errorCode } from './paths';

/** Values of the whole lines, in order, that `schema` takes. No file has none. @throws SeedMaskError 'io'. */
export async function readJournal<S extends v.GenericSchema>(file: string, schema: S): Promise<v.InferOutput<S>[]> {
  let text: string;
  try {
    text = await readFile(file, 'utf8');
  } catch (error) {
    if (errorCode(error) === 'ENOENT') return [];
    throw new SeedMaskError('io', `cannot be read (${errorCode(error) ?? String(error)})`, file, { cause: error });
  }
  return text.split('\n').flatMap(line => parseLine(line, schema));
}

/** Adds a line per value in one write. @throws SeedMaskError 'not-writable', 'disk-full', 'io'. */
export async function appendJournal(file: string, values: readonly unknown[]): Promise<void> {
  if (values.length === 0) return;
  const lines = values.map(value => `${JSON.stringify(value)}\n`).join('');
  await makeFolderFor(file);
  try {
    await appendFile(file, (await endsWhole(file)) ? lines : `\n${lines}`);
  } catch (error) {
    throw writeError(error, file);
  }
}

/** Replaces all lines. @throws SeedMaskError as atomicWrite does. */
export async function rewriteJournal(file: string, values: readonly unknown[]): Promise<void> {
  await makeFolderFor(file);
  await atomicWrite(file, values.map(value => `${JSON.stringify(value)}\n`).join(''), { fsync: true });
}

/** The file is not there, is empty, or its last line has an end. */
async function endsWhole(file: string): Promise<boolean> {
  const handle = await open(file, 'r').catch(() => undefined);
  if (!handle) return true;
  try {
    const { size } = await handle.stat();
    if (size === 0) return true;
    const { buffer } = await handle.read(Buffer.alloc(1), 0, 1, size - 1);
    return buffer[0] === 10;
  } finally {
    await handle.close();
  }
}

function parseLine<S extends v.GenericSchema>(line: string, schema: S): v.InferOutput<S>[] {
  if (line === '') return [];
  try {
    const parsed = v.safeParse(schema, JSON.parse(line));
    return parsed.success ? [parsed.output] : [];
  } catch {
    return [];
  }
}
