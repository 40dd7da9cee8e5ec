/** What a class may be called: any text of a sensible length. Case is kept; names are the same when equal after trim and NFC. */
import { printable } from './paths';

const MAX_NAME = 200;
export const BACKGROUND = 'background';

/** The name as it is kept, or why it is refused. */
export function cleanClassName(raw: string): { name: string } | { refused: string } {
  if (raw.length > 8 * MAX_NAME) return { refused: `class name '${printable(raw, 40)}' is longer than ${MAX_NAME} characters` };
  const name = raw.trim().normalize('NFC');
  if (name === '') return { refused: 'empty class name' };
  if ([...name].length > MAX_NAME) return { refused: `class name '${printable(name, 40)}' is longer than ${MAX_NAME} characters` };
  if (/\p{Cc}/u.test(name)) return { refused: `class name '${printable(name, 40)}' holds control characters` };
  return { name };
}

/** The word for "no class", in any case. */
export function isBackground(name: string): boolean {
  return name.toLowerCase() === BACKGROUND;
}
