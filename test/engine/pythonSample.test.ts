/** The script of docs/samples, run as it stands: Python, numpy and pillow are real, its onnxruntime is the one of Node behind a stub (the Python package may not be there). */
import assert from 'node:assert/strict';
import { execFile, spawnSync } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'node:test';
import { promisify } from 'node:util';
import { fromBinary } from '@bufbuild/protobuf';
import { ModelProtoSchema } from 'onnx-buf';
import sharp from 'sharp';
import { exportNetwork } from '../../models/exportNetwork';
import { decodeMask } from '../../src/dataset/maskFile';

const ROOT = join(import.meta.dirname, '../..');
const PYTHON = ['python3', '/usr/bin/python3'].find(python => spawnSync(python, ['-c', 'import numpy, PIL']).status === 0);
const needsPython = { skip: PYTHON === undefined ? 'python3 with numpy and pillow is not installed' : false };

test('the Python sample writes the mask that the network means, at the size of the photo', needsPython, async () => {
  const folder = await mkdtemp(join(tmpdir(), 'seedmask-sample-'));
  try {
    const classes = [{ id: 9, name: 'red' }, { id: 4, name: 'blue' }];
    // Background, red and blue by the photo's own channels: what the mask must be is seen in the photo.
    const { model } = await exportNetwork({
      multiple: 8, classes, longSide: 64, description: 'colours', licence: 'none',
      logits: (g, photo) => {
        const colours = g.transpose(g.mul(g.cast(photo, 'float32'), 1 / 255), [0, 3, 1, 2]);
        return g.op('AveragePool', [g.conv(colours, g.constant(Float32Array.of(0, 9, 0, 9, 0, 0, 0, 0, 9), [3, 3, 1, 1]))], { kernel_shape: [4, 4], strides: [4, 4] });
      },
    });
    const [network, photo] = [join(folder, 'colours.onnx'), join(folder, 'photo.png')];
    await writeFile(network, model);
    const half = (background: string) => ({ create: { width: 90, height: 120, channels: 3 as const, background } });
    await sharp(half('#ff0000')).extend({ right: 90, background: '#00ff00' }).composite([{ input: await sharp(half('#0000ff')).resize(60, 60).png().toBuffer(), left: 110, top: 50 }]).png().toFile(photo);
    const run = (...extra: string[]): Promise<{ stdout: string }> => promisify(execFile)(PYTHON ?? '', [join(ROOT, 'docs/samples/predict.py'), network, photo, ...extra], {
      cwd: ROOT,
      env: { ...process.env, PYTHONPATH: join(import.meta.dirname, 'fixtures/python'), PYTHONDONTWRITEBYTECODE: '1', MODEL_METADATA: JSON.stringify(Object.fromEntries(fromBinary(ModelProtoSchema, model).metadataProps.map(({ key, value }) => [key, value]))) },
    });
    const labels = async (): Promise<{ data: Uint8Array; width: number; height: number }> => decodeMask(await readFile(join(folder, 'photo.labels.png'))).labels;

    for (const extra of [[], ['--flip']]) {
      const { stdout } = await run(...extra);
      assert.match(stdout, /photo\.png: background, blue, red|photo\.png: background, red, blue/);
      const { data, width, height } = await labels();
      assert.deepEqual([width, height], [180, 120]);
      const at = (x: number, y: number): number => data[y * width + x];
      assert.deepEqual([at(30, 60), at(100, 10), at(140, 80)], [9, 0, 4]);
    }
    await run('--tags', 'red');
    assert.deepEqual([...new Set((await labels()).data)].sort(), [0, 9]);
    await assert.rejects(run('--tags', 'green'), /does not know: green; it knows red, blue/);
  } finally {
    await rm(folder, { recursive: true });
  }
});
