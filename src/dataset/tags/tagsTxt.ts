/** The tags of one photo from the text file beside it: one a line, or parted by `,`, `;` or `|`. An empty file says "nothing in it". */
import { SeedMaskError } from '../../shared/errors';

/** Names, doubles included. @throws SeedMaskError 'bad-tags' for YOLO's rows of numbers, which name no class. */
export function readTagsTxt(text: string, source: string): string[] {
  const lines = text.split(/\r\n?|\n/).map(line => line.trim()).filter(line => line !== '');
  if (lines.some(line => /^\d+(\s+-?[\d.]+(e[+-]?\d+)?){4,}$/i.test(line))) {
    throw new SeedMaskError('bad-tags', 'holds rows of numbers (YOLO boxes?), not names', source);
  }
  return lines.flatMap(line => line.split(/[,;|]/)).map(tag => tag.trim()).filter(tag => tag !== '');
}
