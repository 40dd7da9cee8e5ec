/**
 * What stands around the canvas, by place: the page's layout (app.tsx) asks for these and nothing else of the panels.
 */
import type { Page } from '../page';
import { Bars } from './bars';
import { CentreMessage } from './centre';
import { Help } from './help';
import { Filmstrip, Queue } from './queue';
import { Side } from './side';
import { LiveRegion, StatusLine } from './status';
import { TagEditor } from './tagEditor';
import { Toolbar } from './toolbar';
import { Tooltip } from './tooltip';

/** Toolbar, and bars that speak of conflicts and restrictions. */
export function TopSlot({ page }: { page: Page }) {
  return (
    <>
      <Toolbar page={page} />
      <Bars page={page} />
    </>
  );
}

/** The queue with its filters. */
export function LeftSlot({ page }: { page: Page }) {
  return <Queue page={page} />;
}

/** Layers, why, class page. */
export function RightSlot({ page }: { page: Page }) {
  return <Side page={page} />;
}

/** Filmstrip and status line. */
export function BottomSlot({ page }: { page: Page }) {
  return (
    <>
      <Filmstrip page={page} />
      <StatusLine page={page} />
    </>
  );
}

/** Over the canvas: states in which there is no photo to show. Over all: help, tags. */
export function OverSlot({ page }: { page: Page }) {
  const over = page.panels.over.value;
  return (
    <>
      <div class="centre-slot">
        <CentreMessage page={page} />
      </div>
      {over === 'help' && <Help page={page} />}
      {over === 'tags' && <TagEditor page={page} />}
      <Tooltip />
      <LiveRegion page={page} />
    </>
  );
}
