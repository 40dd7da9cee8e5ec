/**
 * The life of an engine process: started by a front end with an IPC channel, it answers requests until that channel closes, then ends
 * (so no engine outlives its window). Started with `--probe` it tries one device instead and ends (see deviceProbe.ts).
 */
import { Dispatcher, type Handlers } from './dispatch';
import { runProbe } from './deviceProbe';
import { createEngine } from './engine';
import { endWithParent } from './parentWatch';
import { deviceWasLost } from './session';
import type { FromEngine } from '../shared/protocol';

/** How long jobs get to stop at a clean place when the front end has gone, in milliseconds. */
const FAREWELL_MS = 500;

/** @throws if the process was started without an IPC channel. */
export function serve(handlers: Handlers): void {
  if (!process.send) throw new Error('the engine is started by the extension or by the seedmask command');
  endWithParent();
  if (process.argv.includes('--probe')) return runProbe();
  // A person's Ctrl+C reaches the whole terminal group: what it means is for the front end to say.
  process.on('SIGINT', () => undefined);
  const engine = createEngine();
  // The channel may be closed by then; 'disconnect' deals with it.
  const send = (message: FromEngine): void => void (process.connected && process.send?.(message, undefined, undefined, () => undefined));
  const dispatcher = new Dispatcher(handlers, engine, send, () => {
    // The front end starts a fresh process for its next request, in which the device may be back.
    if (deviceWasLost()) process.disconnect();
  });
  process.on('message', message => dispatcher.receive(message));
  process.on('disconnect', () => {
    dispatcher.cancelAll();
    setTimeout(() => process.exit(0), FAREWELL_MS).unref();
  });
  send({ type: 'ready', version: engine.version });
}
