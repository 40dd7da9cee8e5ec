/**
 * The keys of the page's commands, read from the manifest, which is their one source: for tooltips and the help overlay. (What a person has bound otherwise VS Code
 * tells nobody.)
 */
import * as v from 'valibot';

const PREFIX = 'seedmask.review.';

const manifestSchema = v.object({
  contributes: v.object({ keybindings: v.array(v.object({ command: v.string(), key: v.string(), mac: v.optional(v.string()) })) }),
});

const SYMBOLS: Record<string, string> = { ctrl: 'Ctrl', cmd: 'Cmd', shift: 'Shift', alt: 'Alt', delete: 'Del', enter: 'Enter', backspace: 'Backspace', space: 'Space', escape: 'Esc' };

/** Command of the page -> its key as people write it: 'Shift+G'. */
export function reviewKeys(manifest: unknown, isMac = process.platform === 'darwin'): Record<string, string> {
  const parsed = v.safeParse(manifestSchema, manifest);
  if (!parsed.success) return {};
  const own = parsed.output.contributes.keybindings.filter(({ command }) => command.startsWith(PREFIX));
  return Object.fromEntries(own.map(({ command, key, mac }) => [command.slice(PREFIX.length), written((isMac && mac) || key)]));
}

function written(key: string): string {
  return key
    .split(' ')
    .map(chord => chord.split(/\+(?=.)/).map(part => SYMBOLS[part] ?? (part.length === 1 ? part.toUpperCase() : part)).join('+'))
    .join(' ');
}
