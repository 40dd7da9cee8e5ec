/**
 * The engine process: which job answers which request. Each job's code is loaded when it is asked for the first time, so that a process for reviews is there in an
 * instant and never loads ONNX Runtime.
 */
import { serve } from './serve';

serve({
  plan: async (params, context, engine) => (await import('./jobs/plan')).plan(params, context, engine),
  generate: async (params, context, engine) => (await import('./jobs/generate')).generate(params, context, engine),
  debias: async (params, context, engine) => (await import('./jobs/debias')).debias(params, context, engine),
  train: async (params, context, engine) => (await import('./jobs/train')).train(params, context, engine),
  debiasChoices: async (params, context) => (await import('./jobs/debiasChoices')).debiasChoices(params, context),
  explain: async params => (await import('./jobs/explain')).explain(params),
  evaluate: async (params, context) => (await import('./jobs/evaluate')).evaluate(params, context),
  device: async (params, context, engine) => (await import('./deviceReport')).device(params, context, engine),
  runs: async params => (await import('./jobs/runs')).runs(params),
  clearCache: async params => (await import('./jobs/clearCache')).clearCache(params),
  diagnose: async (params, context, engine) => (await import('./diagnose')).diagnose(params, context, engine),
  reviewQueue: async params => (await import('./review/queue')).reviewQueue(params),
  reviewPhoto: async params => (await import('./review/photo')).reviewPhoto(params),
  reviewSave: async params => (await import('./review/save')).reviewSave(params),
  reviewMark: async params => (await import('./review/words')).reviewMark(params),
  reviewThumbnails: async params => (await import('./review/thumbnails')).reviewThumbnails(params),
  reviewClasses: async params => (await import('./review/classes')).reviewClasses(params),
  reviewTags: async params => (await import('./review/corrections')).reviewTags(params),
  reviewHold: async params => (await import('./review/corrections')).reviewHold(params),
});
