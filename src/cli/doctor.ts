/**
 * `seedmask doctor [folder]`: a report to read, or to paste into a bug report.
 */
import { EXIT, type Command } from './io';
import { ProgressLine } from './progress';
import { folderOf, parse, SETTINGS_FLAGS, settingsOf } from './settings';

export const doctor: Command = {
  summary: 'report versions, devices, models and the last errors',
  help: `seedmask doctor [folder] [options]

Says which device would run and why not a better one, which models are there, and what went wrong in the last runs of a folder.

  --device <name>            ask for this device
  --cuda-dir <folder>        folder with the libraries of ONNX Runtime's CUDA provider (Linux)
  --photo-names              name the photos that failed
  --json                     print report and device as JSON
`,
  async run(args, { out, err, tty, client, signal }) {
    const { values, positionals } = parse({ args, allowPositionals: true, options: { ...SETTINGS_FLAGS, 'photo-names': { type: 'boolean' }, json: { type: 'boolean' } } });
    const root = positionals.length > 0 ? folderOf(positionals) : undefined;
    const settings = settingsOf(values);
    const { device, cudaProviderDir, backbone } = settings;
    const progress = new ProgressLine({ err, tty });
    try {
      const found = await client.request('device', { device, ...(cudaProviderDir !== undefined && { cudaProviderDir }), ...(backbone !== undefined && { backbone }) }, { onEvent: progress.show, signal });
      const { report } = await client.request('diagnose', { ...(root !== undefined && { root }), photoNames: values['photo-names'] ?? false, settings }, { onEvent: progress.show, signal });
      progress.end();
      out(values.json ? `${JSON.stringify({ device: found, report }, null, 2)}\n` : report);
      return found.used === 'none' ? EXIT.failed : EXIT.ok;
    } finally {
      progress.end();
    }
  },
};
