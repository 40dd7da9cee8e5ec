/**
 * One table of class ids per data set: 0 is the background, 255 means ignore, and an id once given stays with its name in
 * `.seedmask/classes.json`: masks written earlier keep their meaning. A data set that brings its own `classes.json` (at its
 * root or one folder up) gets its ids from there at first.
 */
import { dirname, join } from 'node:path';
import * as v from 'valibot';
import { classFileSchema } from '../shared/classFile';
import { SeedMaskError } from '../shared/errors';
import { atomicWrite } from './atomicWrite';
import { BACKGROUND, cleanClassName, isBackground } from './className';
import { dataPath, makeFolderFor } from './folder';
import { byCodeUnits, staysInside } from './paths';
import { MEGABYTE, parseJson, readText } from './textFile';

export const MAX_CLASSES = 254;

export interface ClassEntry {
  /** 0 background, 1..254. */
  id: number;
  name: string;
}

const listSchema = v.array(v.string());

/** Ids and names of a data set, in the order of ids; entry 0 is the background. */
export class ClassTable {
  private readonly ids: ReadonlyMap<string, number>;

  private constructor(readonly classes: readonly ClassEntry[]) {
    this.ids = new Map(classes.map(entry => [entry.name, entry.id]));
  }

  /** @throws SeedMaskError 'bad-tags' where ids or names clash, names are refused, or 0 is not the background. */
  static of(entries: readonly ClassEntry[], source: string): ClassTable {
    const byId = new Map<number, string>([[0, BACKGROUND]]);
    const names = new Set<string>();
    for (const { id, name: raw } of entries) {
      const clean = cleanClassName(raw);
      if ('refused' in clean) throw new SeedMaskError('bad-tags', clean.refused, source);
      if (id === 0 ? !isBackground(clean.name) : isBackground(clean.name)) throw new SeedMaskError('bad-tags', `id 0, and no other, is the background; id ${id} is '${clean.name}'`, source);
      if (names.has(clean.name) || (id !== 0 && byId.has(id))) throw new SeedMaskError('bad-tags', `id ${id} or name '${clean.name}' stands twice`, source);
      names.add(clean.name);
      byId.set(id, id === 0 ? BACKGROUND : clean.name);
    }
    return new ClassTable([...byId].map(([id, name]) => ({ id, name })).sort((a, b) => a.id - b.id));
  }

  /** The id of a (clean) class name; undefined if the table lacks it. */
  idOf(name: string): number | undefined {
    return this.ids.get(name);
  }

  nameOf(id: number): string | undefined {
    return this.classes.find(entry => entry.id === id)?.name;
  }

  /**
   * This table with the names it lacks, which get the lowest ids above all those in use (then free ones below), in
   * code-unit order. @throws SeedMaskError 'too-many-classes'.
   */
  with(names: Iterable<string>): ClassTable {
    const missing = [...new Set(names)].filter(name => !this.ids.has(name)).sort(byCodeUnits);
    if (missing.length === 0) return this;
    const total = this.classes.length - 1 + missing.length;
    if (total > MAX_CLASSES) {
      throw new SeedMaskError('too-many-classes', `${total} classes do not fit into a mask of 8 bits; the most are ${MAX_CLASSES}. Group some of the tags`);
    }
    const used = new Set(this.classes.map(entry => entry.id));
    const top = Math.max(...used);
    const free = Array.from({ length: MAX_CLASSES }, (_, i) => ((top + i) % MAX_CLASSES) + 1).filter(id => !used.has(id));
    const added = missing.map((name, i) => ({ id: free[i], name }));
    return new ClassTable([...this.classes, ...added].sort((a, b) => a.id - b.id));
  }
}

/**
 * The data set's table: its own, else one from a `classes.json` that it brings (at the root, or one folder up: a list of
 * names with the background first, or `{"classes": [{"id", "name"}, …]}`), else the background alone.
 * @throws SeedMaskError 'bad-tags' where the file that decides is damaged: ids must not be guessed.
 */
export async function readClassTable(root: string): Promise<ClassTable> {
  const places: [string, string][] = [[dataPath(root), '.seedmask/classes.json'], [root, 'classes.json'], [dirname(root), '../classes.json']];
  for (const [folder, name] of places) {
    const table = await readTable(folder, name);
    if (table) return table;
  }
  return ClassTable.of([], 'classes.json');
}

async function readTable(folder: string, name: string): Promise<ClassTable | undefined> {
  const file = join(folder, 'classes.json');
  let text: string;
  try {
    text = await readText(file, MEGABYTE, name);
  } catch (error) {
    if (error instanceof SeedMaskError && error.reason === 'removed') return undefined;
    throw error;
  }
  if (!(await staysInside(folder, file))) throw new SeedMaskError('refused-path', 'a link leads out of the folder', name);
  const json = parseJson(text, name);
  const list = v.safeParse(listSchema, json);
  if (list.success) {
    if (list.output.length > MAX_CLASSES + 1) throw new SeedMaskError('too-many-classes', `${list.output.length - 1} classes; the most are ${MAX_CLASSES}`, name);
    return ClassTable.of(list.output.map((className, id) => ({ id, name: className })), name);
  }
  const table = v.safeParse(classFileSchema, json);
  if (!table.success) throw new SeedMaskError('bad-tags', 'must be {"classes": [{"id": 0, "name": "background"}, …]} with ids 0 to 254, or a list of names', name);
  return ClassTable.of(table.output.classes, name);
}

/** Writes the data set's own table. @throws SeedMaskError as atomicWrite does. */
export async function writeClassTable(root: string, table: ClassTable): Promise<void> {
  const file = dataPath(root, 'classes.json');
  await makeFolderFor(file);
  const lines = table.classes.map(entry => `  ${JSON.stringify(entry)}`);
  await atomicWrite(file, `{"classes": [\n${lines.join(',\n')}\n]}\n`, { fsync: true });
}

/**
 * Writes down the classes of `table` beside those that another process has added since it was read. Within a turn (`turn.ts`).
 * @throws SeedMaskError 'changed-during-run' where one has another id by now; and as writeClassTable does.
 */
export async function mergeClassTable(root: string, table: ClassTable): Promise<void> {
  const there = await readClassTable(root);
  const clash = table.classes.find(({ id, name }) => (there.idOf(name) ?? id) !== id || (there.nameOf(id) ?? name) !== name);
  if (clash) throw new SeedMaskError('changed-during-run', `another process gave class '${clash.name}' another id meanwhile: start again`);
  const added = there.classes.filter(({ name }) => table.idOf(name) === undefined);
  await writeClassTable(root, ClassTable.of([...table.classes, ...added], '.seedmask/classes.json'));
}
