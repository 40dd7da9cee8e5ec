/**
 * Where a training is, on disk: `.seedmask/runs/<id>/checkpoints/`, a file a checkpoint. Two generations are kept, so that one that is damaged, or was made just before
 * the loss became NaN, is not the only one. What an epoch begins with comes from the state at its beginning, so a checkpoint within an epoch needs that one too: it is
 * the checkpoint of the epoch's step 0, and stays as long as a later one of its epoch. Of stages that have come to their end the last state is kept.
 *
 *     <stage>-<name>-<epoch>-<step>.state     the state before that step
 *     <stage>-<name>-end.state                what the stage learnt
 *
 * File: magic "SMT1", length of the header (uint32), header (JSON, padded with spaces to a multiple of 4), float32 values of the tensors one after another, sha256 of all
 * that. Little endian. Written whole or not at all; one that is cut short or damaged reads as absent.
 */
import { createHash } from 'node:crypto';
import { readdir, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import * as v from 'valibot';
import type { TrainingState } from '../../../models/trainer';
import { atomicWrite, removeOrphans, type WriteCalls } from '../../dataset/atomicWrite';
import { makeFolderFor } from '../../dataset/folder';
import { TRAINING_STAGES, type TrainingStageName } from '../../shared/training';
import type { WatchRecord } from './lossWatch';
import type { LearntStage } from './stages';

/** The step that comes next. */
export interface Position {
  /** Of the preset's stages, from 0. */
  stage: number;
  name: TrainingStageName;
  /** From 1. */
  epoch: number;
  /** Of the epoch, from 0. */
  step: number;
}

/** What a checkpoint says besides the numbers that are learnt. */
export interface CheckpointFacts {
  /** Of training, without interruptions. */
  seconds: number;
  /** What losses were like until here. */
  watch: WatchRecord;
  /** Hash of the photos, tags and seeds it learns from. */
  data: string;
}

export interface Checkpoint extends CheckpointFacts {
  position: Position;
  state: TrainingState;
  /** At the beginning of the epoch; the same as `state` at step 0. */
  anchor: TrainingState;
}

const MAGIC = 0x31544d53; // "SMT1"
const HASH_BYTES = 32;
const GENERATIONS = 2;
const NAME = /^(\d{2})-([a-z]+)-(?:(\d{5})-(\d{7})|end)\.state$/;

const count = v.pipe(v.number(), v.integer(), v.minValue(0));
const headerSchema = v.object({
  steps: count,
  tensors: v.array(v.object({ name: v.string(), dims: v.array(count) })),
  facts: v.nullable(v.object({ seconds: v.number(), watch: v.object({ first: v.array(v.number()), recent: v.array(v.number()) }), data: v.string() })),
});

export class CheckpointStore {
  /** @param calls for tests */
  constructor(
    private readonly folder: string,
    private readonly calls?: WriteCalls,
  ) {}

  /** Keeps a checkpoint, and of the older ones what is still needed. @throws SeedMaskError as atomicWrite does; the older ones are then as they were. */
  async save(position: Position, state: TrainingState, facts: CheckpointFacts): Promise<void> {
    await this.write(nameOf(position), state, facts);
    await this.prune();
  }

  /** The newest checkpoint that is whole, of stage `from` and later ones; nothing if there is none. */
  async newest(from = 0): Promise<Checkpoint | undefined> {
    for (const { file, position } of await this.list()) {
      if (!position || position.stage < from) continue;
      const found = await this.read(file);
      const anchor = position.step === 0 ? found : await this.read(nameOf({ ...position, step: 0 }));
      if (found?.facts && anchor) return { ...found.facts, position, state: found.state, anchor: anchor.state };
    }
    return undefined;
  }

  /** A stage has come to its end: what it learnt takes the place of its checkpoints. */
  async finish(stage: number, learnt: LearntStage): Promise<void> {
    await this.write(`${stageOf(stage, learnt.name)}-end.state`, learnt.state, null);
    for (const { file, position } of await this.list()) if (position && position.stage <= stage) await rm(join(this.folder, file), { force: true });
  }

  /** What the first stages learnt that have come to their end, in order, as far as they are whole. */
  async finished(): Promise<LearntStage[]> {
    const stages: LearntStage[] = [];
    for (const { file, stage, name, position } of [...(await this.list())].reverse()) {
      if (position || stage !== stages.length) continue;
      const found = await this.read(file);
      if (!found) break;
      stages.push({ name, state: found.state });
    }
    return stages;
  }

  /** The checkpoints of states that nobody has seen a good loss of: those after `step`. */
  async forgetAfter({ stage, epoch, step }: Position): Promise<void> {
    for (const { file, position } of await this.list()) {
      const later = position?.stage === stage && (position.epoch > epoch || (position.epoch === epoch && position.step > step));
      if (later) await rm(join(this.folder, file), { force: true });
    }
  }

  async removeAll(): Promise<void> {
    await rm(this.folder, { recursive: true, force: true });
  }

  private async write(name: string, state: TrainingState, facts: CheckpointFacts | null): Promise<void> {
    const file = join(this.folder, name);
    await makeFolderFor(file);
    await atomicWrite(file, encodeState(state, facts), { fsync: true, calls: this.calls });
  }

  private async read(name: string): Promise<{ state: TrainingState; facts: CheckpointFacts | null } | undefined> {
    return decodeState(await readFile(join(this.folder, name)).catch(() => new Uint8Array()));
  }

  private async prune(): Promise<void> {
    await removeOrphans(this.folder);
    const checkpoints = (await this.list()).flatMap(({ position, file }) => (position ? [{ position, file }] : []));
    const kept = checkpoints.slice(0, GENERATIONS).map(({ position }) => position);
    const needed = new Set(kept.flatMap(position => [nameOf(position), nameOf({ ...position, step: 0 })]));
    for (const { file } of checkpoints) if (!needed.has(file)) await rm(join(this.folder, file), { force: true });
  }

  /** Newest first. */
  private async list(): Promise<{ file: string; stage: number; name: TrainingStageName; position?: Position }[]> {
    const files = await readdir(this.folder).catch(() => []);
    return files.sort().reverse().flatMap(file => {
      const [, stage, word, epoch, step] = NAME.exec(file) ?? [];
      const name = TRAINING_STAGES.find(one => one === word);
      if (!name) return [];
      return [{ file, stage: Number(stage), name, ...(epoch !== undefined && { position: { stage: Number(stage), name, epoch: Number(epoch), step: Number(step) } }) }];
    });
  }
}

function stageOf(stage: number, name: TrainingStageName): string {
  return `${String(stage).padStart(2, '0')}-${name}`;
}

function nameOf({ stage, name, epoch, step }: Position): string {
  return `${stageOf(stage, name)}-${String(epoch).padStart(5, '0')}-${String(step).padStart(7, '0')}.state`;
}

/** The bytes of a state's file, as the head of this file says. */
export function encodeState({ steps, tensors }: TrainingState, facts: CheckpointFacts | null = null): Uint8Array {
  const entries = Object.entries(tensors);
  const json = JSON.stringify({ steps, tensors: entries.map(([name, { dims }]) => ({ name, dims: [...dims] })), facts } satisfies v.InferInput<typeof headerSchema>);
  const header = Buffer.from(json + ' '.repeat((4 - (Buffer.byteLength(json) % 4)) % 4));
  const floats = entries.reduce((sum, [, { data }]) => sum + data.byteLength, 0);
  const bytes = Buffer.allocUnsafe(8 + header.length + floats + HASH_BYTES);
  bytes.writeUInt32LE(MAGIC, 0);
  bytes.writeUInt32LE(header.length, 4);
  bytes.set(header, 8);
  let at = 8 + header.length;
  for (const [, { data }] of entries) {
    bytes.set(new Uint8Array(data.buffer, data.byteOffset, data.byteLength), at);
    at += data.byteLength;
  }
  bytes.set(createHash('sha256').update(bytes.subarray(0, at)).digest(), at);
  return bytes;
}

/** Nothing if the bytes are not a whole state. */
export function decodeState(file: Uint8Array): { state: TrainingState; facts: CheckpointFacts | null } | undefined {
  const bytes = Buffer.from(file.buffer, file.byteOffset, file.byteLength);
  const end = bytes.length - HASH_BYTES;
  if (end < 8 || bytes.readUInt32LE(0) !== MAGIC || !createHash('sha256').update(bytes.subarray(0, end)).digest().equals(bytes.subarray(end))) return undefined;
  const start = 8 + bytes.readUInt32LE(4);
  const header = v.safeParse(headerSchema, parsed(bytes.toString('utf8', 8, Math.min(start, end))));
  if (!header.success) return undefined;
  const { steps, tensors, facts } = header.output;
  if (end !== start + tensors.reduce((sum, { dims }) => sum + 4 * sizeOf(dims), 0)) return undefined;
  // A copy: floats must begin at a multiple of their size.
  const floats = new Float32Array(Uint8Array.from(bytes.subarray(start, end)).buffer);
  let at = 0;
  const named = tensors.map(({ name, dims }) => [name, { dims, data: floats.subarray(at, (at += sizeOf(dims))) }] as const);
  return { state: { steps, tensors: Object.fromEntries(named) }, facts };
}

/** Whether two states have the same tensors, so that one can take the other's place. */
export function sameForm(a: TrainingState, b: TrainingState): boolean {
  const form = ({ tensors }: TrainingState): string => JSON.stringify(Object.entries(tensors).map(([name, { dims }]) => [name, dims]).sort(([x], [y]) => (x < y ? -1 : 1)));
  return form(a) === form(b);
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function sizeOf(dims: readonly number[]): number {
  return dims.reduce((product, dim) => product * dim, 1);
}
