/**
 * What one source of tags says, in its own words: names of files (not yet matched with photos) and the tags of each.
 * An empty list means "nothing in it, on purpose"; a file that is not named is untagged.
 */
import { cleanClassName, isBackground } from '../className';
import { printable } from '../paths';

const MAX_NOTES = 20;

export class TagList {
  readonly tags = new Map<string, string[]>();
  readonly notes: string[] = [];
  private hidden = 0;

  /** `source` is what people see ('tags.json'); `folder` (absolute) is what its paths are relative to. */
  constructor(readonly source: string, readonly folder: string) {}

  /** Adds tags to those of `file`; names that cannot be classes are noted, doubles dropped. The word 'background' is no tag. */
  add(file: string, names: readonly string[]): void {
    const kept = this.tags.get(file) ?? [];
    this.tags.set(file, kept);
    for (const raw of names) {
      const clean = cleanClassName(raw);
      if ('refused' in clean) this.note(`${printable(file)}: ${clean.refused}`);
      else if (!isBackground(clean.name) && !kept.includes(clean.name)) kept.push(clean.name);
    }
  }

  /** Keeps the first lines and counts the rest. */
  note(text: string): void {
    if (this.notes.length < MAX_NOTES) this.notes.push(`${this.source}: ${text}`);
    else {
      this.hidden++;
      this.notes[MAX_NOTES] = `${this.source}: … and ${this.hidden} more`;
    }
  }
}
