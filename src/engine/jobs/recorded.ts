/**
 * The frame of a job that writes masks: the data set's lock, the record of the run, the quarantine; whatever happens within, the run ends in a summary.
 */
import { readFile } from 'node:fs/promises';
import { acquireLock, type Lock } from '../../dataset/lock';
import { realFolder } from '../../dataset/scan';
import { FULL, parsePreset, QUICK, STANDARD, type Preset } from '../../../models/presets';
import { SeedMaskError, describeError } from '../../shared/errors';
import type { RunSummary } from '../../shared/protocol';
import type { RunSettings } from '../../shared/settings';
import type { JobContext } from '../context';
import { Quarantine } from '../quarantine';
import { RunRecorder } from './recorder';

export interface Frame {
  lock: Lock;
  recorder: RunRecorder;
  quarantine: Quarantine;
}

export interface Recorded {
  root: string;
  settings: RunSettings;
  /** Ids of the photos that are meant, if not all. */
  only?: readonly string[];
  /** The process that worked on it before fell by itself. */
  crashed: boolean;
  /** What kind of run it is; absent: masks were generated. */
  job?: RunSummary['job'];
  /** An earlier run that goes on. */
  goesOn?: RunSummary;
}

/** @throws SeedMaskError 'locked', 'removed' and 'io' where `root` is no folder (it is never made), and what keeps the record from being begun */
export async function recorded({ crashed, ...start }: Recorded, context: JobContext, work: (frame: Frame) => Promise<void>): Promise<RunSummary> {
  const { root } = start;
  await realFolder(root);
  const lock = await acquireLock(root);
  try {
    const recorder = await RunRecorder.start({ ...start, lock: lock.token }, context);
    const quarantine = await Quarantine.open(root, crashed);
    try {
      await work({ lock, recorder, quarantine });
      await quarantine.close();
      return await recorder.end('done');
    } catch (error) {
      await quarantine.close();
      if (context.signal.aborted) return await recorder.end('cancelled');
      return await recorder.end('failed', describeError(error));
    }
  } finally {
    await lock.release();
  }
}

/** The numbers of a run. @throws SeedMaskError 'bad-settings' where a person's own preset file is not there or is none. */
export async function presetOf({ preset, presetFile }: Pick<RunSettings, 'preset' | 'presetFile'>): Promise<Preset> {
  if (presetFile === undefined) return { quick: QUICK, standard: STANDARD, full: FULL }[preset];
  const text = await readFile(presetFile, 'utf8').catch((error: unknown) => {
    throw new SeedMaskError('bad-settings', `the preset file cannot be read (${describeError(error)})`, presetFile, { cause: error });
  });
  return parsePreset(text, presetFile);
}

/** What the next photo would run into as well. */
export function isFatal(error: unknown): boolean {
  return error instanceof SeedMaskError && (error.reason === 'disk-full' || error.reason === 'device-unavailable' || error.reason === 'locked');
}

/** @throws SeedMaskError 'locked' once another process has taken the folder over */
export async function assertHeld(lock: Lock): Promise<void> {
  if (!(await lock.held())) throw new SeedMaskError('locked', 'another run took this folder over while this one slept');
}
