/**
 * `seedmask train <folder>`: trains the networks of a preset on a folder of tagged photos.
 */
import { join } from 'node:path';
import { EXIT, type Command } from './io';
import { ProgressLine } from './progress';
import { folderOf, parse, SETTINGS_FLAGS, settingsHelp, settingsOf } from './settings';
import { SeedMaskError } from '../shared/errors';
import type { RunSummary } from '../shared/protocol';
import { durationText, plural } from '../shared/runTexts';

/** The preset unless one is named. */
const PRESET = 'standard';

/** How to go on with a training that has not ended. */
const HINT = `  'seedmask train --resume' goes on from the last checkpoint, where there is one`;

export const train: Command = {
  summary: 'train the networks of a preset on a folder, for better masks',
  help: `seedmask train <folder> [--preset standard | full] [options]

Trains on the folder's tagged photos, beginning with first labels of the frozen backbone. Masks that a person made, changed or
accepted, and boxes, points and scribbles, count as certain. 'seedmask run' with the same preset then makes masks with what was
learnt. A training that was stopped goes on with --resume from its last checkpoint. Curves and masks of some photos by epoch lie
in .seedmask/runs/<id>/ (metrics.jsonl, samples/), the result in .seedmask/trained/.

${settingsHelp(PRESET)}
  --resume                   go on with the newest unfinished training, with its own settings
  --json                     print the summary as JSON

Exit code: 0 trained, 1 failed, 2 wrong use or settings, 130 cancelled.
`,
  async run(args, { out, err, tty, client, signal }) {
    const { values, positionals } = parse({ args, allowPositionals: true, options: { ...SETTINGS_FLAGS, resume: { type: 'boolean' }, json: { type: 'boolean' } } });
    const root = folderOf(positionals);
    const settings = settingsOf({ preset: PRESET, ...values });
    const progress = new ProgressLine({ err, tty });
    let summary: RunSummary;
    try {
      summary = await client.request('train', { root, settings, ...(values.resume && { resume: true }) }, { onEvent: progress.show, signal });
    } catch (error) {
      // Deep in a step the engine cannot hear a cancel, and is ended.
      if (error instanceof SeedMaskError && error.reason === 'cancelled') err(`${HINT}\n`);
      throw error;
    } finally {
      progress.end();
    }
    out(values.json ? `${JSON.stringify(summary, null, 2)}\n` : trainingText(root, summary));
    if (summary.state === 'cancelled') return EXIT.cancelled;
    return summary.state === 'done' ? EXIT.ok : EXIT.failed;
  },
};

/** The end of a training, for people. */
export function trainingText(root: string, { state, photos, untagged, seconds, device, error, notes, id }: RunSummary): string {
  const run = join(root, '.seedmask', 'runs', id);
  return [
    `${state}: ${state === 'done' ? 'trained' : 'training'} on ${plural(photos, 'photo')}; ${durationText(seconds)}${device && ` on ${device}`}`,
    error === undefined ? [] : `  ${error}`,
    photos === 0 || untagged === 0 ? [] : `  without tags, and not learnt from: ${plural(untagged, 'photo')}`,
    notes.map(note => `  note: ${note}`),
    state === 'done' ? `  what was learnt: ${join(root, '.seedmask', 'trained')}; 'seedmask run' with the same preset makes masks with it` : photos === 0 ? [] : HINT,
    photos === 0 ? [] : `  curves and samples: ${run}`,
    '',
  ].flat().join('\n');
}
