/**
 * *Set Up CUDA…*: says what is needed, takes the folder that holds the CUDA provider's libraries, lets the engine prove that it computes,
 * and only then keeps the setting.
 */
import * as vscode from 'vscode';
import { SeedMaskError } from '../shared/errors';
import type { DeviceReport } from '../shared/protocol';
import { settingsFor } from './generate';
import { deviceReport } from './reportText';
import type { Services } from './services';
import { openFolderDialog } from './target';
import { working } from './working';

const NEEDED = [
  'An NVIDIA GPU with a driver that `nvidia-smi` can see.',
  'The libraries of ONNX Runtime\'s CUDA provider in one folder: libonnxruntime_providers_cuda.so and libonnxruntime_providers_shared.so, of the same version as the runtime inside SeedMask.',
  'CUDA and cuDNN libraries of the versions that provider was built for, in that folder or where the system finds libraries.',
].map((text, i) => `${i + 1}. ${text}`).join('\n\n');

/** @returns the engine's verdict on the folder; undefined when the person turned away. */
export async function setUpCuda(services: Services): Promise<DeviceReport | undefined> {
  if (process.platform !== 'linux') throw new SeedMaskError('unavailable', 'CUDA is available on Linux; here the GPU is used through DirectML, CoreML or WebGPU');
  const choose = 'Choose Folder…';
  const picked = await vscode.window.showInformationMessage('SeedMask can run on an NVIDIA GPU through CUDA.', { modal: true, detail: NEEDED }, choose);
  if (picked !== choose) return undefined;
  for (;;) {
    const cudaProviderDir = await openFolderDialog('Folder with the CUDA provider\'s libraries', 'Use');
    if (cudaProviderDir === undefined) return undefined;
    const report = await check(services, cudaProviderDir);
    if (report.used === 'cuda') {
      await keep(services, cudaProviderDir, report);
      return report;
    }
    const again = 'Choose Another…';
    const details = 'Details';
    const cause = report.tried.find(tried => tried.device === 'cuda')?.detail ?? 'the provider could not be used';
    const choice = await vscode.window.showErrorMessage(`SeedMask: CUDA does not run from ${cudaProviderDir}: ${cause}`, again, details);
    if (choice === details) await reportDetails(services, report);
    if (choice !== again) return report;
  }
}

/** Asks a fresh engine: libraries are found at a process's start. A refusal becomes a report, so that its cause can be shown. */
async function check({ engine }: Services, cudaProviderDir: string): Promise<DeviceReport> {
  await engine.stop();
  const { backbone } = settingsFor(vscode.workspace.workspaceFolders?.[0]?.uri.fsPath ?? process.cwd());
  try {
    return await working('SeedMask: checking CUDA', signal => engine.request('device', { device: 'cuda', cudaProviderDir, ...(backbone && { backbone }) }, { signal }));
  } catch (error) {
    if (!(error instanceof SeedMaskError) || error.reason !== 'device-unavailable') throw error;
    return { asked: 'cuda', used: 'none', label: 'no device', tried: [{ device: 'cuda', ok: false, detail: error.message }] };
  }
}

async function keep(services: Services, cudaProviderDir: string, report: DeviceReport): Promise<void> {
  const configuration = vscode.workspace.getConfiguration('seedmask');
  await configuration.update('cuda.providerDir', cudaProviderDir, vscode.ConfigurationTarget.Global);
  services.log.info(`CUDA set up from ${cudaProviderDir}: ${report.label}`);
  const details = 'Details';
  void vscode.window.showInformationMessage(`SeedMask: CUDA works (${report.label}). It is used from now on where seedmask.device is auto or cuda.`, details).then(async choice => {
    if (choice === details) await reportDetails(services, report);
  });
}

async function reportDetails({ reports }: Services, report: DeviceReport): Promise<void> {
  await reports.show('SeedMask device', deviceReport(report));
}
