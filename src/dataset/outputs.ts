/**
 * Which mask file belongs to which photo. The name comes from a pattern, default `{stem}.mask.png`; where two photos of a
 * folder would meet in one name (a.jpg and a.png, A.jpg and a.jpg, the composed and decomposed spelling of é), those use
 * the pattern with `{name}` for `{stem}`; what still meets is refused, naming both. No output is ever a source.
 * Names are compared as the least careful file system would: without case, in NFC.
 */
import { SeedMaskError } from '../shared/errors';
import type { Failure } from '../shared/protocol';
import { baseName, folderOf, stemOf } from './paths';

export interface OutputPlan {
  /** Photo id -> mask id (both posix paths relative to the root). */
  outputs: Map<string, string>;
  /** Photos that cannot have a mask of their own, with reason 'refused-path'. */
  refused: Failure[];
}

/** @throws SeedMaskError 'bad-settings' unless the pattern names a .png in the photo's own folder and differs from photo to photo. */
export function checkPattern(pattern: string): void {
  const problem =
    !/\{(stem|name)\}/.test(pattern) ? 'must hold {stem} or {name}'
    : /[/\\:*?"<>|\p{Cc}]/u.test(pattern) ? 'must be a plain file name'
    : !/\.png$/i.test(pattern) ? "must end in '.png'"
    : undefined;
  if (problem) throw new SeedMaskError('bad-settings', `output name '${pattern}' ${problem}`);
}

function apply(pattern: string, photo: string): string {
  const name = pattern.replace(/\{(stem|name)\}/g, (_, what: string) => (what === 'stem' ? stemOf(photo) : baseName(photo)));
  const folder = folderOf(photo);
  return folder ? `${folder}/${name}` : name;
}

const byName = (pattern: string): string => pattern.replaceAll('{stem}', '{name}');

/** The masks that `photo` may have, the usual one first. */
export function possibleOutputs(photo: string, pattern: string): readonly [string, string] {
  return [apply(pattern, photo), apply(byName(pattern), photo)];
}

/** Equal for names that some file system takes for the same. */
export function foldName(path: string): string {
  return path.normalize('NFC').toLowerCase().normalize('NFC');
}

/**
 * Plans all `photos` of a data set: pass all of them even when only some are wanted, so that a name does not depend on
 * what was selected. @throws SeedMaskError 'bad-settings' (see checkPattern).
 */
export function planOutputs(photos: readonly string[], pattern: string): OutputPlan {
  checkPattern(pattern);
  const outputs = new Map(photos.map(photo => [photo, apply(pattern, photo)]));
  const careful = byName(pattern);
  for (let moved = true; moved; ) {
    moved = false;
    for (const group of meeting(outputs)) {
      for (const photo of group) {
        const name = apply(careful, photo);
        if (outputs.get(photo) === name) continue;
        outputs.set(photo, name);
        moved = true;
      }
    }
  }

  const refused: Failure[] = [];
  const refuse = (photo: string, message: string): void => {
    outputs.delete(photo);
    refused.push({ photo, reason: 'refused-path', message });
  };
  for (const group of meeting(outputs)) {
    for (const photo of group) refuse(photo, `its mask would have the same name as that of ${group.filter(other => other !== photo).join(', ')}`);
  }
  const sources = new Map(photos.map(photo => [foldName(photo), photo]));
  for (const [photo, output] of [...outputs]) {
    const source = sources.get(foldName(output));
    if (source !== undefined) refuse(photo, `its mask ${output} would overwrite the photo ${source}`);
  }
  return { outputs, refused };
}

/** Groups of photos whose outputs are the same name. */
function meeting(outputs: ReadonlyMap<string, string>): string[][] {
  const groups = new Map<string, string[]>();
  for (const [photo, output] of outputs) {
    const key = foldName(output);
    const group = groups.get(key);
    if (group) group.push(photo);
    else groups.set(key, [photo]);
  }
  return [...groups.values()].filter(group => group.length > 1);
}
