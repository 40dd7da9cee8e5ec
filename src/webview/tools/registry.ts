/**
 * The tool of each name, made for one page.
 */
import type { Page, Tool, ToolName } from '../page';

export function toolFor(_name: ToolName, page: Page): Tool {
  let last: { x: number; y: number } | undefined;
  return {
    cursor: 'grab',
    down: at => void (last = page.viewport.toCanvas(at.x, at.y)),
    move: at => {
      const now = page.viewport.toCanvas(at.x, at.y);
      if (last) page.viewport.panBy(now.x - last.x, now.y - last.y);
      last = last && now;
    },
    up: () => void (last = undefined),
    cancel: () => void (last = undefined),
  };
}
