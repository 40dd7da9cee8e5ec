/**
 * What stands over the canvas where there is no picture, or no mask, to show: an empty data set, a photo that cannot be read, a mask that is damaged, missing or of
 * another size. A damaged mask is never opened as an empty one.
 */
import type { ComponentChildren } from 'preact';
import type { QueueItem } from '../../shared/review';
import type { Page } from '../page';
import { STATE_SENTENCES } from '../texts/queueTexts';
import { Button, Icon, ProgressRing } from './elements';
import { send } from './send';

export function CentreMessage({ page }: { page: Page }) {
  const { items, name, current } = page.session.value;
  const photo = page.photo.value;
  const problem = page.problem.value;
  if (items.length === 0) return name === '' && problem === undefined ? <Loading text="Opening the review" /> : <Message title={problem ?? 'There are no photos here.'} icon="folder-opened" />;
  if (problem !== undefined) {
    return (
      <Message title={problem} icon="error">
        <Button onClick={() => page.goTo(current)}>Try again</Button>
        <Button onClick={() => page.run('nextPhoto')}>Next photo</Button>
      </Message>
    );
  }
  if (!photo) return <Loading text={`Opening ${items[current]?.photo ?? ''}`} />;
  return <MaskNote page={page} item={items[photo.index]} />;
}

/** Over a photo that is shown: why its mask is not, or must not be edited. */
function MaskNote({ page, item }: { page: Page; item: QueueItem | undefined }) {
  const view = page.photo.value?.view;
  if (!view || !item) return null;
  const note = view.maskProblem
    ? { icon: 'error', text: `The mask cannot be read: ${view.maskProblem}. It is not touched; make it anew, or mend the file.` }
    : view.mask?.problem
      ? { icon: 'warning', text: `The mask cannot be edited: ${view.mask.problem}.` }
      : item.state === 'failed'
        ? { icon: 'error', text: `No mask could be made: ${item.problem ?? 'the reason is in the log'}.` }
        : !view.mask && (item.state === 'untagged' || item.state === 'missing')
          ? { icon: 'info', text: STATE_SENTENCES[item.state] }
          : undefined;
  if (!note) return null;
  return (
    <div class="centre-note" role="note">
      <Icon name={note.icon} />
      <span class="grow">{note.text}</span>
      {!page.session.value.readOnly && (item.state === 'untagged' || item.state === 'failed') && <Button onClick={() => page.run('editTags')}>Change tags</Button>}
      {view.maskProblem && <Button onClick={() => send(page, 'command', { name: 'revealMask' })}>Reveal mask</Button>}
    </div>
  );
}

function Message({ title, icon, children }: { title: string; icon: string; children?: ComponentChildren }) {
  return (
    <div class="centre-message" role="alert">
      <Icon name={icon} />
      <p>{title}</p>
      <div class="buttons">{children}</div>
    </div>
  );
}

function Loading({ text }: { text: string }) {
  return (
    <div class="centre-message" role="status">
      <ProgressRing label={text} />
      <p>{text}</p>
    </div>
  );
}
