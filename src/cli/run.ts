/**
 * `seedmask run <folder>`: masks for a folder of tagged photos.
 */
import { EXIT, type Command } from './io';
import { ProgressLine } from './progress';
import { folderOf, parse, SETTINGS_FLAGS, settingsHelp, settingsOf } from './settings';
import type { RunSummary } from '../shared/protocol';
import { countsText, debiasText, durationText, plural } from '../shared/runTexts';
import { DEFAULT_SETTINGS } from '../shared/settings';

export const run: Command = {
  summary: 'write a mask beside each tagged photo of a folder',
  help: `seedmask run <folder> [options]

Learns the tags of the folder's photos and writes one mask PNG beside each photo. Masks that a person
changed are kept; what is up to date is skipped. With a preset that trains, the networks that 'seedmask train'
made for the folder are used; where none fits, the run trains first.

${settingsHelp(DEFAULT_SETTINGS.preset)}
  --resume                   go on with the newest unfinished run, with its own settings
  --json                     print the summary as JSON

Exit code: 0 every photo has its mask, 1 a photo (or the run) failed, 2 wrong use or settings, 130 cancelled.
`,
  async run(args, { out, err, tty, client, signal }) {
    const { values, positionals } = parse({ args, allowPositionals: true, options: { ...SETTINGS_FLAGS, resume: { type: 'boolean' }, json: { type: 'boolean' } } });
    const root = folderOf(positionals);
    const settings = settingsOf(values);
    const progress = new ProgressLine({ err, tty });
    let summary: RunSummary;
    try {
      summary = await client.request('generate', { root, settings, ...(values.resume && { resume: true }) }, { onEvent: progress.show, signal });
    } finally {
      progress.end();
    }
    out(values.json ? `${JSON.stringify(summary, null, 2)}\n` : summaryText(summary));
    if (summary.state === 'cancelled') return EXIT.cancelled;
    return summary.state === 'done' && summary.failed.length === 0 ? EXIT.ok : EXIT.failed;
  },
};

/** The end of a run, for people. */
export function summaryText(summary: RunSummary): string {
  const { photos, failed, debias, notes, state, error, seconds, device } = summary;
  return [
    `${state}: ${plural(photos, 'photo')}, ${countsText(summary)}; ${durationText(seconds)}${device && ` on ${device}`}`,
    error === undefined ? [] : `  ${error}`,
    debias ? `  MARS: ${debiasText(debias)}` : [],
    failed.map(({ photo, message }) => `  failed: ${photo}: ${message}`),
    notes.map(note => `  note: ${note}`),
    '',
  ].flat().join('\n');
}
