/**
 * The engine process: which job answers which request.
 */
import { device } from './deviceReport';
import { diagnose } from './diagnose';
import { clearCache } from './jobs/clearCache';
import { evaluate } from './jobs/evaluate';
import { generate } from './jobs/generate';
import { plan } from './jobs/plan';
import { runs } from './jobs/runs';
import { serve } from './serve';

serve({ plan, generate, evaluate, device, runs, clearCache, diagnose });
