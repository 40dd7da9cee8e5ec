/**
 * Where the review page begins: the wire to the extension, the page, its keys, its controls, and everything drawn into the document's body.
 */
import './review.css';
import { render } from 'preact';
import { App } from './app';
import { registerControls } from './controls';
import { ReviewPage } from './core';
import type { Wire } from './hostClient';
import { listenToKeys } from './keyboard';
import { remember, type StateStore } from './remembered';

declare function acquireVsCodeApi(): StateStore & { postMessage(message: unknown): void };

const vscode = acquireVsCodeApi();
const wire: Wire = {
  post: message => vscode.postMessage(message),
  listen: receive => {
    const heard = (event: MessageEvent): void => receive(event.data);
    window.addEventListener('message', heard);
    return () => window.removeEventListener('message', heard);
  },
};

registerControls();
const page = new ReviewPage(wire);
remember(page, vscode);
listenToKeys(page, window);
window.addEventListener('pagehide', () => page.dispose());
render(<App page={page} />, document.body);
void page.start();
