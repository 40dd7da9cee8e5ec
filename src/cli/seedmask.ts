/**
 * The executable: bundled as `dist/cli.js`, beside the engine.
 */
import { join } from 'node:path';
import { runInShell } from './shell';
import { version } from '../../package.json';

void runInShell(version, { entry: join(__dirname, 'engine.js') });
