/**
 * Photos that take the engine process down with them. Before a photo is worked on its name goes into `.seedmask/working.json`. When the supervisor
 * says that the last process fell by itself, the photo found there is the one it fell with: it gets a second chance, then it is left out. A
 * process that a person or a power cut ended accuses nobody.
 */
import { readFile, rm, writeFile } from 'node:fs/promises';
import * as v from 'valibot';
import { dataPath } from '../dataset/folder';
import { SeedMaskError } from '../shared/errors';

const MAX_CRASHES = 2;

const markerSchema = v.object({
  /** Being worked on. */
  photo: v.optional(v.string()),
  /** Deaths of the engine by photo. */
  crashes: v.record(v.string(), v.number()),
});

export class Quarantine {
  private constructor(
    private readonly file: string,
    private readonly crashes: Record<string, number>,
  ) {}

  /** @param crashed the process that wrote the file was not ended on purpose */
  static async open(root: string, crashed: boolean): Promise<Quarantine> {
    const file = dataPath(root, 'working.json');
    const found = await readFile(file, 'utf8').then(text => v.safeParse(markerSchema, JSON.parse(text))).catch(() => undefined);
    const { photo, crashes } = found?.success ? found.output : { photo: undefined, crashes: {} };
    return new Quarantine(file, photo === undefined || !crashed ? crashes : { ...crashes, [photo]: (crashes[photo] ?? 0) + 1 });
  }

  /** @throws SeedMaskError 'engine-gone' if the engine died with this photo twice. */
  async enter(photo: string): Promise<void> {
    if ((this.crashes[photo] ?? 0) >= MAX_CRASHES) throw new SeedMaskError('engine-gone', `the engine died ${MAX_CRASHES} times while working on it`, photo);
    await writeFile(this.file, JSON.stringify({ photo, crashes: this.crashes })).catch(() => undefined);
  }

  /** Between photos. */
  async leave(): Promise<void> {
    await writeFile(this.file, JSON.stringify({ crashes: this.crashes })).catch(() => undefined);
  }

  /** The run came to an end in peace: the next one starts without a grudge. */
  async close(): Promise<void> {
    await rm(this.file, { force: true }).catch(() => undefined);
  }
}
