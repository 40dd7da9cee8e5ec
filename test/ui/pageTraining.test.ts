/**
 * The training page in Chromium, over a made training: curves as pixels, values by keyboard and as a table, masks that grow, what is told while it runs, and what must
 * hold in every theme.
 */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import type { Page } from 'playwright-core';
import type { ToTrainingPage } from '../../src/shared/trainingPage';
import { curveRows } from '../page/curveShot';
import { MADE_HEIGHT, MADE_PHOTOS, MADE_WIDTH, madePoint, madeTraining, RUNNING } from '../page/madeTraining';
import type { OpenedPage } from '../page/open';
import { openTraining } from '../page/openTraining';
import { THEMES } from '../page/themes';

const EPOCHS = 6;
const HOSTILE = '<img src=x onerror="window.hacked = 1">';

let opened: OpenedPage;
let page: Page;

before(async () => {
  opened = await open();
  page = opened.page;
  page.setDefaultTimeout(15_000);
});
after(() => opened.close());

test('the head says what is trained and how far it is', async () => {
  assert.equal(await page.locator('h1').innerText(), 'Training · photos · standard');
  assert.match(await page.locator('.state').innerText(), /running · 10\/1,800 steps/);
  assert.equal(await page.getByRole('progressbar', { name: 'Training' }).getAttribute('aria-valuenow'), '60');
  const facts = (await page.locator('.facts').innerText()).replaceAll('\n', ' ');
  assert.match(facts, /stage Decoder epoch 6 of 6 step 1,800 of 1,800 loss 0\.\d+ learning rate 0/);
});

test('each loss has a curve that falls, as pixels', async () => {
  const charts = page.locator('.chart');
  assert.deepEqual(await charts.locator('figcaption .grow').allInnerTexts(), ['total loss', 'classification', 'segmentation', 'learning rate']);
  const rows = (await curveRows(page.locator('.chart svg').first())).rows;
  const mean = (part: number[]): number => part.reduce((sum, row) => sum + row, 0) / part.length;
  assert.ok(rows.length > 150, `${rows.length} columns of the curve are drawn`);
  assert.ok(mean(rows.slice(-20)) > mean(rows.slice(0, 20)) + 40, 'the curve does not go down');
});

test('values are read by keyboard and by pointer', async () => {
  const slider = page.getByRole('slider', { name: /^total loss/ });
  await slider.focus();
  await page.keyboard.press('Home');
  assert.match((await slider.getAttribute('aria-valuetext')) ?? '', /^step 10, epoch 1: 1\.\d+$/);
  await page.keyboard.press('ArrowRight');
  assert.match((await slider.getAttribute('aria-valuetext')) ?? '', /^step 20, epoch 1: /);
  await page.keyboard.press('End');
  assert.match((await slider.getAttribute('aria-valuetext')) ?? '', /^step 1800, epoch 6: 0\.\d+$/);
  const box = await slider.boundingBox();
  assert.ok(box);
  await page.mouse.move(box.x + box.width / 2, box.y + box.height / 2);
  await page.locator('.chart').first().getByText(/^step \d+, epoch [34]: /).waitFor();
  await page.mouse.move(2, 2);
});

test('a logarithmic axis draws another curve', async () => {
  const before = (await curveRows(page.locator('.chart svg').first())).rows;
  await page.getByRole('checkbox', { name: 'Logarithmic' }).click();
  await page.waitForFunction(() => [...document.querySelectorAll('.chart text')].some(text => text.textContent === '0.5'));
  const after = (await curveRows(page.locator('.chart svg').first())).rows;
  assert.ok(after.some((row, i) => Math.abs(row - (before[i] ?? row)) > 5));
  await page.getByRole('checkbox', { name: 'Logarithmic' }).click();
});

test('the same values stand in a table, a row an epoch', async () => {
  await page.getByText('Values as a table').click();
  const rows = page.locator('table.values tbody tr');
  assert.equal(await rows.count(), EPOCHS);
  const cells = await rows.last().locator('th, td').allInnerTexts();
  assert.deepEqual([cells[0], cells[1], cells.at(-1)], ['6', '1800', '0.750']);
  const totals = await page.locator('table.values tbody td:nth-child(3)').allInnerTexts();
  assert.deepEqual(totals.map(Number), totals.map(Number).sort((a, b) => b - a));
  await page.getByText('Values as a table').click();
});

test('tagging has a bar for each class, as long as its precision', async () => {
  const rows = page.locator('.tagging tbody tr');
  assert.deepEqual(await rows.locator('th').allInnerTexts(), ['boat', 'cat']);
  const share = async (row: number): Promise<number> => {
    const [value, room] = await Promise.all(['.value', '.room'].map(part => rows.nth(row).locator(part).boundingBox()));
    return (value?.width ?? 0) / (room?.width ?? 1);
  };
  assert.ok(Math.abs((await share(0)) - 0.6) < 0.02 && Math.abs((await share(1)) - 0.9) < 0.02);
});

test('masks grow: the slider and the strip lead through the epochs', async () => {
  const photo = page.getByRole('img', { name: new RegExp(`^${MADE_PHOTOS[0]}, `) });
  await page.getByRole('img', { name: `${MADE_PHOTOS[0]}, Decoder, epoch 6: cat 46 %` }).waitFor();
  const areas: number[] = [];
  const slider = page.getByRole('slider', { name: 'Masks' });
  for (let epoch = 0; epoch <= EPOCHS; epoch++) {
    await slider.fill(String(epoch));
    await page.getByText(epoch === 0 ? 'Decoder, before the first epoch' : `Decoder, epoch ${epoch}`, { exact: true }).waitFor();
    await page.getByRole('img', { name: new RegExp(`^${MADE_PHOTOS[0]}, Decoder, ${epoch === 0 ? 'before the first epoch: nothing found' : `epoch ${epoch}: cat \\d+ %`}$`) }).waitFor();
    areas.push(await maskArea());
  }
  assert.equal(areas[0], 0);
  areas.forEach((area, i) => assert.ok(i === 0 || area > areas[i - 1], `${areas}`));
  await page.getByRole('group', { name: `${MADE_PHOTOS[1]} by epoch` }).getByRole('button', { name: 'Decoder, epoch 2' }).click();
  await page.getByRole('img', { name: new RegExp(`^${MADE_PHOTOS[1]}, Decoder, epoch 2: boat \\d+ %$`) }).waitFor();
  assert.match((await photo.getAttribute('aria-label')) ?? '', /epoch 2/);
});

test('what the extension tells is drawn: a line, progress, the end', async () => {
  await tell({ type: 'lines', lines: [{ type: 'metrics', ...madePoint(7, 7, 1900, 2100, 0), losses: { total: 0.1234, classification: 0.1, segmentation: 0.02 } }] });
  await page.locator('.facts', { hasText: '7 of 7' }).waitFor();
  assert.match(await page.locator('.facts').innerText(), /0\.12/);
  // The axis has become longer, and has a line for the epoch that began.
  assert.equal(await page.locator('.chart').first().locator('line.epoch').count(), EPOCHS);
  await page.getByText('Values as a table').click();
  assert.equal(await page.locator('table.values tbody tr').count(), EPOCHS + 1);
  await tell({ type: 'progress', progress: { text: '1,900/2,100 steps', share: 0.9 } });
  await page.locator('.state', { hasText: '1,900/2,100 steps' }).waitFor();
  await tell({ type: 'progress', progress: null });
  await tell({ type: 'status', status: { ...RUNNING, name: HOSTILE, state: 'failed', problem: `loss ${HOSTILE}`, notes: [HOSTILE], commands: ['resume', 'showLog'] } });
  await page.getByRole('alert').filter({ hasText: HOSTILE }).waitFor();
  assert.equal(await page.getByRole('progressbar').count(), 0);
  await page.getByText('Training stopped, loss 0.12').waitFor({ state: 'attached' });
  await page.locator('vscode-button', { hasText: 'Resume Training' }).click();
  await page.locator('vscode-button', { hasText: 'Show Log' }).click();
  assert.deepEqual((await said()).slice(-2), [{ type: 'command', name: 'resume' }, { type: 'command', name: 'showLog' }]);
  assert.equal(await page.evaluate(() => 'hacked' in window), false, 'a name became markup');
});

test('it remembers which training it shows, and says what it cannot read', async () => {
  assert.deepEqual(await page.evaluate(() => (window as unknown as { fakeHost: { state(): unknown } }).fakeHost.state()), { root: RUNNING.root, run: RUNNING.run });
  await tell({ type: 'lines', lines: [{ type: 'metrics' }] } as unknown as ToTrainingPage);
  await page.getByText('A message from the extension could not be read').waitFor();
  assert.deepEqual(opened.troubles, []);
});

test('a training without lines says that they come', async () => {
  const empty = await openTraining({ type: 'view', status: { ...RUNNING, run: null }, progress: { text: '3/9 photos · reading features', share: 0.1 }, lines: [] }, new Map());
  try {
    await empty.page.getByText('The curves begin with the first steps.').waitFor();
  } finally {
    await empty.close();
  }
});

for (const theme of THEMES) {
  test(`${theme}: the curve stands out from its ground, nothing is cut off in a narrow window`, async () => {
    const themed = await open(theme, 420);
    try {
      const { page: narrow } = themed;
      await narrow.getByRole('img', { name: new RegExp(`^${MADE_PHOTOS[0]}, `) }).first().waitFor();
      const wide = await narrow.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
      assert.equal(wide, 0, 'the page scrolls sideways');
      const [line, ground] = await narrow.evaluate(() => [getComputedStyle(document.querySelector('polyline.curve') as Element).stroke, getComputedStyle(document.querySelector('.chart svg') as Element).backgroundColor]);
      const contrast = contrastOf(line, ground);
      assert.ok(contrast >= 3, `contrast of the curve ${contrast.toFixed(2)}`);
      assert.deepEqual(themed.troubles, []);
    } finally {
      await themed.close();
    }
  });
}

async function open(theme?: (typeof THEMES)[number], width?: number): Promise<OpenedPage> {
  const { lines, files } = await madeTraining(EPOCHS);
  return openTraining({ type: 'view', status: RUNNING, progress: { text: '10/1,800 steps', share: 0.6 }, lines }, files, { ...(theme && { theme }), ...(width !== undefined && { width }) });
}

/** Of two CSS colours, as WCAG has it. */
function contrastOf(...colours: [string, string]): number {
  const [dark, light] = colours.map(colour => {
    const [r, g, b] = (colour.match(/[\d.]+/g) ?? []).map(part => Number(part) / 255).map(part => (part <= 0.03928 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4));
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  }).sort((a, b) => a - b);
  return (light + 0.05) / (dark + 0.05);
}

/** Pixels of the first photo's mask that are not clear. */
function maskArea(): Promise<number> {
  return page.locator('.samples canvas').first().evaluate((canvas, size) => {
    const copy = new OffscreenCanvas(size[0], size[1]).getContext('2d', { willReadFrequently: true });
    copy?.drawImage(canvas as HTMLCanvasElement, 0, 0);
    const { data } = copy?.getImageData(0, 0, size[0], size[1]) ?? { data: [] };
    let area = 0;
    for (let i = 3; i < data.length; i += 4) if (data[i] > 0) area++;
    return area;
  }, [MADE_WIDTH, MADE_HEIGHT]);
}

function tell(message: ToTrainingPage): Promise<void> {
  return page.evaluate(one => (window as unknown as { fakeHost: { send(message: unknown): void } }).fakeHost.send(one), message);
}

function said(): Promise<unknown[]> {
  return page.evaluate(() => (window as unknown as { fakeHost: { said: unknown[] } }).fakeHost.said);
}
