/**
 * A page's shell: a policy that lets in nothing but the extension's own script, styles and font and the pictures of one folder. The page draws itself into the
 * empty body.
 */
import { randomBytes } from 'node:crypto';
import * as vscode from 'vscode';

/** What the pages are called, by the name of their bundle, and what they load besides their bundle: photos by address (`img`, or read into memory: `connect`) or as bytes (`blob:`). */
const PAGES = {
  review: { title: 'SeedMask Review', images: ' blob:', connects: true },
  training: { title: 'SeedMask Training', images: '', connects: false },
} as const;
export type PageName = keyof typeof PAGES;

/** Where a page may read: its own bundle and the folders that it shows pictures of. */
export function pageOptions(extension: vscode.Uri, ...folders: vscode.Uri[]): vscode.WebviewOptions {
  return { enableScripts: true, localResourceRoots: [vscode.Uri.joinPath(extension, 'dist', 'webview'), ...folders] };
}

export function pageHtml(webview: vscode.Webview, extension: vscode.Uri, name: PageName): string {
  const nonce = randomBytes(16).toString('base64');
  const source = (file: string): string => webview.asWebviewUri(vscode.Uri.joinPath(extension, 'dist', 'webview', file)).toString();
  return `<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="${policy(webview.cspSource, nonce, name)}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<link rel="stylesheet" href="${source(`${name}.css`)}">
<title>${PAGES[name].title}</title>
<script type="module" nonce="${nonce}" src="${source(`${name}.js`)}"></script>
</head>
<body></body>
</html>`;
}

export function policy(source: string, nonce: string, name: PageName): string {
  const { images, connects } = PAGES[name];
  return [
    "default-src 'none'",
    `img-src ${source}${images}`,
    ...(connects ? [`connect-src ${source}`] : []),
    `style-src ${source}`,
    `font-src ${source}`,
    `script-src 'nonce-${nonce}'`,
  ].join('; ');
}
