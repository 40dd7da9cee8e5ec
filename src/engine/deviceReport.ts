/**
 * Show Device: which device a run would use and why not a better one. Unlike a run it answers for a device asked for by name, too, instead of failing.
 */
import type { Handlers } from './dispatch';
import { deviceLabel } from './devices';
import { SeedMaskError } from '../shared/errors';

export const device: Handlers['device'] = async (request, { emit, signal }, engine) => {
  const asked = request.device;
  emit({ type: 'progress', stage: 'device', done: 0, total: 1, photosPerSecond: null, secondsLeft: null, device: asked });
  try {
    return (await engine.device(request, signal)).report;
  } catch (error) {
    if (!(error instanceof SeedMaskError && error.reason === 'device-unavailable') || asked === 'auto') throw error;
    return { asked, used: 'none', label: `${deviceLabel(asked)}: not usable`, tried: [{ device: asked, ok: false, detail: error.message }] };
  }
};
