/**
 * Names and places. A photo's id is its path relative to the data set's root, with '/' between the parts. Paths that come
 * from files (tags, manifests) are untrusted: they are cleaned or refused, by name.
 */
import { lstat, realpath } from 'node:fs/promises';
import { isAbsolute, join, relative, sep } from 'node:path';

const MAX_PATH = 4096;

/** `path` lies at or below `root`, by name (no links are resolved). Both absolute. */
export function isInside(root: string, path: string): boolean {
  const way = relative(root, path);
  return way === '' || (way !== '..' && !way.startsWith(`..${sep}`) && !isAbsolute(way));
}

/**
 * `untrusted` as a clean relative posix path ('./a//b.jpg' -> 'a/b.jpg'), or why it is refused. The rules are those of all
 * systems at once, so that a data set means the same everywhere. Percent signs are legal in names: nothing is decoded,
 * but a name that would climb out once decoded is refused.
 */
export function cleanRelativePath(untrusted: string): { path: string } | { refused: string } {
  if (untrusted.length === 0 || untrusted.length > MAX_PATH) return { refused: 'is empty or too long' };
  if (untrusted.includes('\0')) return { refused: 'holds a NUL' };
  if (untrusted.includes('\\')) return { refused: 'holds a backslash' };
  if (/^[A-Za-z][A-Za-z0-9+.-]*:/.test(untrusted)) return { refused: 'names a drive or a URL' };
  if (untrusted.startsWith('/') || untrusted.startsWith('~')) return { refused: 'is absolute' };
  if (untrusted.includes('%') && climbs(untrusted)) return { refused: 'hides a way out in percent signs' };
  const parts = untrusted.split('/').filter(part => part !== '' && part !== '.');
  if (parts.includes('..')) return { refused: "holds '..'" };
  if (parts.length === 0) return { refused: 'names no file' };
  return { path: parts.join('/') };
}

/** Once decoded (any number of times), it holds '..', a backslash, a NUL or starts at a root. */
function climbs(path: string): boolean {
  let decoded = path;
  for (let round = 0; round < 4; round++) {
    decoded = decoded.replace(/%(25|2e|2f|5c|00)/gi, (_, hex: string) => String.fromCharCode(parseInt(hex, 16)));
  }
  return /(^|[/\\])\.\.([/\\]|$)|^[/\\]|[\\\0]/.test(decoded);
}

/** The real path of `target`, or of its nearest existing parent, lies inside the real `root`. False for a dangling link. */
export async function staysInside(root: string, target: string): Promise<boolean> {
  const realRoot = await realpath(root);
  for (let path = target; isInside(root, path); path = join(path, '..')) {
    try {
      return isInside(realRoot, await realpath(path));
    } catch (error) {
      if (errorCode(error) !== 'ENOENT' && errorCode(error) !== 'ENOTDIR') return false;
      if (await isLink(path)) return false;
    }
  }
  return false;
}

async function isLink(path: string): Promise<boolean> {
  return lstat(path).then(stat => stat.isSymbolicLink(), () => false);
}

/** 'ENOENT', 'EACCES', … of an error of Node's file system. */
export function errorCode(error: unknown): string | undefined {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : undefined;
}

/** Untrusted text for a message: control characters and direction marks escaped, at most `limit` characters. */
export function printable(text: string, limit = 200): string {
  const safe = text.slice(0, limit).replace(/[\p{Cc}\p{Cf}\p{Co}\p{Cs}\u2028\u2029]/gu, c => `\\u{${c.codePointAt(0)?.toString(16)}}`);
  return text.length > limit ? `${safe}…` : safe;
}

/** 'a/b.tar.gz' -> 'b.tar.gz'. */
export function baseName(id: string): string {
  return id.slice(id.lastIndexOf('/') + 1);
}

/** 'a/b.jpg' -> 'a'; '' at the root. */
export function folderOf(id: string): string {
  return id.slice(0, Math.max(0, id.lastIndexOf('/')));
}

/** 'a/b.tar.gz' -> 'b.tar': the name without its last extension; a leading dot is no extension. */
export function stemOf(id: string): string {
  const name = baseName(id);
  const dot = name.lastIndexOf('.');
  return dot > 0 ? name.slice(0, dot) : name;
}

/** Code-unit order: the same on every machine, unlike the locale's. */
export function byCodeUnits(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
