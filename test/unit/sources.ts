/** The source files of the repository, for tests about their shape. */
import { readdirSync } from 'node:fs';
import { join } from 'node:path';

export const REPOSITORY = join(import.meta.dirname, '../..');

/** TypeScript files below folders of the repository, as posix paths relative to it, sorted. */
export function sourceFiles(...folders: readonly string[]): string[] {
  return folders
    .flatMap(folder => readdirSync(join(REPOSITORY, folder), { recursive: true, encoding: 'utf8' }).map(name => `${folder}/${name.replaceAll('\\', '/')}`))
    .filter(file => /\.tsx?$/.test(file))
    .sort();
}
