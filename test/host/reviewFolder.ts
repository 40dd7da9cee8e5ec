/** A small data set for tests of the review: photos and masks that this file draws, and the ways a test plays the page. */
import assert from 'node:assert/strict';
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import * as vscode from 'vscode';
import { decodeMask, encodeMask } from '../../src/dataset/maskFile';
import type { PageLink } from '../../src/extension/review/pageLink';
import type { ReviewDocument } from '../../src/extension/review/reviewDocument';
import { VIEW_TYPE } from '../../src/extension/review/reviews';
import type { Services } from '../../src/extension/services';
import { cut, patchOf, type LabelPatch, type Rect } from '../../src/shared/labelPatch';
import { decodeRuns } from '../../src/shared/labelRuns';
import type { LabelMap } from '../../src/shared/maps';
import type { Ask, AskParams, AskResult, Tell, TellParams, ToPage } from '../../src/shared/pageMessages';

export const WIDTH = 64;
export const HEIGHT = 48;
export const PHOTOS = ['a.png', 'b.png', 'c.png'];

export class ReviewFolder {
  readonly root: string;

  /** Photos a, b and c with masks that hold a square of class 1. */
  constructor(name: string) {
    const workspace = vscode.workspace.workspaceFolders?.[0]?.uri.fsPath;
    assert.ok(workspace, 'the tests need a workspace folder');
    this.root = join(workspace, name);
    rmSync(this.root, { recursive: true, force: true });
    mkdirSync(this.root, { recursive: true });
    const photo = blank();
    photo.data.forEach((_, i) => (photo.data[i] = (i * 7) % 200));
    for (const [i, file] of PHOTOS.entries()) {
      writeFileSync(join(this.root, file), encodeMask(photo));
      const mask = blank();
      paint(mask, { x: 8 + i, y: 8, width: 16, height: 16 }, 1);
      this.writeMask(file, mask);
    }
    writeFileSync(join(this.root, 'tags.json'), JSON.stringify(Object.fromEntries(PHOTOS.map(file => [file, ['cat']]))));
  }

  uri(file: string): vscode.Uri {
    return vscode.Uri.file(join(this.root, file));
  }

  maskUri(photo: string): vscode.Uri {
    return this.uri(photo.replace('.png', '.mask.png'));
  }

  mask(photo: string): LabelMap {
    return decodeMask(this.bytes(photo)).labels;
  }

  bytes(photo: string): Buffer {
    return readFileSync(this.maskUri(photo).fsPath);
  }

  writeMask(photo: string, mask: LabelMap): void {
    writeFileSync(this.maskUri(photo).fsPath, encodeMask(mask));
  }
}

/** Opens a file in the review as *Open With* does, and waits for its page. */
export async function openReview({ reviews }: Services, uri: vscode.Uri): Promise<{ document: ReviewDocument; page: PageLink }> {
  await vscode.commands.executeCommand('vscode.openWith', uri, VIEW_TYPE, { preview: false });
  await until(() => [...reviews.documents].some(document => document.uri.toString() === uri.toString() && [...document.pages].some(page => page.isReady)), 20_000, 'the page');
  const document = [...reviews.documents].find(each => each.uri.toString() === uri.toString());
  const page = document && [...document.pages].at(-1);
  assert.ok(document && page);
  return { document, page };
}

let lastId = 1_000_000;

/** Asks as the page does. @throws what it was answered, where that is an error */
export async function ask<A extends Ask>(page: PageLink, name: A, params: AskParams<A>): Promise<AskResult<A>> {
  const answer = await page.receive({ type: 'ask', id: ++lastId, ask: name, params });
  assert.ok(answer && answer.type !== 'tell');
  if (answer.type === 'error') throw new Error(`${answer.reason}: ${answer.message}`);
  return answer.result as AskResult<A>;
}

/** Sends something that no page would send. */
export function send(page: PageLink, message: unknown): Promise<ToPage | undefined> {
  return page.receive(message);
}

/** One stroke on `mask`, as the page would send it. */
export function stroke(mask: LabelMap, rect: Rect, label: number): LabelPatch {
  const before = cut(mask, rect);
  paint(mask, rect, label);
  return patchOf(mask, rect, before);
}

export function blank(width = WIDTH, height = HEIGHT): LabelMap {
  return { data: new Uint8Array(width * height), width, height };
}

export function paint({ data, width }: LabelMap, rect: Rect, label: number): void {
  for (let y = rect.y; y < rect.y + rect.height; y++) data.fill(label, y * width + rect.x, y * width + rect.x + rect.width);
}

export async function until(condition: () => boolean | Promise<boolean>, ms: number, what = 'what was waited for'): Promise<void> {
  const end = Date.now() + ms;
  while (!(await condition())) {
    assert.ok(Date.now() < end, `${what} did not happen within ${ms} ms`);
    await new Promise(done => setTimeout(done, 20));
  }
}

/** Whether the tab of the review has its dot. */
export function isDirty({ uri }: ReviewDocument): boolean {
  return vscode.window.tabGroups.all.flatMap(group => group.tabs).some(tab => tab.input instanceof vscode.TabInputCustom && tab.input.uri.toString() === uri.toString() && tab.isDirty);
}

/** Names of what the page is told from now on. */
export function tells(page: PageLink): string[] {
  const told: string[] = [];
  hear(page, tell => told.push(tell));
  return told;
}

/** What the page hears of `wanted` from now on. */
export function told<T extends Tell>(page: PageLink, wanted: T): TellParams<T>[] {
  const heard: TellParams<T>[] = [];
  // The parameters are those of the tell that stands before them.
  hear(page, (tell, params) => tell === wanted && heard.push(params as TellParams<T>));
  return heard;
}

function hear(page: PageLink, heard: (tell: Tell, params: unknown) => unknown): void {
  const tell = page.tell.bind(page);
  page.tell = (...said) => {
    if (page.isReady) heard(said[0], said[1]);
    tell(...said);
  };
}

/** Paints as a page does; `page`: the one that has it already. */
export async function edit(document: ReviewDocument, index: number, patch: LabelPatch, page = [...document.pages][0]): Promise<void> {
  await ask(page, 'edit', { index, label: 'Brush', patch, choices: [] });
}

/** The labels that the page is given of a photo. */
export async function labelsOf(page: PageLink, index: number): Promise<Uint8Array | undefined> {
  const { mask } = (await ask(page, 'photo', { index })).view;
  return mask ? decodeRuns(mask.runs, mask.width * mask.height) : undefined;
}

/** Between two tests: nothing is unsaved, and no review is open. */
export async function closeReviews({ reviews }: Services): Promise<void> {
  for (const document of reviews.documents) await document.revert();
  await vscode.commands.executeCommand('workbench.action.revertAndCloseActiveEditor');
  await vscode.commands.executeCommand('workbench.action.closeAllEditors');
  await until(() => reviews.documents.size === 0, 10_000, 'the end of all reviews');
}

/** The texts of all files below a folder. */
export function readAll(folder: string): string {
  if (!existsSync(folder)) return '';
  return readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .map(name => join(folder, name))
    .filter(path => statSync(path).isFile())
    .map(path => readFileSync(path, 'utf8'))
    .join('\n');
}
