/** How package time quotes in its error texts: like Go's %q, but every byte that is not plain ASCII as \xNN. */
export function quoteTime(text: string): string {
  const body = text.replace(/[\x00-\x1f\x80-\xff"\\]/g, (char) =>
    char === '"' || char === "\\" ? `\\${char}` : `\\x${char.charCodeAt(0).toString(16).padStart(2, "0")}`,
  );
  return `"${body}"`;
}
