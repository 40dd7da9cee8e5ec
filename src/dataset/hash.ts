/** Content hashes, as the manifest stores them: sha256 in lower-case hex. */
import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { pipeline } from 'node:stream/promises';
import { SeedMaskError } from '../shared/errors';
import { errorCode } from './paths';

export function sha256(bytes: Uint8Array | string): string {
  return createHash('sha256').update(bytes).digest('hex');
}

/** Of a file, read as a stream. @throws SeedMaskError 'removed' or 'io', naming `name`. */
export async function sha256OfFile(file: string, name: string = file): Promise<string> {
  const hash = createHash('sha256');
  try {
    await pipeline(createReadStream(file), hash);
  } catch (error) {
    const gone = errorCode(error) === 'ENOENT';
    throw new SeedMaskError(gone ? 'removed' : 'io', gone ? 'is not there any more' : `cannot be read (${errorCode(error) ?? String(error)})`, name, { cause: error });
  }
  return hash.digest('hex');
}
