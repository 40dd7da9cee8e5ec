/**
 * A person's own backbone through the whole job, and models and devices that fail: NaN, memory that runs out, a device that is lost.
 */
import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { serialise, type GraphDescription } from '../../../models/graph/serialise';
import { lastUnfinished } from '../../../src/dataset/runs';
import type { Engine } from '../../../src/engine/engine';
import { OnnxHost, type OpenGraph } from '../../../src/engine/session';
import { SeedMaskError } from '../../../src/shared/errors';
import type { Tensor } from '../../../src/shared/graph';
import { colourFolder, colourGraph, colourJson, copyOf, counts, engine, idsIn, masksIn, picture, run, saveBackbone, saveColours } from './folders';

let models: string;
let colours: string;
before(async () => {
  models = await mkdtemp(join(tmpdir(), 'seedmask-test-'));
  colours = await saveColours(models);
});
after(() => rm(models, { recursive: true, force: true }));

const [output] = colourJson.outputs;

/** The colours' graph with more behind it; `y` is then the name of the last result, `cells` of the colours' own. */
function extended({ initializers, nodes, outputs }: Pick<GraphDescription, 'initializers' | 'nodes'> & Partial<GraphDescription>, batch: number | string = 'batch'): Uint8Array {
  const base = colourGraph(batch);
  return serialise({
    ...base,
    outputs: outputs ?? base.outputs,
    initializers: [...base.initializers, ...initializers],
    nodes: [...base.nodes.slice(0, -1), { op: 'Relu', inputs: ['differences'], outputs: ['cells'], attributes: {} }, ...nodes],
  });
}

test('a token model (class token and registers in front, one photo a run) makes the masks of the same model as maps', async t => {
  const bytes = extended({
    outputs: [{ name: 'y', dtype: 'float32', dims: [1, 'tokens', 8] }],
    initializers: [
      { name: 'front', dtype: 'float32', dims: [1, 3, 8], data: new Float32Array(24).fill(99) },
      { name: 'flat', dtype: 'int64', dims: [3], data: BigInt64Array.of(0n, 8n, -1n) },
    ],
    nodes: [
      { op: 'Reshape', inputs: ['cells', 'flat'], outputs: ['columns'], attributes: {} },
      { op: 'Transpose', inputs: ['columns'], outputs: ['patches'], attributes: { perm: [0, 2, 1] } },
      { op: 'Concat', inputs: ['front', 'patches'], outputs: ['y'], attributes: { axis: 1 } },
    ],
  }, 1);
  const tokens = await saveBackbone(models, 'tokens', bytes, { ...colourJson, id: 'tokens', outputs: [{ ...output, kind: 'tokens', skipTokens: 3 }] });
  const root = await colourFolder(t);
  const other = await copyOf(t, root);
  assert.deepEqual(counts((await run(root, tokens)).summary), ['done', 6, 0, 0, 0]);
  await run(other, colours);
  assert.deepEqual(await masksIn(root), await masksIn(other));
});

test('a backbone whose layers have grids of their own', async t => {
  const bytes = extended({
    outputs: [{ name: 'y', dtype: 'float32', dims: ['batch', 8, 'rows', 'columns'] }, { name: 'cells', dtype: 'float32', dims: ['batch', 8, 'fineRows', 'fineColumns'] }],
    initializers: [],
    nodes: [{ op: 'AveragePool', inputs: ['cells'], outputs: ['y'], attributes: { kernel_shape: [2, 2], strides: [2, 2] } }],
  });
  const description = { ...colourJson, id: 'pyramid', input: { ...colourJson.input, multiple: 32 }, outputs: [{ ...output, stride: 32 }, { ...output, name: 'cells', role: 'middle' }] };
  const root = await colourFolder(t);
  assert.deepEqual(counts((await run(root, await saveBackbone(models, 'pyramid', bytes, description))).summary), ['done', 6, 0, 0, 0]);
  assert.deepEqual(await idsIn(root, 'both.mask.png'), [0, 1, 2]);
});

test('a backbone that is not what its description says is refused with every difference, and nothing is written', async t => {
  const wrong = await saveBackbone(models, 'wrong', serialise(colourGraph()), { ...colourJson, input: { ...colourJson.input, name: 'pixels' }, outputs: [{ ...output, channels: 9 }] });
  const root = await colourFolder(t);
  const { summary } = await run(root, wrong);
  assert.equal(summary.state, 'failed');
  assert.match(summary.error ?? '', /no input 'pixels'.*'y' has 8 in dimension 1, expected 9/);
  assert.equal((await masksIn(root)).size, 0);
});

test('a model that returns NaN for a photo: that photo fails with the reason, without a mask; the others are made', async t => {
  // The root of (limit - green over red): no number where a photo shows green.
  const bytes = extended({
    initializers: [
      { name: 'limits', dtype: 'float32', dims: [1, 8, 1, 1], data: Float32Array.of(9, 0.25, 9, 9, 9, 9, 9, 9) },
      { name: 'zero', dtype: 'float32', dims: [1], data: Float32Array.of(0) },
    ],
    nodes: [
      { op: 'Sub', inputs: ['limits', 'cells'], outputs: ['room'], attributes: {} },
      { op: 'Sqrt', inputs: ['room'], outputs: ['root'], attributes: {} },
      { op: 'Mul', inputs: ['root', 'zero'], outputs: ['nothing'], attributes: {} },
      { op: 'Add', inputs: ['cells', 'nothing'], outputs: ['y'], attributes: {} },
    ],
  });
  const broken = await saveBackbone(models, 'broken', bytes, colourJson);
  const green = await picture(80, 60, 'green').png().toBuffer();
  const root = await colourFolder(t, { 'green.png': green, 'green nothing.png': green }, { 'green.png': ['green'], 'green nothing.png': [] });
  const { summary } = await run(root, broken);
  assert.deepEqual(counts(summary), ['done', 7, 0, 0, 1]);
  assert.deepEqual(summary.failed.map(({ photo, reason }) => [photo, reason]), [['green.png', 'numeric']]);
  assert.ok(!(await masksIn(root)).has('green.mask.png'));
  assert.deepEqual(await idsIn(root, 'green nothing.mask.png'), [0], 'what needs no features has its mask');
  assert.deepEqual(counts((await run(root, colours, { photos: ['green.png'] })).summary), ['done', 1, 0, 0, 0]);
});

/** An engine whose device takes mirrored pairs, as a GPU does, and complains of some batches. Computes on the CPU. */
function complaining(complaint: (input: Tensor) => SeedMaskError | undefined): Engine {
  class Host extends OnnxHost {
    private readonly cpu = new OnnxHost('cpu');

    override async open(model: Uint8Array | string): Promise<OpenGraph> {
      const graph = await this.cpu.open(model);
      return {
        ...graph,
        run: async feeds => {
          const error = feeds['x'] && complaint(feeds['x']);
          if (error) throw error;
          return graph.run(feeds);
        },
      };
    }
  }
  return { ...engine, device: async request => ({ ...(await engine.device(request)), host: new Host('webgpu') }) };
}

test('a device without memory for two at once: one at a time from there on, said once, and the same masks', async t => {
  const root = await colourFolder(t);
  const [pairs, singles] = [await copyOf(t, root), await copyOf(t, root)];
  const batches: number[] = [];
  const { summary, events } = await run(root, colours, {
    engine: complaining(({ dims }) => {
      batches.push(dims[0]);
      return dims[0] > 1 ? new SeedMaskError('out-of-memory', 'the device ran out of memory') : undefined;
    }),
  });
  assert.deepEqual(counts(summary), ['done', 6, 0, 0, 0]);
  assert.deepEqual(batches, [2, ...Array<number>(12).fill(1)], 'one pair is tried');
  assert.deepEqual(events.flatMap(event => (event.type === 'log' && event.level === 'warn' ? [event.message] : [])), ['the device ran out of memory: batches of 1 from here on']);
  await run(pairs, colours, { engine: complaining(() => undefined) });
  await run(singles, colours);
  assert.deepEqual(await masksIn(root), await masksIn(pairs));
  assert.deepEqual(await masksIn(root), await masksIn(singles));
});

test('a photo that does not fit even alone fails; it gets no empty mask', async t => {
  const root = await colourFolder(t, { 'wide.png': await picture(160, 40, 'red').png().toBuffer() }, { 'wide.png': ['red'] });
  const { summary } = await run(root, colours, { engine: complaining(({ dims }) => (dims[2] < 150 ? new SeedMaskError('out-of-memory', 'the device ran out of memory') : undefined)) });
  assert.deepEqual(counts(summary), ['done', 6, 0, 0, 1]);
  assert.deepEqual(summary.failed.map(({ photo, reason }) => [photo, reason]), [['wide.png', 'out-of-memory']]);
  assert.ok(!(await masksIn(root)).has('wide.mask.png'));
});

test('a device that is lost ends the run with one message; the run can be resumed', async t => {
  const root = await colourFolder(t);
  let runs = 0;
  const { summary } = await run(root, colours, { engine: complaining(() => (++runs > 3 ? new SeedMaskError('device-unavailable', 'the device was lost') : undefined)) });
  assert.deepEqual([summary.state, summary.error, summary.failed.length], ['failed', 'the device was lost', 0]);
  assert.equal((await lastUnfinished(root))?.summary.id, summary.id);
  assert.deepEqual(counts((await run(root, undefined, { resume: true })).summary), ['done', 6, 0, 0, 0]);
});
