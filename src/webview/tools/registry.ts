/**
 * The tool of each name, made for one page. Every tool also draws what is to be seen whatever is in the hand: the hints and the outline of the selected region.
 */
import type { Page, Tool, ToolName } from '../page';
import { brushTool } from './brush';
import { fillTool, panTool, pickTool } from './clickTools';
import { drawHintsOf } from './hintMarks';
import { boxTool, pointTool, scribbleTool } from './hints';
import { lassoTool } from './lasso';
import { regionTool } from './region';
import { SelectedMarks } from './selectedMarks';
import { wandTool } from './wand';

const makers: Record<ToolName, (page: Page) => Tool> = {
  pan: panTool,
  brush: page => brushTool(page, 'brush'),
  eraser: page => brushTool(page, 'eraser'),
  fill: fillTool,
  region: regionTool,
  lasso: lassoTool,
  wand: page => wandTool(page),
  pick: pickTool,
  box: boxTool,
  point: pointTool,
  scribble: scribbleTool,
};

export function toolFor(name: ToolName, page: Page): Tool {
  const tool = makers[name](page);
  const selected = new SelectedMarks(page);
  return {
    ...tool,
    draw(context, viewport) {
      selected.draw(context, viewport);
      drawHintsOf(context, page.hand.hints.peek(), viewport);
      tool.draw?.(context, viewport);
    },
  };
}
