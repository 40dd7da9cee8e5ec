/**
 * Where the training page begins: the wire to the extension, its controls, and everything drawn into the document's body.
 */
import './training.css';
import { effect } from '@preact/signals';
import { render } from 'preact';
import { registerControls } from '../controls';
import { App } from './app';
import { TrainingPage } from './trainingPage';

declare function acquireVsCodeApi(): { postMessage(message: unknown): void; setState(state: unknown): void };

const vscode = acquireVsCodeApi();

registerControls();
const page = new TrainingPage({
  post: message => vscode.postMessage(message),
  listen: receive => {
    const heard = (event: MessageEvent): void => receive(event.data);
    window.addEventListener('message', heard);
    return () => window.removeEventListener('message', heard);
  },
});
// Which training this is: a reloaded window gives it back to the extension.
effect(() => {
  const status = page.status.value;
  if (status) vscode.setState({ root: status.root, run: status.run });
});
window.addEventListener('pagehide', () => page.dispose());
render(<App page={page} />, document.body);
page.start();
