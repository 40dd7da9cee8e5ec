/**
 * The queue: all photos with their states, filtered and sorted; what is picked is accepted or rejected together. It also writes the way of next and previous
 * (`panels.order`). The filmstrip is the same list, lying.
 */
import { useComputed, useSignalEffect, type ReadonlySignal } from '@preact/signals';
import { useRef } from 'preact/hooks';
import { describeError } from '../../shared/errors';
import { STATE_ICONS, STATE_TEXTS } from '../../shared/photoStates';
import { isFiltered, nameRanks, NO_FILTER, QUEUE_SORTS, shownPhotos, type NameRanks } from '../../shared/queueOrder';
import { PHOTO_STATES, type Mark, type QueueItem } from '../../shared/review';
import { plural } from '../../shared/runTexts';
import type { Page } from '../page';
import { reviewedText, shownText, sortKeyText, SORT_SENTENCES, SORT_WORDS, STATE_SENTENCES } from '../texts/queueTexts';
import { classNames, className } from '../../shared/texts/words';
import { Button, Icon, IconButton, Select, TextField } from './elements';
import { panelStateOf } from './panelState';
import { PhotoList } from './photoList';
import { Thumbnail } from './thumbnails';

export function Queue({ page }: { page: Page }) {
  const { filter, sort } = panelStateOf(page);
  const ranks = useRef<NameRanks | undefined>(undefined);
  const shown: ReadonlySignal<readonly number[]> = useComputed(() => {
    const { items } = page.session.value;
    ranks.current = nameRanks(items, ranks.current);
    return shownPhotos(items, filter.value, sort.value, ranks.current);
  });
  useSignalEffect(() => void (page.panels.order.value = shown.value));
  const { items } = page.session.value;
  return (
    <section class="queue" aria-label="Queue">
      <div class="queue-head">
        <div class="counts">
          <strong>{reviewedText(items)}</strong>
          <span class="faint">{shownText(shown.value.length, items.length)}</span>
        </div>
        <Filters page={page} />
      </div>
      {shown.value.length === 0 && items.length > 0 && (
        <p class="empty">
          No photo passes the filter. <Button onClick={() => (filter.value = NO_FILTER)}>Show all</Button>
        </p>
      )}
      <PhotoList page={page} shown={shown.value} axis="y" label={`Photos, ${shownText(shown.value.length, items.length)}`} size={54} focus="queue" entry={(item, index) => <Entry page={page} item={item} index={index} />} />
      <Picked page={page} />
    </section>
  );
}

/** Thumbnails in the order shown, with the present photo in the middle. */
export function Filmstrip({ page }: { page: Page }) {
  const { items } = page.session.value;
  const order = page.panels.order.value ?? items.map((_, index) => index);
  if (order.length === 0) return null;
  return (
    <PhotoList
      page={page}
      shown={order}
      axis="x"
      label="Filmstrip"
      size={76}
      entry={item => (
        <>
          <Thumbnail page={page} photo={item.photo} longSide={96} alt="" />
          <span class={`badge ${item.state}`}>
            <Icon name={STATE_ICONS[item.state]} />
          </span>
        </>
      )}
    />
  );
}

function Filters({ page }: { page: Page }) {
  const { filter, sort } = panelStateOf(page);
  const { classes } = page.session.value;
  const { text, states, classId, fragile } = filter.value;
  const state = [...states][0];
  return (
    <div class="filters">
      <TextField value={text} label="Filter by name" placeholder="Filter by name" onInput={typed => (filter.value = { ...filter.value, text: typed })} onEscape={() => (filter.value = { ...filter.value, text: '' })} />
      <div class="row">
        <Select
          value={states.size > 0 && state ? state : ''}
          label="Filter by state"
          options={[{ value: '', text: 'Any state' }, ...PHOTO_STATES.map(value => ({ value, text: STATE_TEXTS[value], title: STATE_SENTENCES[value] }))]}
          onChange={value => (filter.value = { ...filter.value, states: new Set(value === '' ? [] : [value]) })}
        />
        <Select
          value={classId === null ? '' : String(classId)}
          label="Filter by class"
          options={[{ value: '', text: 'Any class' }, ...classes.filter(({ id }) => id > 0).map(({ id, name }) => ({ value: String(id), text: `${name} (${id})` }))]}
          onChange={value => (filter.value = { ...filter.value, classId: value === '' ? null : Number(value) })}
        />
      </div>
      <div class="row">
        <Select value={sort.value} label="Sort" options={QUEUE_SORTS.map(value => ({ value, text: SORT_WORDS[value], title: SORT_SENTENCES[value] }))} onChange={value => (sort.value = value)} />
        {isFiltered(filter.value) && <IconButton icon="clear-all" label="Show all photos" onClick={() => (filter.value = NO_FILTER)} />}
      </div>
      {fragile && <p class="faint">Only photos with fragile removals</p>}
    </div>
  );
}

function Entry({ page, item, index }: { page: Page; item: QueueItem; index: number }) {
  const { dirty, classes } = page.session.value;
  const names = classNames(classes);
  const slash = item.photo.lastIndexOf('/');
  const { sort } = panelStateOf(page);
  const working = page.working.value.get(index);
  return (
    <>
      <Thumbnail page={page} photo={item.photo} longSide={96} alt="" />
      <span class="lines">
        <span class="line name">
          {dirty.includes(index) && <Icon name="circle-filled" />}
          {item.photo.slice(slash + 1)}
        </span>
        <span class={`line state ${item.state}`}>
          <Icon name={STATE_ICONS[item.state]} /> {working ?? STATE_TEXTS[item.state]}
        </span>
        <span class="line faint">{sort.value === 'name' ? item.tags.map(id => className(id, names)).join(', ') : sortKeyText(item, sort.value)}</span>
      </span>
    </>
  );
}

/** What can be done with several photos. */
function Picked({ page }: { page: Page }) {
  const { picked } = page.panels;
  const photos = [...picked.value];
  if (photos.length === 0) return null;
  const mark = (word: Mark, said: string): void => {
    page.ask('mark', { photos, mark: word }).then(
      () => page.say(`${plural(photos.length, 'photo')} ${said}`),
      (error: unknown) => page.say(describeError(error)),
    );
    picked.value = new Set();
  };
  const { readOnly } = page.session.value;
  return (
    <div class="picked" role="group" aria-label={`${plural(photos.length, 'photo')} picked`}>
      <span class="grow">{plural(photos.length, 'photo')} picked</span>
      <IconButton icon="close" label="Pick none" onClick={() => (picked.value = new Set())} />
      {!readOnly && (
        <>
          <Button onClick={() => mark('accepted', 'accepted')}>Accept</Button>
          <Button onClick={() => mark('rejected', 'rejected')}>Reject</Button>
        </>
      )}
    </div>
  );
}
