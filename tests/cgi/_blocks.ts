// Copyright 2026 the wsgiref authors. MIT license.

/** The blocks of configuration of the documentation, which tests run. */

/** The path of a file, from this folder. */
export function localPath(path: string): string {
  return decodeURIComponent(new URL(path, import.meta.url).pathname);
}

/**
 * Reads the first block of a language, of a Markdown text or of the comment at
 * the beginning of a module.
 *
 * @param path The path of the text, from this folder.
 * @param language What the block begins with.
 * @param heading Of a Markdown text, the heading that comes before the block.
 */
export function readBlock(
  path: string,
  language: string,
  heading = "",
): string {
  const text = Deno.readTextFileSync(localPath(path)).replace(/^ \* ?/gm, "");
  const section = text.slice(text.indexOf(`${heading}\n`));
  const [, block] = new RegExp(
    `^\`\`\`${language}(?: ignore)?\n(.*?)^\`\`\`$`,
    "ms",
  ).exec(section) ?? [];
  if (block === undefined || !text.includes(`${heading}\n`)) {
    throw new RangeError(
      `Cannot find ${language} below "${heading}" in ${path}`,
    );
  }
  return block;
}

/**
 * Replaces what a deployer would replace, each of which must be there: an
 * address, a path.
 */
export function fillIn(
  block: string,
  replacements: Record<string, string>,
): string {
  return Object.entries(replacements).reduce((text, [from, to]) => {
    if (!text.includes(from)) throw new RangeError(`There is no "${from}"`);
    return text.replaceAll(from, to);
  }, block);
}
