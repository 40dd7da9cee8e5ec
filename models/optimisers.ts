/**
 * Optimiser steps as nodes of the training graph: one run computes the loss, its gradients and the new state. State travels through
 * the graph's ends: the parameter `w` comes in as input `w` and leaves as output `w.next`, its moments as `w.m` and `w.v`.
 * Learning rates and bias corrections are scalar inputs, so that schedules need no new session. Driven by `trainer.ts`.
 *
 * AdamW: Loshchilov and Hutter 2019, "Decoupled Weight Decay Regularization"; momentum as in PyTorch's SGD (decay joins the gradient).
 */
import { gradients } from './autodiff/gradients';
import type { GraphBuilder } from './graph/builder';
import type { Shape, Value } from './graph/value';

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

export type OptimiserOptions = AdamWOptions | SgdOptions;

/** Everything the driver must know about a training graph besides its bytes. */
export interface TrainingGraph {
  model: Uint8Array;
  /** Inputs that are fed back from `<name>.next`, with their shapes. */
  state: { name: string; shape: Shape; /** parameters start from given numbers, moments from zero */ parameter: boolean }[];
  optimiser: OptimiserOptions;
}

const BETAS = [0.9, 0.999] as const;

/**
 * Appends gradients and the update of every parameter (graph inputs) and gives the finished graph. Weight decay
 * touches matrices and kernels, not biases (rank 1 and less). Adds the inputs `rate` [] and, for AdamW, `correction` [2]; the output `loss`.
 */
export function trainingGraph(g: GraphBuilder, loss: Value, parameters: readonly Value[], optimiser: OptimiserOptions): TrainingGraph {
  g.output('loss', loss);
  const rate = g.input('rate', []);
  const correction = optimiser.kind === 'adamw' ? g.input('correction', [2]) : undefined;
  const state: TrainingGraph['state'] = [];
  const slot = (name: string, shape: Shape): Value => {
    state.push({ name, shape, parameter: false });
    return g.input(name, shape);
  };
  gradients(g, loss, parameters).forEach((gradient, i) => {
    const parameter = parameters[i];
    state.push({ name: parameter.name, shape: parameter.shape, parameter: true });
    const decay = parameter.rank > 1 ? (optimiser.weightDecay ?? 0) : 0;
    const next = correction && optimiser.kind === 'adamw'
      ? adamw(g, { parameter, gradient, rate, decay, slot }, correction, optimiser)
      : momentum(g, { parameter, gradient, rate, decay, slot }, optimiser.kind === 'sgd' ? (optimiser.momentum ?? 0.9) : 0);
    g.output(`${parameter.name}.next`, next);
  });
  return { model: g.toOnnx(), state, optimiser };
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
}

function adamw(g: GraphBuilder, { parameter, gradient, rate, decay, slot }: Update, correction: Value, { betas = BETAS, epsilon = 1e-8 }: AdamWOptions): Value {
  const [first, second] = betas;
  const m = slot(`${parameter.name}.m`, parameter.shape);
  const v = slot(`${parameter.name}.v`, parameter.shape);
  const m2 = g.add(g.mul(m, first), g.mul(gradient, 1 - first));
  const v2 = g.add(g.mul(v, second), g.mul(g.mul(gradient, gradient), 1 - second));
  g.output(`${m.name}.next`, m2);
  g.output(`${v.name}.next`, v2);
  const [firstFactor, secondFactor] = [0, 1].map(i => g.slice(correction, [i], [i + 1], [0]));
  const step = g.div(g.mul(m2, firstFactor), g.add(g.sqrt(g.mul(v2, secondFactor)), epsilon));
  const kept = decay ? g.sub(parameter, g.mul(parameter, g.mul(rate, decay))) : parameter;
  return g.sub(kept, g.mul(step, rate));
}

function momentum(g: GraphBuilder, { parameter, gradient, rate, decay, slot }: Update, factor: number): Value {
  const m = slot(`${parameter.name}.m`, parameter.shape);
  const push = decay ? g.add(gradient, g.mul(parameter, decay)) : gradient;
  const m2 = g.add(g.mul(m, factor), push);
  g.output(`${m.name}.next`, m2);
  return g.sub(parameter, g.mul(m2, rate));
}
