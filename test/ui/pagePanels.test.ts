/**
 * The panels of the review page in Chromium, over a made review: queue, evidence, classes, tags, bars, and what must hold of all of them (names are text, one tab stop
 * a group, nothing cut off, letters in fields are not commands).
 */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import type { Page } from 'playwright-core';
import type { ClassEvidence } from '../../src/shared/evidence';
import { encodeRuns } from '../../src/shared/labelRuns';
import type { Session } from '../../src/shared/pageMessages';
import type { FakeReview } from '../page/fakeReview';
import { madeReview } from '../page/madeReview';
import { openReview, type OpenedPage } from '../page/open';
import { servePage } from '../page/serve';
import { THEMES } from '../page/themes';
import { classEvidence, evidence, queueItem } from '../unit/webview/samples';

const WIDTH = 320;
const HEIGHT = 240;
/** More than fits anywhere, so that a list that draws all of it is found out. */
const PHOTOS = 20_000;
const HOSTILE = '<img src=x onerror="window.hacked = 1">';

interface Host {
  asked: { ask: string; params: Record<string, unknown> }[];
  tell(tell: string, params: object): void;
  renew(change: Partial<Session>): void;
}

let opened: OpenedPage;
let page: Page;

before(async () => {
  opened = await openReview(review(), { width: 1300, height: 850 });
  page = opened.page;
  page.setDefaultTimeout(15_000);
});
after(() => opened.close());

test('a long queue draws only what is in sight; End and Enter lead to its last photo', async () => {
  const list = queue();
  assert.ok((await list.getByRole('option').count()) < 60);
  await list.focus();
  await page.keyboard.press('End');
  await page.keyboard.press('Enter');
  await shows(`made/${PHOTOS - 1}.jpg`);
  const active = await list.getAttribute('aria-activedescendant');
  assert.equal(await page.locator(`[id="${active}"]`).getAttribute('aria-current'), 'true');
  await page.keyboard.press('Home');
  await page.keyboard.press('Enter');
  await shows('made/0.jpg');
});

test('the filter narrows the queue and the way of next; its letters and digits are not commands', async () => {
  const field = page.locator('vscode-text-field[aria-label="Filter by name"]');
  await field.click();
  await page.keyboard.type('2222h');
  assert.equal(await chosenClass(), 'class 1 (1)');
  await page.keyboard.press('Backspace');
  await queue().getByRole('option').nth(1).waitFor();
  assert.match((await page.locator('.counts').textContent()) ?? '', /shown/);
  await tell('command', { name: 'nextPhoto' });
  await shows('made/2222.jpg');
  await field.click();
  await page.keyboard.press('Escape');
  await page.locator('.counts', { hasText: `${PHOTOS.toLocaleString('en-US')} photos` }).waitFor();
  await page.evaluate(() => (document.activeElement as HTMLElement | null)?.blur());
});

test('several photos are picked by keyboard and accepted together', async () => {
  await queue().focus();
  await page.keyboard.press('Home');
  await page.keyboard.press('Shift+ArrowDown');
  await page.keyboard.press('Shift+ArrowDown');
  await page.getByRole('group', { name: '3 photos picked' }).getByText('Accept', { exact: true }).click();
  assert.deepEqual(await lastAsked('mark'), { photos: [0, 1, 2], mark: 'accepted' });
  await page.locator('.counts', { hasText: 'reviewed 3 /' }).waitFor();
  await queue().getByRole('option', { name: /made\/1\.jpg, accepted/ }).waitFor();
});

test('a state filter shows that state alone', async () => {
  await page.getByRole('combobox', { name: 'Filter by state' }).selectOption('accepted');
  await page.waitForFunction(() => document.querySelectorAll('.photo-list.y [role=option]').length === 3);
  await page.getByRole('combobox', { name: 'Filter by state' }).selectOption('');
});

test('evidence: chosen in the list, explained in a sentence, tried with another cut, restored as an edit, and taken back by undo', async () => {
  await goTo(0);
  await tell('command', { name: 'why' });
  await page.locator('.region-button').click();
  const panel = page.getByRole('article', { name: /Why this region/ });
  assert.match((await panel.locator('.decision').textContent()) ?? '', /^4,210 pixels of class 1 \(.+\) were removed: on average they are too unlike/);
  const slider = panel.getByRole('slider', { name: 'Another cut' });
  await slider.fill('0.1');
  assert.match((await panel.textContent()) ?? '', /With the cut at 0\.10, > 99 % of the region/);
  assert.equal(await asked('edit'), 0);

  await panel.getByText('Restore', { exact: true }).click();
  await panel.getByText('The region is restored.').waitFor();
  const edit = await lastAsked('edit');
  assert.deepEqual(edit['choices'], [{ evidence: evidence().id, choice: 'restored' }]);
  await page.getByRole('button', { name: 'Undo' }).click();
  await panel.getByText('Restore', { exact: true }).waitFor();
  assert.equal(await panel.getByText('The region is restored.').count(), 0);
});

test('evidence: neighbours say strong and weak, and lead to their photos', async () => {
  const neighbours = page.locator('.neighbours li');
  assert.match((await neighbours.nth(0).textContent()) ?? '', /strong: this photo has no tag class 1/);
  assert.match((await neighbours.nth(1).textContent()) ?? '', /weak: background of this very photo/);
  await neighbours.nth(0).getByRole('button').click();
  await shows('made/7.jpg');
  await goTo(0);
});

test('a region of the mask says which step brought it', async () => {
  await goTo(1);
  await tell('command', { name: 'region' });
  await clickPhoto(0.83, 0.5);
  const panel = page.getByRole('article', { name: 'Which step brought this region' });
  await panel.waitFor();
  assert.match((await panel.locator('.decision').textContent()) ?? '', /pixels of class 1 \(1\): .*came with/);
  await goTo(0);
});

test('the class page: curve and cut in words, restoring all asks first, fragile ones are filtered', async () => {
  await page.getByRole('tab', { name: 'Classes' }).click();
  await page.getByRole('button', { name: 'All classes' }).click();
  await page.getByRole('button', { name: 'boat (1) biased' }).click();
  const panel = page.getByRole('article', { name: 'Class boat' });
  await panel.getByRole('img', { name: /6 clusters of boat .* the cut at 0\.430/ }).waitFor();
  await panel.getByText('Restore all', { exact: true }).click();
  assert.equal(await asked('chooseClass'), 0);
  await page.getByRole('group', { name: 'Restore all' }).getByText('Restore all', { exact: true }).click();
  assert.deepEqual(await lastAsked('chooseClass'), { classId: 1, choice: 'restored' });
  await panel.getByText('Review fragile', { exact: true }).click();
  await queue().getByRole('option', { name: /made\/5\.jpg/ }).waitFor();
  assert.equal(await queue().getByRole('option').count(), 1);
  await page.getByRole('button', { name: 'Show all photos' }).click();
});

test('comparing: the pickers stand in the toolbar, whichever panel is open', async () => {
  await page.getByRole('combobox', { name: 'Compare two layers' }).selectOption('side');
  await page.getByRole('combobox', { name: 'Layer at the left' }).selectOption('seed');
  await page.getByRole('combobox', { name: 'Layer at the right' }).selectOption('cam:1');
  await page.getByRole('combobox', { name: 'Compare two layers' }).selectOption('none');
  await page.getByRole('combobox', { name: 'Layer at the left' }).waitFor({ state: 'detached' });
});

test('tags: the dialog holds the focus, Escape gives it back, and the photo is made again with what was chosen', async () => {
  const button = page.getByRole('button', { name: 'Change tags' });
  await button.focus();
  await page.keyboard.press('Enter');
  const dialog = page.getByRole('dialog', { name: /Tags of/ });
  await dialog.waitFor();
  await page.keyboard.press('Escape');
  await dialog.waitFor({ state: 'detached' });
  assert.equal(await button.evaluate(element => element === document.activeElement), true);
  await page.keyboard.press('Enter');
  await page.waitForFunction(() => document.activeElement?.closest('[role=dialog]') && document.activeElement.matches('vscode-text-field, input'));
  await page.keyboard.type('kayak');
  await dialog.getByText('Add “kayak”').waitFor();
  await page.keyboard.press('Enter');
  await dialog.getByRole('list', { name: 'New tags' }).getByText('kayak').waitFor();
  await dialog.getByText('Make the mask anew').click();
  const { tags } = await lastAsked('rerun');
  assert.ok((tags as string[]).includes('kayak'));
});

test('the help has the keys of the session', async () => {
  await tell('command', { name: 'help' });
  const dialog = page.getByRole('dialog', { name: 'Keys and help' });
  assert.match((await dialog.locator('div', { has: page.locator('dt', { hasText: /^Brush$/ }) }).last().textContent()) ?? '', /B$/);
  await page.keyboard.press('Escape');
  await dialog.waitFor({ state: 'detached' });
});

test('a conflict offers compare, mine and reload', async () => {
  await renew({ conflicts: [0] });
  const bar = page.getByRole('alert').filter({ hasText: 'changed on disk' });
  await bar.getByText('Keep mine').click();
  assert.deepEqual(await lastAsked('resolve'), { index: 0, how: 'mine' });
  await renew({ conflicts: [] });
  await bar.waitFor({ state: 'detached' });
});

test('looking only: no tool that paints, and the reason is said', async () => {
  await renew({ readOnly: true });
  await page.getByText('Looking only').waitFor();
  assert.equal(await page.getByRole('button', { name: 'Brush', exact: true }).count(), 0);
  assert.equal(await page.getByRole('button', { name: 'Save', exact: true }).count(), 0);
  await renew({ readOnly: false });
  await page.getByRole('button', { name: 'Brush', exact: true }).waitFor();
});

test('names of classes and photos are text, whatever they hold', async () => {
  assert.equal(await page.evaluate(() => 'hacked' in window), false);
  assert.equal(await page.locator('img[src="x"]').count(), 0);
  await page.getByRole('combobox', { name: /^Class:/ }).click();
  await page.getByRole('listbox', { name: 'Classes' }).getByText(`${HOSTILE} (3)`).waitFor();
  await page.keyboard.press('Escape');
});

test('every button has a name, and every toolbar one tab stop', async () => {
  for (const tab of ['Layers', 'Why', 'Classes']) {
    await page.getByRole('tab', { name: tab }).click();
    const nameless = await page.evaluate(() => [...document.querySelectorAll('button, vscode-button, [role=option], select, input')].filter(element => !(element.getAttribute('aria-label') ?? element.textContent ?? '').trim()).map(element => element.outerHTML));
    assert.deepEqual(nameless, []);
    const stops = await page.evaluate(() => [...document.querySelectorAll('[role=toolbar], [role=tablist]')].map(group => group.querySelectorAll('button[tabindex="0"]').length));
    assert.ok(stops.length > 3 && stops.every(count => count === 1), String(stops));
  }
});

test('nothing is cut off at 900 pixels, nor at 200 % zoom', async () => {
  for (const size of [{ width: 900, height: 700 }, { width: 700, height: 450 }]) {
    await page.setViewportSize(size);
    for (const tab of ['Layers', 'Why', 'Classes']) {
      await page.getByRole('tab', { name: tab }).click();
      const outside = await page.evaluate(() => {
        const wide = [...document.querySelectorAll('.toolbar, .side-panel, .queue-head, .status')].filter(element => element.scrollWidth > element.clientWidth + 1).map(element => element.className);
        const beyond = [...document.querySelectorAll('.toolbar button, .tabs button')].filter(element => element.getBoundingClientRect().right > innerWidth + 0.5).map(element => element.getAttribute('aria-label') ?? '');
        return [...wide, ...beyond];
      });
      assert.deepEqual(outside, [], `${tab} at ${size.width}`);
    }
  }
  await page.setViewportSize({ width: 1300, height: 850 });
});

test('text stands out against what is behind it in every theme', async () => {
  // The test runner's compiler names functions by a helper that the page does not have.
  await page.addInitScript('globalThis.__name = value => value');
  for (const theme of THEMES) {
    await page.goto(`${new URL(page.url()).origin}/?theme=${theme}`);
    await page.locator('.layer').first().waitFor();
    const faint = await page.evaluate(lowContrasts, ['.layer-name', '.made', '.entry .name', '.entry .faint', '.counts', '.status .part', '.tabs button', '.class-name']);
    assert.deepEqual(faint, [], theme);
  }
});

test('nothing went wrong in the console', () => {
  assert.deepEqual(opened.troubles.filter(trouble => !trouble.includes('GL Driver')), []);
});

test('an empty data set, a damaged mask and a photo that cannot be read say so', async () => {
  const states: [RegExp, (review: FakeReview) => FakeReview][] = [
    [/There are no photos here/, made => ({ ...made, session: { ...made.session, items: [] } })],
    [/The mask cannot be read: it ends early/, made => ({ ...made, photo: async index => { const one = await made.photo(index); return { ...one, view: { ...one.view, mask: null, maskProblem: 'it ends early' } }; } })],
    [/the photo cannot be shown/, made => ({ ...made, photo: async index => ({ ...(await made.photo(index)), file: { bytes: new Uint8Array([1, 2, 3]), type: 'image/jpeg' } }) })],
  ];
  for (const [text, change] of states) {
    const served = change(madeReview({ sizes: [{ width: 64, height: 48 }] }));
    const { origin, close } = await servePage(served);
    const other = await opened.browser.newPage();
    try {
      await other.goto(origin);
      await other.locator('.centre-slot', { hasText: text }).waitFor({ timeout: 20_000 });
    } finally {
      await other.close();
      await close();
    }
  }
});

/** Photos whose pictures are all the same few, with evidence on the first. */
function review(): FakeReview {
  const made = madeReview({ sizes: Array.from({ length: 3 }, () => ({ width: WIDTH, height: HEIGHT })), classes: 4 });
  const classes = made.session.classes.map(one => (one.id === 3 ? { ...one, name: HOSTILE } : one));
  const items = Array.from({ length: PHOTOS }, (_, i) => queueItem({ photo: `made/${i}.jpg`, mask: `made/${i}.mask.png`, tags: [1, 3], removedRegions: i === 0 ? 1 : 0, uncertainty: { ignore: 0.1, entropy: null, fragile: i === 5 ? 0.4 : null, size: null } }));
  const box: [number, number, number, number] = [10, 150, 60, 40];
  const inBox = (i: number): boolean => i % WIDTH >= box[0] && i % WIDTH < box[0] + box[2] && Math.floor(i / WIDTH) >= box[1] && Math.floor(i / WIDTH) < box[1] + box[3];
  const removal = { ...evidence(), photo: 'made/0.jpg', box, choice: null };
  removal.background = { photos: [], nearest: evidence().background.nearest.map((one, i) => ({ ...one, photo: i === 0 ? 'made/7.jpg' : 'made/0.jpg', tags: [] })) };
  return {
    session: { ...made.session, classes, items },
    photo: async index => {
      const one = await made.photo(index % 3);
      const removed = { kind: 'removed' as const, width: WIDTH, height: HEIGHT, data: encodeRuns(Uint8Array.from({ length: WIDTH * HEIGHT }, (_, i) => (inBox(i) ? 1 : 0))), made: 'Removed, made up', thresholds: {} };
      const layers = [...one.view.layers.filter(({ kind }) => kind !== 'removed' && kind !== 'before'), removed];
      return { ...one, view: { ...one.view, photo: `made/${index}.jpg`, layers, evidence: index === 0 ? [removal] : [] } };
    },
    thumbnail: index => made.thumbnail(index % 3, 64),
    classes: async (): Promise<ClassEvidence[]> => [classEvidence()],
  };
}

function queue(): ReturnType<Page['getByRole']> {
  return page.getByRole('listbox', { name: /^Photos,/ });
}

async function shows(photo: string): Promise<void> {
  await page.getByRole('application', { name: `Photo ${photo},` }).waitFor();
}

async function goTo(index: number): Promise<void> {
  await queue().focus();
  await page.keyboard.press('Home');
  for (let i = 0; i < index; i++) await page.keyboard.press('ArrowDown');
  await page.keyboard.press('Enter');
  await shows(`made/${index}.jpg`);
}

async function tell(name: string, params: object): Promise<void> {
  await page.evaluate(([what, with_]) => (window as unknown as { fakeHost: Host }).fakeHost.tell(what as string, with_ as object), [name, params]);
}

async function renew(change: Partial<Session>): Promise<void> {
  await page.evaluate(with_ => (window as unknown as { fakeHost: Host }).fakeHost.renew(with_), change);
}

async function askedOf(ask: string): Promise<Record<string, unknown>[]> {
  return page.evaluate(what => (window as unknown as { fakeHost: Host }).fakeHost.asked.filter(one => one.ask === what).map(({ params }) => ('patch' in params ? { ...params, patch: null } : params)), ask);
}

async function asked(ask: string): Promise<number> {
  return (await askedOf(ask)).length;
}

async function lastAsked(ask: string): Promise<Record<string, unknown>> {
  await page.waitForFunction(what => (window as unknown as { fakeHost: Host }).fakeHost.asked.some(one => one.ask === what), ask);
  const last = (await askedOf(ask)).at(-1);
  assert.ok(last);
  return last;
}

async function chosenClass(): Promise<string> {
  return (await page.locator('.class-picker .class-name').textContent()) ?? '';
}

/** Clicks the photo at shares of its width and height; it is fitted into the stage. */
async function clickPhoto(x: number, y: number): Promise<void> {
  const box = await page.locator('.stage').boundingBox();
  assert.ok(box);
  const scale = Math.min(box.width / WIDTH, box.height / HEIGHT);
  await page.mouse.click(box.x + box.width / 2 + (x - 0.5) * WIDTH * scale * 0.95, box.y + box.height / 2 + (y - 0.5) * HEIGHT * scale * 0.95);
}

/** Selectors whose text has less than 4.5 : 1 against its background (WCAG 2.1, 1.4.3). Runs in the page. */
function lowContrasts(selectors: string[]): string[] {
  const rgba = (text: string): number[] => (text.match(/[\d.]+/g) ?? []).map(Number);
  const luminance = (colour: number[]): number => {
    const [r, g, b] = colour.slice(0, 3).map(part => (part / 255 <= 0.04045 ? part / 255 / 12.92 : ((part / 255 + 0.055) / 1.055) ** 2.4));
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const behind = (element: Element | null): number[] => {
    for (let one = element; one; one = one.parentElement) {
      const colour = rgba(getComputedStyle(one).backgroundColor);
      if (colour.length === 3 || (colour[3] ?? 0) > 0.9) return colour;
    }
    return [255, 255, 255];
  };
  return selectors.filter(selector => {
    const element = document.querySelector(selector);
    if (!element) return true;
    const [a, b] = [luminance(rgba(getComputedStyle(element).color)), luminance(behind(element))];
    return (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05) < 4.5;
  });
}
