/**
 * The extension inside VS Code before any run: how it starts, what it offers, what it refuses.
 */
import assert from 'node:assert/strict';
import * as vscode from 'vscode';
import type { Services } from '../../src/extension/services';
import { REVIEW_COMMANDS } from '../../src/shared/reviewCommands';
import { threadTime } from './threadTime';

const extension = vscode.extensions.getExtension<Services>('seedmask.seedmask');

interface Manifest {
  contributes: {
    commands: { command: string; title: string }[];
    menus: Record<string, { command?: string; submenu?: string; when?: string }[]>;
    configuration: { properties: Record<string, { default: unknown; scope: string; markdownDescription: string }> };
  };
  capabilities: { untrustedWorkspaces: { supported: string; restrictedConfigurations: string[] }; virtualWorkspaces: { supported: boolean } };
}

describe('activation', () => {
  it('takes less than 50 ms and loads no native module', async () => {
    assert.ok(extension, 'the extension is not installed');
    assert.equal(extension.isActive, false, 'something activated the extension before its first command');
    const start = performance.now();
    const busy = threadTime();
    await extension.activate();
    const ms = threadTime() - busy;
    console.log(`      activated in ${(performance.now() - start).toFixed(1)} ms, of which ${ms.toFixed(1)} ms were computed`);
    assert.ok(extension.isActive);
    assert.ok(ms < 50, `activation computed for ${ms.toFixed(1)} ms`);
    const report = process.report.getReport() as unknown as { sharedObjects: string[] };
    const native = report.sharedObjects.filter(file => /onnxruntime|libvips|sharp/.test(file));
    assert.deepEqual(native, []);
  });

  it('registers every command of the manifest, and none besides', async () => {
    // Those that a review's page carries out come with the first review.
    const ofPage = new Set(REVIEW_COMMANDS.map(name => `seedmask.review.${name}`));
    const declared = manifest().contributes.commands.map(({ command }) => command).filter(command => !ofPage.has(command)).sort();
    const registered = (await vscode.commands.getCommands(true)).filter(id => /^seedmask\.(?!(runs|queue)\b)/.test(id)).sort();
    assert.deepEqual(registered, declared);
  });

  it('gives the settings their defaults', () => {
    const configuration = vscode.workspace.getConfiguration('seedmask');
    for (const [name, { default: expected }] of Object.entries(manifest().contributes.configuration.properties)) {
      assert.deepEqual(configuration.inspect(name.slice('seedmask.'.length))?.defaultValue, expected, name);
    }
  });
});

describe('menus', () => {
  it('hide every working command in untrusted and virtual workspaces', () => {
    const { menus } = manifest().contributes;
    const entries = [...(menus['explorer/context'] ?? []), ...(menus['commandPalette'] ?? []), ...(menus['seedmask.folder'] ?? []).map(entry => ({ ...entry, when: `${entry.when} && !virtualWorkspace` }))];
    // Looking is allowed everywhere; test/unit/review says which keys of the review need trust.
    const harmless = (command = ''): boolean => command === 'seedmask.cancel' || command.startsWith('seedmask.review.');
    for (const { command, submenu, when } of entries) {
      if (when === 'false' || harmless(command)) continue;
      // The folder's menu opens for looking; its entries have their own clauses.
      if (submenu !== undefined) continue;
      for (const clause of ['isWorkspaceTrusted', '!virtualWorkspace']) assert.ok(clauses(when).includes(clause), `${command ?? submenu}: ${when}`);
    }
  });

  it('offer in the palette only what the manifest thought about', () => {
    const { commands, menus } = manifest().contributes;
    const ruled = new Set(menus['commandPalette']?.map(({ command }) => command));
    const always = commands.map(({ command }) => command).filter(command => !ruled.has(command));
    assert.deepEqual(always, ['seedmask.showLog']);
  });

  it('do not offer a second run while one lives', () => {
    const { menus } = manifest().contributes;
    for (const { command, when } of [...(menus['seedmask.folder'] ?? []), ...(menus['commandPalette'] ?? [])]) {
      if (/generate|train$|resume|evaluate|clearCache|setUpCuda/.test(command ?? '') && when !== 'false') assert.ok(clauses(when).includes('!seedmask.running'), command);
    }
  });
});

describe('refusals', () => {
  it('a folder that is not on a disk is refused with a message, and nothing is thrown', async () => {
    const services = extension?.exports;
    assert.ok(services);
    const result = await vscode.commands.executeCommand('seedmask.generate', vscode.Uri.parse('vscode-vfs://github/a/b'));
    assert.equal(result, undefined);
    assert.equal(services.run.summary, undefined);
  });

  it('resume without a run to resume is refused', async () => {
    assert.equal(await vscode.commands.executeCommand('seedmask.resume'), undefined);
  });

  it('settings that name models and files do not count in restricted mode', () => {
    const { untrustedWorkspaces, virtualWorkspaces } = manifest().capabilities;
    assert.equal(untrustedWorkspaces.supported, 'limited');
    for (const name of ['presetFile', 'backbone', 'marsFeatures', 'cuda.providerDir', 'tags.file']) assert.ok(untrustedWorkspaces.restrictedConfigurations.includes(`seedmask.${name}`), name);
    assert.equal(virtualWorkspaces.supported, false);
  });
});

/** The parts of a `when` clause that must all hold. VS Code hands them over in an order of its own. */
function clauses(when = ''): string[] {
  return when.split(' && ');
}

function manifest(): Manifest {
  assert.ok(extension);
  return extension.packageJSON as Manifest;
}
