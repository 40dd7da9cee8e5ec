/**
 * The bar on top: words on the mask, tools, class and brush, undo and save, comparing, zoom, help. One tab stop a group; every tooltip names the key.
 */
import type { ReviewCommand } from '../../shared/pageMessages';
import type { Page, ToolName } from '../page';
import { COMMAND_TITLES, titleWithKey } from '../texts/helpTexts';
import { layerText } from '../texts/layerTexts';
import { classNames } from '../../shared/texts/words';
import { ClassPicker } from './classPicker';
import { IconButton, Select, Slider } from './elements';
import { Roving } from './roving';
import { send } from './send';

const TOOL_ICONS: Record<ToolName, string> = {
  pan: 'move',
  brush: 'brush',
  eraser: 'eraser',
  fill: 'paintcan',
  region: 'inspect',
  lasso: 'lasso',
  wand: 'wand',
  pick: 'eyedropper',
  box: 'primitive-square',
  point: 'target',
  scribble: 'scribble',
};
const LOOKING: readonly ToolName[] = ['pan', 'pick'];
const PAINTING: readonly ToolName[] = ['brush', 'eraser', 'fill', 'region', 'lasso', 'wand'];
const HINTING: readonly ToolName[] = ['box', 'point', 'scribble'];

export function Toolbar({ page }: { page: Page }) {
  const { readOnly, keys } = page.session.value;
  const command = (name: ReviewCommand, icon: string, disabled = false) => (
    <IconButton icon={icon} label={COMMAND_TITLES[name]} tip={titleWithKey(name, keys)} disabled={disabled} onClick={() => page.run(name)} />
  );
  const hasPhoto = page.photo.value !== undefined;
  return (
    <div class="toolbar">
      <Roving role="toolbar" label="Photo" class="group">
        {command('previousPhoto', 'arrow-left')}
        {command('nextPhoto', 'arrow-right')}
        {command('acceptAndNext', 'check', readOnly || !hasPhoto)}
        {command('rejectAndNext', 'close', readOnly || !hasPhoto)}
        {command('editTags', 'tag', readOnly || !hasPhoto)}
      </Roving>
      <Roving role="toolbar" label="Tools" class="group">
        <Tools page={page} names={LOOKING} />
        {!readOnly && <Tools page={page} names={PAINTING} />}
        {!readOnly && <Tools page={page} names={HINTING} />}
      </Roving>
      {!readOnly && <ClassPicker page={page} />}
      {!readOnly && <Brush page={page} />}
      {!readOnly && <Hints page={page} />}
      <Roving role="toolbar" label="Edits" class="group">
        {!readOnly && <IconButton icon="discard" label="Undo" onClick={() => send(page, 'command', { name: 'undo' })} />}
        {!readOnly && <IconButton icon="redo" label="Redo" onClick={() => send(page, 'command', { name: 'redo' })} />}
        {!readOnly && <IconButton icon="save" label="Save" onClick={() => send(page, 'save', {})} />}
      </Roving>
      <CompareChoice page={page} />
      <Roving role="toolbar" label="View" class="group end">
        {command('zoomOut', 'zoom-out')}
        {command('zoomIn', 'zoom-in')}
        {command('fit', 'screen-full')}
        {command('help', 'question')}
      </Roving>
    </div>
  );
}

function Tools({ page, names }: { page: Page; names: readonly ToolName[] }) {
  const tool = page.hand.tool.value;
  return (
    <>
      {names.map(name => (
        <IconButton key={name} icon={TOOL_ICONS[name]} label={COMMAND_TITLES[name]} tip={titleWithKey(name, page.session.value.keys)} pressed={tool === name} onClick={() => page.run(name)} />
      ))}
    </>
  );
}

/** The radius on a scale whose small steps are small: half a pixel to 500. */
function Brush({ page }: { page: Page }) {
  const radius = page.hand.radius.value;
  const width = Math.max(1, Math.round(radius * 2));
  return (
    <label class="brush">
      <Slider
        value={Math.sqrt(radius / 500)}
        min={Math.sqrt(0.5 / 500)}
        max={1}
        step={0.005}
        label="Width of brush and eraser"
        text={`${width} pixels`}
        onInput={at => (page.hand.radius.value = Math.max(0.5, Math.round(at * at * 1000) / 2))}
      />
      <span class="number" aria-hidden="true">
        {width} px
      </span>
    </label>
  );
}

/** Appears with the first hint. */
function Hints({ page }: { page: Page }) {
  const { boxes, points, scribbles } = page.hand.hints.value;
  const count = boxes.length + points.length + scribbles.length;
  if (count === 0) return null;
  return (
    <Roving role="toolbar" label="Hints" class="group">
      <IconButton icon="run" label={COMMAND_TITLES.applyHints} tip={titleWithKey('applyHints', page.session.value.keys)} onClick={() => page.run('applyHints')}>
        <span class="number">{count}</span>
      </IconButton>
      <IconButton icon="clear-all" label={COMMAND_TITLES.clearHints} onClick={() => page.run('clearHints')} />
    </Roving>
  );
}

/** One view, or two layers side by side or with a divide between them. */
function CompareChoice({ page }: { page: Page }) {
  const commands = { none: 'compareNone', side: 'sideBySide', swipe: 'swipe' } as const;
  const compare = page.looks.compare.value;
  const names = classNames(page.session.value.classes);
  const layers = (page.photo.value?.layers ?? []).map(layer => ({ value: layer.key, text: layerText(layer, names) }));
  return (
    <div class="compare-choice">
      <Select
        value={compare.mode}
        label="Compare two layers"
        options={[
          { value: 'none', text: 'One view' },
          { value: 'side', text: 'Side by side' },
          { value: 'swipe', text: 'Swipe' },
        ]}
        onChange={mode => page.run(commands[mode])}
      />
      {compare.mode !== 'none' && (
        <>
          <Select value={compare.left} label="Layer at the left" options={layers} onChange={left => (page.looks.compare.value = { ...compare, left })} />
          <Select value={compare.right} label="Layer at the right" options={layers} onChange={right => (page.looks.compare.value = { ...compare, right })} />
        </>
      )}
    </div>
  );
}
