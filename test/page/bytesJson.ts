/**
 * JSON in which byte arrays cross as base64, for the wire between the stand-alone page and its server.
 */
const MARK = '$bytes';

export function toJson(value: unknown): string {
  return JSON.stringify(value, (_key, part: unknown) => (part instanceof Uint8Array ? { [MARK]: Buffer.from(part).toString('base64') } : part));
}

/** In the browser. */
export function fromJson(text: string): unknown {
  return JSON.parse(text, (_key, part: unknown) => {
    if (typeof part !== 'object' || part === null || !(MARK in part) || typeof part[MARK] !== 'string') return part;
    return Uint8Array.from(atob(part[MARK]), letter => letter.charCodeAt(0));
  });
}
