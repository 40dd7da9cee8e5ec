/**
 * What every job may use besides its parameters: the devices (with their open sessions) and where the package lies. One per process.
 */
import { join } from 'node:path';
import { DeviceChooser, type DeviceRequest, type OpenDevice } from './devices';
import type { ProbeEntry } from './deviceCheck';
import { packageRoot, packageVersion, userCacheDir } from './paths';

export interface Engine {
  readonly version: string;
  /** The package's folder. */
  readonly home: string;
  /** The bundled models. */
  readonly weightsFolder: string;
  /** For what belongs to no data set. */
  readonly cacheDir: string;
  /**
   * The device a run's settings ask for, checked on the run's models, with a host that opens graphs on it. The answer is kept, so asking
   * again is free.
   * @throws SeedMaskError 'device-unavailable' when a device asked for by name cannot be used, 'bad-model' when a model must not be loaded.
   */
  device(request: DeviceRequest, signal?: AbortSignal): Promise<OpenDevice>;
}

/** @param probe how a probe process is started: the file whose main function understands `--probe` (this process's own by default). */
export function createEngine(probe: ProbeEntry = { file: process.argv[1] ?? '', execArgv: process.execArgv }): Engine {
  const home = packageRoot();
  const cacheDir = userCacheDir();
  const weightsFolder = join(home, 'models', 'weights');
  const chooser = new DeviceChooser({ probe, cacheDir, weightsFolder });
  return {
    version: packageVersion(join(home, 'package.json')),
    home,
    weightsFolder,
    cacheDir,
    device: (request, signal) => chooser.open(request, signal),
  };
}
