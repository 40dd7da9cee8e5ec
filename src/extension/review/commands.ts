/**
 * Commands of the review: ways into it and those of the queue's tree (`reviews.ts` has those that its page carries out). Most only show something and work in restricted mode too;
 * whatever writes is refused by the review itself as well.
 */
import * as vscode from 'vscode';
import { SeedMaskError } from '../../shared/errors';
import { NO_FILTER } from '../../shared/queueOrder';
import type { QueueItem } from '../../shared/review';
import { exists } from '../dataSets';
import type { RunNode } from '../runsView';
import type { Services } from '../services';
import type { QueueNode } from './queueView';
import type { ReviewDocument } from './reviewDocument';

type Handler = (services: Services, ...args: never[]) => unknown;

/** Only look. */
export const REVIEW_SHOW: Record<string, Handler> = {
  'review.open': async (services, ...[clicked]: [clicked?: vscode.Uri]) => {
    const { folderTargets } = await import('../target');
    const { reviewFolder } = await import('./open');
    const [folder] = (await folderTargets(services.dataSets, 'Review Masks', clicked)) ?? [];
    if (folder !== undefined) await reviewFolder(services, folder);
  },
  'review.openFile': async (services, uri: vscode.Uri) => (await import('./open')).reviewFile(services, uri),
  'review.openRun': async (services, node: RunNode) => (await import('./open')).reviewFolder(services, node.run.root),
  'review.openItem': ({ reviews }, node: QueueNode) => {
    if (node.kind === 'photo') reviews.reveal(node.document, node.index);
  },
  'review.filterQueue': async services => (await import('./queueChoices')).chooseFilter(services.queueView, atReview(services)),
  'review.clearFilter': ({ queueView }) => {
    queueView.filter = NO_FILTER;
  },
  'review.sortQueue': async ({ queueView }) => (await import('./queueChoices')).chooseSort(queueView),
  'review.refreshQueue': services => atReview(services).refresh(),
  'review.revealPhoto': async (services, ...[node]: [node?: QueueNode]) => {
    const [document, item] = meant(services, node);
    await vscode.commands.executeCommand('revealInExplorer', document.file(item.photo));
  },
  'review.revealMask': async (services, ...[node]: [node?: QueueNode]) => {
    const [document, item] = meant(services, node);
    if (!(await exists(document.file(item.mask)))) throw new SeedMaskError('unavailable', 'this photo has no mask file yet', item.photo);
    await vscode.commands.executeCommand('revealInExplorer', document.file(item.mask));
  },
};

/** Write, so they need trust. */
export const REVIEW_WORK: Record<string, Handler> = {
  'review.acceptItems': ({ queueView }, ...nodes: [clicked?: QueueNode, selected?: QueueNode[]]) => queueView.mark('accepted', ...nodes),
  'review.rejectItems': ({ queueView }, ...nodes: [clicked?: QueueNode, selected?: QueueNode[]]) => queueView.mark('rejected', ...nodes),
  'review.takeBackItems': ({ queueView }, ...nodes: [clicked?: QueueNode, selected?: QueueNode[]]) => queueView.mark('auto', ...nodes),
};

function atReview({ reviews }: Services): ReviewDocument {
  const document = reviews.active;
  if (!document) throw new SeedMaskError('unavailable', 'no review is open');
  return document;
}

/** The photo of a node, or the one on show. */
function meant(services: Services, node?: QueueNode): [ReviewDocument, QueueItem] {
  if (node?.kind === 'photo') return [node.document, node.document.item(node.index)];
  const document = atReview(services);
  return [document, document.item(document.current)];
}
