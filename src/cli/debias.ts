/**
 * `seedmask debias <folder>`: removes from masks what always comes along with a class (MARS), and takes a person's word on what it removed.
 */
import { existsSync } from 'node:fs';
import { isAbsolute, resolve } from 'node:path';
import { EXIT, UsageError, type Command, type ExitCode, type Io } from './io';
import { ProgressLine } from './progress';
import { summaryText } from './run';
import { folderOf, parse, SETTINGS_FLAGS, settingsOf } from './settings';
import type { Choice } from '../shared/evidence';
import type { RunSummary } from '../shared/protocol';
import { plural } from '../shared/runTexts';
import type { RunSettings } from '../shared/settings';

export const debias: Command = {
  summary: 'remove from masks what always comes along with a class (MARS)',
  help: `seedmask debias <folder> [options]
seedmask debias <folder> --restore <region or class> | --accept <region or class> | --forget <region or class>

Looks at the masks of all photos together and removes what always comes along with a class, like water under boats. Each removed
region has evidence: see 'seedmask explain'. Without --masks, SeedMask's own masks beside the photos are debiased in place; masks
that a person changed or accepted are kept. Running it again goes on where it was stopped, and skips what is up to date.

  --masks <where>            masks from elsewhere: a folder (masks named as their photos) or a pattern with {stem} or {name};
                             they are never written to
  --debiased-name <pattern>  what their debiased versions are called, beside the photos (default {stem}.debiased.png)
  --removed background|ignore  what removed pixels become: 0 or 255 (default background)
  --restore <what>           put a region (its id, from 'seedmask explain') or all regions of a class back into the masks, now
                             and in later runs
  --accept <what>            say that a removal is right
  --forget <what>            take such a word back
  --tags <file>, --device <name>, --backbone <id or file>, --mars-features <what>, --out-name <pattern>, --cuda-dir, --max-megapixels, --cache-mb,
  --background-names, --salvage   as for 'seedmask run'
  --json                     print the summary as JSON
`,
  async run(args, io) {
    const { saliency: _saliency, crf: _crf, mars: _mars, preset: _preset, 'preset-file': _presetFile, ...flags } = SETTINGS_FLAGS;
    const words = { restore: { type: 'string', multiple: true }, accept: { type: 'string', multiple: true }, forget: { type: 'string', multiple: true } } as const;
    const { values, positionals } = parse({ args, allowPositionals: true, options: { ...flags, ...words, masks: { type: 'string' }, 'debiased-name': { type: 'string' }, json: { type: 'boolean' } } });
    const root = folderOf(positionals);
    const settings = settingsOf(values);
    const said: [Choice | null, string[]][] = [['restored', values.restore ?? []], ['accepted', values.accept ?? []], [null, values.forget ?? []]];
    if (said.some(([, what]) => what.length > 0)) {
      if (values.masks !== undefined) throw new UsageError("--masks makes debiased masks, --restore and --accept are words on those that are there; for those of --masks, add --out-name '{stem}.debiased.png'");
      return choose(root, settings, said, values.json ?? false, io);
    }
    const progress = new ProgressLine(io);
    let summary: RunSummary;
    try {
      const masks = values.masks === undefined ? undefined : placeOf(values.masks);
      summary = await io.client.request(
        'debias',
        { root, settings, ...(masks !== undefined && { masks }), debiasedName: values['debiased-name'] ?? '' },
        { onEvent: progress.show, signal: io.signal },
      );
    } finally {
      progress.end();
    }
    io.out(values.json ? `${JSON.stringify(summary, null, 2)}\n` : summaryText(summary));
    if (summary.state === 'cancelled') return EXIT.cancelled;
    return summary.state === 'done' && summary.failed.length === 0 ? EXIT.ok : EXIT.failed;
  },
};

/** A folder that is there, seen from the shell's own, is meant as such; a pattern is the data set's. */
function placeOf(masks: string): string {
  return !isAbsolute(masks) && existsSync(resolve(masks)) ? resolve(masks) : masks;
}

async function choose(root: string, settings: RunSettings, said: readonly [Choice | null, readonly string[]][], json: boolean, { out, err, client, signal }: Io): Promise<ExitCode> {
  const results = [];
  for (const [choice, what] of said) {
    if (what.length === 0) continue;
    const isRegion = (name: string): boolean => /#\d+@\d+,\d+,\d+,\d+$/.test(name);
    const params = { root, settings, regions: what.filter(isRegion), classes: what.filter(name => !isRegion(name)), choice };
    results.push(await client.request('debiasChoices', params, { signal }));
  }
  const written = results.reduce((sum, one) => sum + one.written, 0);
  const regions = results.reduce((sum, one) => sum + one.regions, 0);
  const notes = results.flatMap(one => one.notes);
  if (json) out(`${JSON.stringify({ written, regions, notes }, null, 2)}\n`);
  else out(`${plural(regions, 'region')} meant, ${plural(written, 'mask')} written\n`);
  for (const note of notes) err(`note: ${note}\n`);
  return regions === 0 && notes.length > 0 ? EXIT.failed : EXIT.ok;
}
