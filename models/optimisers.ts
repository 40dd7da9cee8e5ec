/**
 * Optimiser steps as nodes of the training graph: one run computes the loss, its gradients and the new state. State travels through
 * the graph's ends: the parameter `w` comes in as input `w` and leaves as output `w.next`, its moments as `w.m` and `w.v`.
 * Learning rates and bias corrections are scalar inputs, so that schedules need no new session. Driven by `trainer.ts`.
 *
 * AdamW: Loshchilov and Hutter 2019, "Decoupled Weight Decay Regularization"; momentum as in PyTorch's SGD (decay joins the gradient). Clipping is by the norm of all
 * gradients together (Pascanu et al. 2013). The moving average of the parameters (`w.ema`) is the teacher of methods that have one.
 *
 * A batch too large for the device is run in parts: the loss is then a sum of the parts' shares, their gradients are collected in `gradients` graphs and one `update`
 * graph makes the step, which is the same step but for rounding.
 */
import { gradients } from './autodiff/gradients';
import type { GradientOptions } from './autodiff/rule';
import { GraphBuilder } from './graph/builder';
import type { Shape, Value } from './graph/value';
import { finiteOrZero, nextScaling, scaleOf, SCALING, scalingStart, unscaled, type LossScale } from './lossScaling';

export interface AdamWOptions {
  kind: 'adamw';
  betas?: readonly [number, number];
  epsilon?: number;
  weightDecay?: number;
}

export interface SgdOptions {
  kind: 'sgd';
  momentum?: number;
  weightDecay?: number;
}

/** What all optimisers may do. */
export interface CommonOptions {
  /** Gradients whose common norm is larger are shortened to it. */
  clipNorm?: number;
  /** Keeps `w.ema`, the average that moves by 1 - ema a step; starts at the parameter's start. */
  ema?: number | EmaRamp;
  /** See `GradientOptions`. */
  maxPool?: GradientOptions['maxPool'];
  /** Of losses in mixed precision. Adds the state `scaling`. */
  lossScale?: LossScale;
  /** Factors on the learning rate and the weight decay of single parameters; default: 1, and no decay of biases (rank 1 and less). */
  groups?: (name: string, shape: Shape) => { rate?: number; decay?: number };
}

/** A decay that begins at 0, so that a short training's average forgets its start: most (1 - exp(-step / over)). */
export interface EmaRamp {
  most: number;
  over: number;
}

export type OptimiserOptions = (AdamWOptions | SgdOptions) & CommonOptions;

/** Everything the driver must know about a training graph besides its bytes. */
export interface TrainingGraph {
  model: Uint8Array;
  /** Inputs that are fed back from `<name>.next`, with their shapes. */
  state: StateTensor[];
  optimiser: OptimiserOptions;
}

export interface StateTensor {
  name: string;
  shape: Shape;
  /** Parameters start from given numbers, averages of them from the same, moments from zero, the loss's scale from its own numbers. */
  start: 'given' | 'zero' | { like: string } | { numbers: readonly number[] };
}

/** Whether the gradients of a scaled loss are numbers. */
export const FINITE = 'finite';

const BETAS = [0.9, 0.999] as const;

/**
 * Appends gradients and the update of every parameter (graph inputs) and gives the finished graph. Weight decay
 * touches matrices and kernels, not biases (rank 1 and less). Adds the inputs `rate` [] and, for AdamW, `correction` [2]; the output `loss`.
 */
export function trainingGraph(g: GraphBuilder, loss: Value, parameters: readonly Value[], optimiser: OptimiserOptions): TrainingGraph {
  g.output('loss', optimiser.lossScale ? finiteOrZero(g, loss) : loss);
  const found = lossGradients(g, loss, parameters, optimiser);
  return { state: appendUpdates(g, parameters, found, optimiser), model: g.toOnnx(), optimiser };
}

/** The first half of a step in parts: outputs `loss`, `<parameter>.gradient` and, for scaled losses, `finite` [] (1 or 0). */
export function gradientGraph(g: GraphBuilder, loss: Value, parameters: readonly Value[], optimiser: OptimiserOptions): Uint8Array {
  g.output('loss', optimiser.lossScale ? finiteOrZero(g, loss) : loss);
  const { gradients: found, finite } = lossGradients(g, loss, parameters, optimiser);
  found.forEach((gradient, i) => g.output(`${parameters[i].name}.gradient`, gradient));
  if (finite) g.output(FINITE, g.cast(finite, 'float32'));
  return g.toOnnx();
}

/** The second half: inputs `<parameter>.gradient`, for scaled losses `finite`, and the state as in `trainingGraph`. */
export function updateGraph(parameters: readonly { name: string; shape: Shape }[], optimiser: OptimiserOptions): TrainingGraph {
  const g = new GraphBuilder('update');
  const values = parameters.map(({ name, shape }) => g.input(name, shape));
  const given = values.map(({ name, shape }) => g.input(`${name}.gradient`, shape));
  const scaled = optimiser.lossScale && { scaling: g.input(SCALING, [3]), finite: g.greater(g.input(FINITE, []), 0.5) };
  return { state: appendUpdates(g, values, { gradients: given, ...scaled }, optimiser), model: g.toOnnx(), optimiser };
}

/** Gradients; of losses that are scaled, the state of that and whether the gradients are numbers. */
interface LossGradients {
  gradients: readonly Value[];
  scaling?: Value;
  finite?: Value;
}

function lossGradients(g: GraphBuilder, loss: Value, parameters: readonly Value[], { lossScale, maxPool }: OptimiserOptions): LossGradients {
  if (!lossScale) return { gradients: gradients(g, loss, parameters, { maxPool }) };
  const scaling = g.input(SCALING, [3]);
  return { scaling, ...unscaled(g, gradients(g, loss, parameters, { maxPool, scale: scaleOf(g, scaling, loss.rank) }), scaling) };
}

function appendUpdates(g: GraphBuilder, parameters: readonly Value[], { gradients: raw, scaling, finite }: LossGradients, optimiser: OptimiserOptions): StateTensor[] {
  const rate = g.input('rate', []);
  const correction = optimiser.kind === 'adamw' ? g.input('correction', [2]) : undefined;
  const { ema } = optimiser;
  const decay = typeof ema === 'object' ? g.input('ema.decay', []) : ema;
  const state: StateTensor[] = [];
  const slot = (name: string, shape: Shape, start: StateTensor['start'] = 'zero'): Value => {
    state.push({ name, shape, start });
    return g.input(name, shape);
  };
  // A step whose gradients are no numbers leaves everything as it was.
  const becomes = (old: Value, value: Value): void => g.output(`${old.name}.next`, finite ? g.where(finite, value, old) : value);
  if (scaling && finite && optimiser.lossScale) {
    state.push({ name: SCALING, shape: scaling.shape, start: { numbers: scalingStart(optimiser.lossScale) } });
    g.output(`${SCALING}.next`, nextScaling(g, scaling, finite, optimiser.lossScale));
  }
  clipped(g, raw, optimiser.clipNorm).forEach((gradient, i) => {
    const parameter = parameters[i];
    const { name, shape } = parameter;
    state.push({ name, shape, start: 'given' });
    const group = optimiser.groups?.(name, shape) ?? {};
    const weightDecay = (parameter.rank > 1 ? (optimiser.weightDecay ?? 0) : 0) * (group.decay ?? 1);
    const update = { parameter, gradient, rate: group.rate === undefined ? rate : g.mul(rate, group.rate), decay: weightDecay, slot, becomes };
    const next = correction && optimiser.kind === 'adamw' ? adamw(g, update, correction, optimiser) : momentum(g, update, optimiser.kind === 'sgd' ? (optimiser.momentum ?? 0.9) : 0);
    becomes(parameter, next);
    if (decay === undefined) return;
    const average = slot(`${name}.ema`, shape, { like: name });
    becomes(average, g.add(g.mul(average, decay), g.mul(next, typeof decay === 'number' ? 1 - decay : g.sub(1, decay))));
  });
  return state;
}

/** Gradients shortened together to the norm `most`. */
function clipped(g: GraphBuilder, gradients: readonly Value[], most: number | undefined): readonly Value[] {
  if (most === undefined || gradients.length === 0) return gradients;
  const squares = gradients.map(gradient => g.reshape(g.sum(g.mul(gradient, gradient), gradient.shape.map((_, i) => i)), [1]));
  const norm = g.sqrt(g.sum(g.concat(squares, 0), [0], false));
  const factor = g.min(g.div(g.scalar(most), g.add(norm, 1e-6)), 1);
  return gradients.map(gradient => g.mul(gradient, factor));
}

/** What the input `ema.decay` must hold at step `step` (from 1). */
export function emaDecay({ most, over }: EmaRamp, step: number): number {
  return most * (1 - Math.exp(-step / over));
}

/** What AdamW's `correction` input must hold at step `step` (from 1). */
export function adamCorrection({ betas = BETAS }: AdamWOptions, step: number): Float32Array {
  return Float32Array.from(betas, beta => 1 / (1 - beta ** step));
}

interface Update {
  parameter: Value;
  gradient: Value;
  rate: Value;
  decay: number;
  slot: (name: string, shape: Shape) => Value;
  becomes: (old: Value, value: Value) => void;
}

function adamw(g: GraphBuilder, { parameter, gradient, rate, decay, slot, becomes }: Update, correction: Value, { betas = BETAS, epsilon = 1e-8 }: AdamWOptions): Value {
  const [first, second] = betas;
  const m = slot(`${parameter.name}.m`, parameter.shape);
  const v = slot(`${parameter.name}.v`, parameter.shape);
  const m2 = g.add(g.mul(m, first), g.mul(gradient, 1 - first));
  const v2 = g.add(g.mul(v, second), g.mul(g.mul(gradient, gradient), 1 - second));
  becomes(m, m2);
  becomes(v, v2);
  // All that is one number is put together first: as few passes over the parameters as there can be.
  const [firstFactor, secondFactor] = [0, 1].map(i => g.slice(correction, [i], [i + 1], [0]));
  const root = g.sqrt(secondFactor);
  const step = g.div(g.mul(m2, g.div(g.mul(g.reshape(rate, [1]), firstFactor), root)), g.add(g.sqrt(v2), g.div(g.scalar(epsilon, 1), root)));
  return g.sub(decay ? g.mul(parameter, g.sub(1, g.mul(rate, decay))) : parameter, step);
}

function momentum(g: GraphBuilder, { parameter, gradient, rate, decay, slot, becomes }: Update, factor: number): Value {
  const m = slot(`${parameter.name}.m`, parameter.shape);
  const push = decay ? g.add(gradient, g.mul(parameter, decay)) : gradient;
  const m2 = g.add(g.mul(m, factor), push);
  becomes(m, m2);
  return g.sub(parameter, g.mul(m2, rate));
}
