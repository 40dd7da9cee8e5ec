/**
 * `seedmask explain <photo>`: what debiasing removed from the mask of a photo, and why.
 */
import { existsSync } from 'node:fs';
import { dirname, join, relative, resolve, sep } from 'node:path';
import { EXIT, UsageError, type Command } from './io';
import { folderOf, parse, SETTINGS_FLAGS, settingsOf } from './settings';
import { explanationText } from '../shared/texts/explanation';

export const explain: Command = {
  summary: 'tell what debiasing removed from the mask of a photo, and why',
  help: `seedmask explain <photo> [options]

Lists the regions that debiasing (MARS) removed from the photo's mask: the decision, what small changes would do to it, the
clusters of the photo, the prototype of the class, and backgrounds that look alike, which illustrate and prove nothing.

  --folder <folder>          the data set (default: the nearest folder above the photo where SeedMask ran)
  --out-name <pattern>       name of the masks that are meant: {stem}.debiased.png for debiased masks from elsewhere
  --json                     print the evidence as JSON
`,
  async run(args, { out, client, signal }) {
    const { values, positionals } = parse({ args, allowPositionals: true, options: { 'out-name': SETTINGS_FLAGS['out-name'], folder: { type: 'string' }, json: { type: 'boolean' } } });
    if (positionals.length === 0) throw new UsageError('which photo?');
    const photo = folderOf(positionals);
    const root = values.folder === undefined ? dataSetOf(photo) : resolve(values.folder);
    const id = relative(root, photo).split(sep).join('/');
    const found = await client.request('explain', { root, settings: settingsOf(values), photo: id }, { signal });
    out(values.json ? `${JSON.stringify(found, null, 2)}\n` : explanationText(found));
    return EXIT.ok;
  },
};

/** The nearest folder above that SeedMask knows. */
function dataSetOf(photo: string): string {
  for (let folder = dirname(photo); ; folder = dirname(folder)) {
    if (existsSync(join(folder, '.seedmask'))) return folder;
    if (folder === dirname(folder)) throw new UsageError('SeedMask ran in no folder above the photo; name the data set with --folder');
  }
}
