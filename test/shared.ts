/**
 * Reference material that lies beside the repository on the developers' machines and nowhere else: fixtures made by the
 * methods' own code, and photos with true masks. Tests that want it skip, and say so, when it is not there.
 */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

const SHARED = join(import.meta.dirname, '../../shared');

/** Options for `test(name, reference(...paths), body)`: skips with a message when one of the paths is missing. */
export function reference(...paths: string[]): { skip: string | false } {
  const missing = paths.find(path => !existsSync(join(SHARED, path)));
  return { skip: missing ? `reference material is not here: shared/${missing}` : false };
}

/** Absolute path of reference material. */
export function sharedPath(path: string): string {
  return join(SHARED, path);
}

/** A fixture as JSON. The caller names its type; fixtures are data we trust. */
export function fixture<T>(name: string): T {
  return JSON.parse(readFileSync(join(SHARED, 'spec/fixtures', name), 'utf8')) as T;
}
