/**
 * Errors that a person will read. Each names what failed, the file it concerns and why, and carries a reason that
 * code may switch on (never the message text). Anything else that is thrown is a bug and is shown as such.
 */

/** Every reason there is; a wire or a log may carry one of them as text. */
export const ERROR_REASONS = [
  'cancelled',
  'bad-image',
  'bad-mask',
  'bad-model',
  'bad-settings',
  'bad-tags',
  'bad-message',
  'changed-during-run',
  'device-unavailable',
  'disk-full',
  'engine-gone',
  'locked',
  'no-photos',
  'not-writable',
  'nothing-to-learn',
  'numeric',
  'out-of-memory',
  'refused-path',
  'removed',
  'too-large',
  'too-many-classes',
  'unavailable',
  'io',
] as const;

export type ErrorReason = (typeof ERROR_REASONS)[number];

export class SeedMaskError extends Error {
  override readonly name = 'SeedMaskError';

  constructor(
    readonly reason: ErrorReason,
    message: string,
    /** The photo, tags file or model it concerns (relative to the data set's root where it lies inside). */
    readonly file?: string,
    options?: ErrorOptions,
  ) {
    super(message, options);
  }
}

/** What `error` should tell a person, in one line. */
export function describeError(error: unknown): string {
  if (error instanceof SeedMaskError) return error.file ? `${error.file}: ${error.message}` : error.message;
  return error instanceof Error ? error.message : String(error);
}
