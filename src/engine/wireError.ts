/**
 * How a thrown thing crosses the wire and becomes an error again on the other side. `SeedMaskError`s keep their reason and file; what the
 * operating system refuses gets the reason a person can act on; everything else is a bug and travels as reason 'bug' with its message.
 */
import { describeError, ERROR_REASONS, SeedMaskError, type ErrorReason } from '../shared/errors';

export interface WireError {
  reason: string;
  message: string;
  file?: string;
}

const SYSTEM_REASONS: Partial<Record<string, ErrorReason>> = {
  ENOSPC: 'disk-full',
  EDQUOT: 'disk-full',
  EACCES: 'not-writable',
  EPERM: 'not-writable',
  EROFS: 'not-writable',
  ENOENT: 'io',
  ENOTDIR: 'io',
  EIO: 'io',
  EMFILE: 'io',
};

export function toWireError(error: unknown): WireError {
  if (error instanceof SeedMaskError) {
    return { reason: error.reason, message: error.message, ...(error.file !== undefined && { file: error.file }) };
  }
  if (error instanceof Error) {
    if (error.name === 'AbortError') return { reason: 'cancelled', message: 'cancelled' };
    const { code, path } = error as NodeJS.ErrnoException;
    const reason = code === undefined ? undefined : SYSTEM_REASONS[code];
    if (reason) return { reason, message: error.message, ...(path !== undefined && { file: path }) };
  }
  return { reason: 'bug', message: describeError(error) };
}

export function fromWireError({ reason, message, file }: WireError): Error {
  const known = ERROR_REASONS.find(name => name === reason);
  return known ? new SeedMaskError(known, message, file) : new Error(message);
}
