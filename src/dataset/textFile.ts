/**
 * Text and JSON from files that are not trusted: refused by size before they are read and by depth before they are parsed,
 * decoded by their byte order mark, with the place of an error.
 */
import { open } from 'node:fs/promises';
import { SeedMaskError } from '../shared/errors';
import { errorCode } from './paths';

export const MEGABYTE = 1_000_000;
const MAX_DEPTH = 32;

/**
 * The text of `file`: UTF-8 or UTF-16, with or without BOM, else Windows-1252. `name` is what errors call it.
 * @throws SeedMaskError 'bad-tags' (over `limit` bytes), 'removed', 'io'.
 */
export async function readText(file: string, limit: number, name: string): Promise<string> {
  try {
    const handle = await open(file, 'r');
    try {
      const { size } = await handle.stat();
      if (size > limit) throw new SeedMaskError('bad-tags', `has ${(size / MEGABYTE).toFixed(1)} MB; the limit is ${limit / MEGABYTE} MB`, name);
      return decodeText(await handle.readFile());
    } finally {
      await handle.close();
    }
  } catch (error) {
    if (error instanceof SeedMaskError) throw error;
    const gone = errorCode(error) === 'ENOENT';
    throw new SeedMaskError(gone ? 'removed' : 'io', gone ? 'is not there' : `cannot be read (${errorCode(error) ?? String(error)})`, name, { cause: error });
  }
}

/** Bytes as text, see readText. The byte order mark is dropped. */
export function decodeText(bytes: Uint8Array): string {
  if (bytes[0] === 0xff && bytes[1] === 0xfe) return new TextDecoder('utf-16le').decode(bytes);
  if (bytes[0] === 0xfe && bytes[1] === 0xff) return new TextDecoder('utf-16be').decode(bytes);
  if (bytes.length >= 4 && bytes[1] === 0 && bytes[3] === 0) return new TextDecoder('utf-16le').decode(bytes);
  if (bytes.length >= 4 && bytes[0] === 0 && bytes[2] === 0) return new TextDecoder('utf-16be').decode(bytes);
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    return new TextDecoder('windows-1252').decode(bytes);
  }
}

/** JSON.parse with limits. @throws SeedMaskError 'bad-tags' with line and column. */
export function parseJson(text: string, name: string): unknown {
  const tooDeep = firstTooDeep(text);
  if (tooDeep !== undefined) throw new SeedMaskError('bad-tags', `JSON is nested deeper than ${MAX_DEPTH} levels (${place(text, tooDeep)})`, name);
  try {
    return JSON.parse(text);
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    const at = Number(/at position (\d+)/.exec(message)?.[1] ?? firstBadToken(text));
    throw new SeedMaskError('bad-tags', `is not valid JSON (${place(text, at)})`, name, { cause: error });
  }
}

function firstTooDeep(text: string): number | undefined {
  let depth = 0;
  let quoted = false;
  for (let i = 0; i < text.length; i++) {
    const c = text.charCodeAt(i);
    if (quoted) {
      if (c === 0x5c) i++;
      else if (c === 0x22) quoted = false;
    } else if (c === 0x22) quoted = true;
    else if (c === 0x7b || c === 0x5b) {
      if (++depth > MAX_DEPTH) return i;
    } else if (c === 0x7d || c === 0x5d) depth--;
  }
  return undefined;
}

/** Where the text stops being a row of JSON tokens: V8's message names the place only for errors of another kind. */
function firstBadToken(text: string): number {
  const token = /\s*(?:[{}[\],:]|"(?:[^"\\\p{Cc}]|\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4}))*"|-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?|true|false|null)/uy;
  let at = 0;
  while (token.test(text)) at = token.lastIndex;
  return at + (/^\s*/.exec(text.slice(at))?.[0].length ?? 0);
}

function place(text: string, position: number): string {
  const before = text.slice(0, position);
  const line = before.split('\n').length;
  return `line ${line}, column ${position - before.lastIndexOf('\n')}`;
}
