// Copyright 2026 the wsgiref authors. MIT license.

/** The page of a directory that `file_server.ts` shows. */

import { format } from "@std/fmt/bytes";
import { escape } from "@std/html/entities";

/** Something in a directory. */
export interface DirectoryEntry {
  name: string;
  isDirectory: boolean;
  /** In bytes. */
  size: number;
  mtime: Date | null;
}

const STYLE = `
    :root { color-scheme: light dark; font: 16px/1.5 system-ui, sans-serif; }
    body { margin: 2rem auto; max-width: 50rem; padding: 0 1rem; }
    h1 { font-size: 1.25rem; overflow-wrap: anywhere; }
    table { border-collapse: collapse; width: 100%; }
    th { text-align: left; }
    th, td { border-bottom: 1px solid #8884; padding: 0.25rem 0.5rem; }
    td:first-child { overflow-wrap: anywhere; }
    :is(th, td):nth-child(n + 2) { text-align: right; white-space: nowrap; }
`;

function formatTime(time: Date | null): string {
  if (time === null) return "";
  const iso = time.toISOString();
  const text = iso.slice(0, 16).replace("T", " ");
  return `<time datetime="${iso}">${text}</time>`;
}

function formatRow({ name, isDirectory, size, mtime }: DirectoryEntry): string {
  const slash = isDirectory ? "/" : "";
  const link = escape(encodeURIComponent(name) + slash);
  return `      <tr>
        <td><a href="${link}">${escape(name)}${slash}</a></td>
        <td>${isDirectory ? "" : format(size)}</td>
        <td>${formatTime(mtime)}</td>
      </tr>
`;
}

/**
 * Makes the page of a directory, with directories first.
 *
 * @param path The path of the directory, as text. It ends in a slash.
 * @param entries What is in the directory.
 * @param options Whether there is a link to the parent directory.
 * @returns The page.
 */
export function directoryPage(
  path: string,
  entries: readonly DirectoryEntry[],
  { hasParent }: { hasParent: boolean },
): string {
  const collator = new Intl.Collator("en", { numeric: true });
  const rows = entries.toSorted((a, b) =>
    Number(b.isDirectory) - Number(a.isDirectory) ||
    collator.compare(a.name, b.name)
  ).map(formatRow);
  const parent = `      <tr><td colspan="3"><a href="../">../</a></td></tr>\n`;
  return `<!DOCTYPE html>
<html lang="en">
  <head>
    <meta charset="utf-8">
    <meta name="viewport" content="width=device-width">
    <title>${escape(path)}</title>
    <style>${STYLE}    </style>
  </head>
  <body>
    <h1>${escape(path)}</h1>
    <table>
      <tr><th>Name</th><th>Size</th><th>Modified (UTC)</th></tr>
${hasParent ? parent : ""}${rows.join("")}    </table>
  </body>
</html>
`;
}
