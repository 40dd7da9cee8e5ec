/** A folder of its own for each test, gone when the test ends. */
import { mkdtemp, mkdir, realpath, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import type { TestContext } from 'node:test';

export async function tempFolder(t: TestContext, files: Record<string, string | Uint8Array> = {}): Promise<string> {
  const root = await realpath(await mkdtemp(join(tmpdir(), 'seedmask-test-')));
  t.after(() => rm(root, { recursive: true, force: true }));
  await put(root, files);
  return root;
}

/** Writes files (with their folders) below `root`. */
export async function put(root: string, files: Record<string, string | Uint8Array>): Promise<void> {
  for (const [path, content] of Object.entries(files)) {
    await mkdir(dirname(join(root, path)), { recursive: true });
    await writeFile(join(root, path), content);
  }
}
