/**
 * The page's shell: a policy that lets in nothing but the extension's own script, styles and font and the pictures of one data set. The page draws itself into the
 * empty body.
 */
import { randomBytes } from 'node:crypto';
import * as vscode from 'vscode';

/** Where the page may read: its own bundle and the data set that it shows. */
export function pageOptions(extension: vscode.Uri, root: string): vscode.WebviewOptions {
  return { enableScripts: true, localResourceRoots: [vscode.Uri.joinPath(extension, 'dist', 'webview'), vscode.Uri.file(root)] };
}

export function pageHtml(webview: vscode.Webview, extension: vscode.Uri): string {
  const nonce = randomBytes(16).toString('base64');
  const source = (name: string): string => webview.asWebviewUri(vscode.Uri.joinPath(extension, 'dist', 'webview', name)).toString();
  return `<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="${policy(webview.cspSource, nonce)}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<link rel="stylesheet" href="${source('review.css')}">
<title>SeedMask Review</title>
<script type="module" nonce="${nonce}" src="${source('review.js')}"></script>
</head>
<body></body>
</html>`;
}

/** Photos come by address (`img`, or read into memory: `connect`) or as bytes (`blob:`). */
export function policy(source: string, nonce: string): string {
  return [
    "default-src 'none'",
    `img-src ${source} blob:`,
    `connect-src ${source}`,
    `style-src ${source}`,
    `font-src ${source}`,
    `script-src 'nonce-${nonce}'`,
  ].join('; ');
}
