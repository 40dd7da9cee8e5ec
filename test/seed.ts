/**
 * Property tests draw the same cases every time, so that a run that passed passes again; `FAST_CHECK_SEED=N npm run test:unit` draws others.
 */
import fc from 'fast-check';

fc.configureGlobal({ seed: Number(process.env['FAST_CHECK_SEED'] ?? 1) });
