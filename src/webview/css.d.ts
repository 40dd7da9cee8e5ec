/**
 * Style sheets are imported for the bundler alone, which gathers them in `dist/webview/review.css`.
 */
declare module '*.css';
