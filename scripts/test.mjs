/**
 * `node scripts/test.mjs PATH… [--test-…]`: runs the `*.test.ts` files below the paths with node:test. (Node 20's runner knows no patterns and
 * finds no TypeScript.)
 */
import { spawnSync } from 'node:child_process';
import { readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';

const args = process.argv.slice(2);
const options = args.filter(arg => arg.startsWith('-'));
const files = args.filter(arg => !arg.startsWith('-')).flatMap(path =>
  statSync(path).isFile() ? [path] : readdirSync(path, { recursive: true, encoding: 'utf8' }).filter(name => name.endsWith('.test.ts')).map(name => join(path, name)),
);
if (files.length === 0) throw new Error(`no tests below ${args.join(', ')}`);
process.exit(spawnSync(process.execPath, ['--import', 'tsx', '--import', './test/seed.ts', '--test', '--test-reporter=spec', ...options, ...files.sort()], { stdio: 'inherit' }).status ?? 1);
