/**
 * The masks that debiasing looks at, as they are before it: SeedMask's own (from their layers where they were debiased earlier, else from their files), and those that
 * a person made or accepted, which teach but are never rewritten; or masks from anywhere.
 */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { readBefore } from '../../dataset/evidenceStore';
import { sha256, sha256OfFile } from '../../dataset/hash';
import type { Making, Manifest } from '../../dataset/manifest';
import { decodeMask } from '../../dataset/maskFile';
import { SeedMaskError } from '../../shared/errors';
import type { LabelMap } from '../../shared/maps';
import type { Hints } from '../../shared/review';
import { photoSize } from '../images';
import { checkMask } from '../../pipeline/mars/clusters';
import type { DataSet } from './dataSet';
import type { MaskInput } from '../../dataset/debiased';

/** One photo's mask before debiasing. */
export interface DebiasSource {
  photo: string;
  /** sha256 of the photo. */
  source: string;
  /** Ids of its tags. */
  tags: readonly number[];
  /** What a person said of the photo: pinned pixels stay. */
  hints?: Hints;
  /** sha256 of the file's bytes of the mask before. */
  before: string;
  /** The bytes of the mask before. @throws SeedMaskError 'removed', 'io' */
  bytes(): Promise<Uint8Array>;
  /** @throws SeedMaskError 'bad-mask' if it cannot be read, is of another size than its photo, or holds ids that no class has */
  read(): Promise<LabelMap>;
  /** Where the debiased mask goes and what it is made of; nothing where a person's mask only teaches. */
  writes?: { mask: string; making: Making };
}

/** SeedMask's masks and a person's, of all tagged photos that have one. `sources`: hashes of photos that are known. */
export async function* ownSources(dataSet: DataSet, manifest: Manifest, sources: ReadonlyMap<string, string>): AsyncGenerator<DebiasSource> {
  const { root, table } = dataSet;
  for (const [photo, names] of dataSet.tags) {
    const mask = dataSet.outputs.get(photo);
    const file = mask === undefined ? undefined : await readFile(join(root, mask)).catch(() => undefined);
    if (mask === undefined || !file?.length) continue;
    const entry = manifest.get(photo);
    const found = sha256(file);
    const tags = idsOf(names, table);
    const untouched = entry?.output === found;
    if (untouched && entry.state === 'rejected') continue;
    if (!untouched || entry.state !== 'auto') {
      const bytes = (): Promise<Uint8Array> => readFile(join(root, mask));
      yield { photo, source: sources.get(photo) ?? (await sha256OfFile(join(root, photo), photo)), tags, before: found, bytes, read: () => checked(root, photo, mask, bytes, isClassOf(table)) };
      continue;
    }
    const { source, key, before } = entry;
    const bytes = async (): Promise<Uint8Array> => {
      const kept = before === undefined ? await readFile(join(root, mask)) : await readBefore(root, photo, before);
      if (!kept) throw new SeedMaskError('removed', 'its mask before debiasing is not there any more; it is made anew by the next run', photo);
      return kept;
    };
    const hints = dataSet.hints.get(photo);
    yield { photo, source, tags, ...(hints && { hints }), before: before ?? found, bytes, read: async () => decodeMask(await bytes()).labels, writes: { mask, making: { source, tags: entry.tags, key } } };
  }
}

/** Masks from elsewhere, of the photos that have one; `outputs` says where the debiased ones go. */
export async function* foreignSources(dataSet: DataSet, input: MaskInput, outputs: ReadonlyMap<string, string>): AsyncGenerator<DebiasSource> {
  const { root, table } = dataSet;
  // Without any names, every id is a class.
  const isClass = table.classes.length > 1 ? isClassOf(table) : () => true;
  for (const photo of dataSet.wanted) {
    const file = await input.find(photo);
    const mask = outputs.get(photo);
    if (file === undefined || mask === undefined) continue;
    const names = dataSet.tags.get(photo) ?? [];
    const bytes = (): Promise<Uint8Array> => readFile(file);
    const before = await sha256OfFile(file);
    const source = await sha256OfFile(join(root, photo), photo);
    yield {
      photo, source, tags: idsOf(names, table), before, bytes, read: () => checked(root, photo, file, bytes, isClass),
      writes: { mask, making: { source, tags: names, key: sha256(JSON.stringify({ debias: 1, before })) } },
    };
  }
}

function idsOf(names: readonly string[], table: DataSet['table']): number[] {
  return names.flatMap(name => table.idOf(name) ?? []);
}

function isClassOf(table: DataSet['table']): (id: number) => boolean {
  return id => table.nameOf(id) !== undefined;
}

async function checked(root: string, photo: string, file: string, bytes: () => Promise<Uint8Array>, isClass: (id: number) => boolean): Promise<LabelMap> {
  const { labels } = decodeMask(await bytes());
  checkMask(labels, await photoSize(join(root, photo), photo), isClass, file);
  return labels;
}
