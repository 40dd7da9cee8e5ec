/**
 * VS Code's colours for the stand-alone page: the variables that the review uses, as its built-in themes have them (Dark Modern, Light Modern, the two high contrasts).
 */
export const THEMES = ['dark', 'light', 'hc-dark', 'hc-light'] as const;
export type Theme = (typeof THEMES)[number];

type Colours = Record<string, string>;

const DARK: Colours = {
  foreground: '#cccccc',
  descriptionForeground: '#9d9d9d',
  errorForeground: '#f85149',
  focusBorder: '#0078d4',
  'icon-foreground': '#cccccc',
  'editor-background': '#1f1f1f',
  'editor-foreground': '#cccccc',
  'sideBar-background': '#181818',
  'sideBar-foreground': '#cccccc',
  'sideBarSectionHeader-background': '#181818',
  'sideBarSectionHeader-foreground': '#cccccc',
  'panel-border': '#2b2b2b',
  'panelTitle-activeBorder': '#0078d4',
  'panelTitle-activeForeground': '#cccccc',
  'panelTitle-inactiveForeground': '#9d9d9d',
  'panel-background': '#181818',
  'editorGroup-border': '#ffffff17',
  'widget-border': '#313131',
  'widget-shadow': '#0000005c',
  'editorWidget-background': '#202020',
  'editorWidget-foreground': '#cccccc',
  'editorWidget-border': '#313131',
  'editorHoverWidget-background': '#202020',
  'editorHoverWidget-border': '#454545',
  'input-background': '#313131',
  'input-foreground': '#cccccc',
  'input-border': '#3c3c3c',
  'input-placeholderForeground': '#989898',
  'dropdown-background': '#313131',
  'dropdown-foreground': '#cccccc',
  'dropdown-border': '#3c3c3c',
  'dropdown-listBackground': '#1f1f1f',
  'settings-dropdownListBorder': '#454545',
  'checkbox-background': '#313131',
  'checkbox-foreground': '#cccccc',
  'checkbox-border': '#3c3c3c',
  'button-background': '#0078d4',
  'button-foreground': '#ffffff',
  'button-border': '#ffffff12',
  'button-hoverBackground': '#026ec1',
  'button-secondaryBackground': '#313131',
  'button-secondaryForeground': '#cccccc',
  'button-secondaryHoverBackground': '#3c3c3c',
  'badge-background': '#616161',
  'badge-foreground': '#f8f8f8',
  'toolbar-hoverBackground': '#5a5d5e50',
  'toolbar-activeBackground': '#63666750',
  'list-activeSelectionBackground': '#04395e',
  'list-activeSelectionForeground': '#ffffff',
  'list-inactiveSelectionBackground': '#37373d',
  'list-hoverBackground': '#2a2d2e',
  'list-focusOutline': '#0078d4',
  'inputOption-activeBackground': '#2489db82',
  'inputOption-activeForeground': '#ffffff',
  'inputOption-activeBorder': '#2488db',
  'statusBar-background': '#181818',
  'statusBar-foreground': '#cccccc',
  'statusBar-border': '#2b2b2b',
  'progressBar-background': '#0078d4',
  'textLink-foreground': '#4daafc',
  'textLink-activeForeground': '#4daafc',
  'textPreformat-foreground': '#d0d0d0',
  'keybindingLabel-background': '#8080802b',
  'keybindingLabel-foreground': '#cccccc',
  'keybindingLabel-border': '#33333399',
  'keybindingLabel-bottomBorder': '#44444499',
  'charts-red': '#f14c4c',
  'charts-blue': '#3794ff',
  'charts-yellow': '#cca700',
  'charts-orange': '#d18616',
  'charts-green': '#89d185',
  'charts-foreground': '#cccccc',
  'charts-lines': '#cccccc80',
  'inputValidation-warningBackground': '#352a05',
  'inputValidation-warningBorder': '#b89500',
  'inputValidation-infoBackground': '#063b49',
  'inputValidation-infoBorder': '#007acc',
  'inputValidation-errorBackground': '#5a1d1d',
  'inputValidation-errorBorder': '#be1100',
  'editorWarning-foreground': '#cca700',
  'editorError-foreground': '#f14c4c',
  'scrollbarSlider-background': '#79797966',
  'scrollbarSlider-hoverBackground': '#646464b3',
};

const LIGHT: Colours = {
  ...DARK,
  foreground: '#3b3b3b',
  descriptionForeground: '#3b3b3b',
  focusBorder: '#005fb8',
  'icon-foreground': '#3b3b3b',
  'editor-background': '#ffffff',
  'editor-foreground': '#3b3b3b',
  'sideBar-background': '#f8f8f8',
  'sideBar-foreground': '#3b3b3b',
  'sideBarSectionHeader-background': '#f8f8f8',
  'sideBarSectionHeader-foreground': '#3b3b3b',
  'panel-border': '#e5e5e5',
  'panelTitle-activeBorder': '#005fb8',
  'panelTitle-activeForeground': '#3b3b3b',
  'panelTitle-inactiveForeground': '#3b3b3b',
  'panel-background': '#f8f8f8',
  'editorGroup-border': '#e5e5e5',
  'widget-border': '#e5e5e5',
  'widget-shadow': '#00000029',
  'editorWidget-background': '#f8f8f8',
  'editorWidget-foreground': '#3b3b3b',
  'editorWidget-border': '#c8c8c8',
  'editorHoverWidget-background': '#f8f8f8',
  'editorHoverWidget-border': '#c8c8c8',
  'input-background': '#ffffff',
  'input-foreground': '#3b3b3b',
  'input-border': '#cecece',
  'input-placeholderForeground': '#767676',
  'dropdown-background': '#ffffff',
  'dropdown-foreground': '#3b3b3b',
  'dropdown-border': '#cecece',
  'dropdown-listBackground': '#ffffff',
  'settings-dropdownListBorder': '#c8c8c8',
  'checkbox-background': '#f8f8f8',
  'checkbox-foreground': '#3b3b3b',
  'checkbox-border': '#cecece',
  'button-background': '#005fb8',
  'button-border': '#0000001a',
  'button-hoverBackground': '#0258a8',
  'button-secondaryBackground': '#e5e5e5',
  'button-secondaryForeground': '#3b3b3b',
  'button-secondaryHoverBackground': '#cccccc',
  'badge-background': '#cccccc',
  'badge-foreground': '#3b3b3b',
  'toolbar-hoverBackground': '#b8b8b850',
  'toolbar-activeBackground': '#a6a6a650',
  'list-activeSelectionBackground': '#e8e8e8',
  'list-activeSelectionForeground': '#000000',
  'list-inactiveSelectionBackground': '#e4e6f1',
  'list-hoverBackground': '#f2f2f2',
  'list-focusOutline': '#005fb8',
  'inputOption-activeBackground': '#bed6ed',
  'inputOption-activeForeground': '#000000',
  'inputOption-activeBorder': '#005fb8',
  'statusBar-background': '#f8f8f8',
  'statusBar-foreground': '#3b3b3b',
  'statusBar-border': '#e5e5e5',
  'progressBar-background': '#005fb8',
  'textLink-foreground': '#005fb8',
  'textLink-activeForeground': '#005fb8',
  'textPreformat-foreground': '#3b3b3b',
  'keybindingLabel-background': '#dddddd66',
  'keybindingLabel-foreground': '#3b3b3b',
  'keybindingLabel-border': '#cccccc66',
  'keybindingLabel-bottomBorder': '#bbbbbb66',
  'charts-red': '#e51400',
  'charts-blue': '#1a85ff',
  'charts-yellow': '#bf8803',
  'charts-green': '#388a34',
  'charts-foreground': '#3b3b3b',
  'charts-lines': '#3b3b3b80',
  'inputValidation-warningBackground': '#f6f5d2',
  'inputValidation-infoBackground': '#d6ecf2',
  'inputValidation-errorBackground': '#f2dede',
  'editorWarning-foreground': '#bf8803',
  'editorError-foreground': '#e51400',
  'scrollbarSlider-background': '#64646466',
};

/** What both high contrasts do: one background, lines instead of shades. */
function highContrast(back: string, front: string, line: string, focus: string, base: Colours): Colours {
  const colours: Colours = {};
  for (const name of Object.keys(base)) {
    colours[name] = /hoverBackground|activeBackground|SelectionBackground|scrollbar|listBackground/i.test(name) && !name.startsWith('button') ? (name.includes('listBackground') ? back : `${line}33`)
      : /border|outline/i.test(name) ? line
      : /background/i.test(name) && !name.startsWith('charts') ? back
      : /charts|error|warning/i.test(name) ? base[name]
      : front;
  }
  return { ...colours, contrastBorder: line, contrastActiveBorder: focus, focusBorder: focus, 'list-focusOutline': focus };
}

const COLOURS: Record<Theme, Colours> = {
  dark: DARK,
  light: LIGHT,
  'hc-dark': highContrast('#000000', '#ffffff', '#6fc3df', '#f38518', DARK),
  'hc-light': highContrast('#ffffff', '#292929', '#0f4a85', '#006bbd', LIGHT),
};

const BODY: Record<Theme, { className: string; scheme: string }> = {
  dark: { className: 'vscode-dark', scheme: 'dark' },
  light: { className: 'vscode-light', scheme: 'light' },
  'hc-dark': { className: 'vscode-high-contrast', scheme: 'dark' },
  'hc-light': { className: 'vscode-high-contrast vscode-high-contrast-light', scheme: 'light' },
};

/** A page's HTML as VS Code would frame it, in a theme. `painter` forces one of the review's ('gl', '2d'). */
export function pageHtml(theme: Theme, painter = '', name: 'review' | 'training' = 'review'): string {
  const variables = Object.entries(COLOURS[theme]).map(([name, colour]) => `--vscode-${name}: ${colour};`).join('');
  const { className, scheme } = BODY[theme];
  return `<!doctype html>
<html lang="en" style="${variables}--vscode-font-family: 'DejaVu Sans', system-ui, sans-serif; --vscode-font-size: 13px; --vscode-font-weight: normal; --vscode-editor-font-family: 'DejaVu Sans Mono', monospace; color-scheme: ${scheme};">
<head><meta charset="utf-8"><title>SeedMask ${name}</title><link rel="icon" href="data:,"><link rel="stylesheet" href="/webview/${name}.css"></head>
<body class="${className}" data-vscode-theme-kind="${className.split(' ')[0]}" data-painter="${painter === 'gl' || painter === '2d' ? painter : ''}"><script src="/host.js"></script><script src="/webview/${name}.js"></script></body>
</html>`;
}
