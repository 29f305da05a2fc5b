// Copyright 2026 the wsgiref authors. MIT license.

/**
 * The pages for readers. `deno test --doc` runs their snippets; those that
 * cannot be run, as they serve for ever, are type-checked here.
 */

import { assert, assertEquals } from "@std/assert";

const ROOT = new URL("../", import.meta.url);

/** The directories of the pages. */
const DIRECTORIES = ["", "bench/", "docs/"];

/** The pages, by their paths from the root. */
const PAGES = DIRECTORIES.flatMap((directory) =>
  [...Deno.readDirSync(new URL(directory, ROOT))]
    .filter(({ name }) => name.endsWith(".md"))
    .map(({ name }) => directory + name)
);

const SNIPPET_REGEXP = /^```ts(.*)\n([^]*?)^```$/gm;
const CODE_REGEXP = /^```[^]*?^```$|`[^`]*`/gm;
const LINK_REGEXP = /\]\(([^)\s]+)\)|^\[[^\]]+\]: (\S+)$/gm;

/** What stands for the application of a reader in snippets. */
const APP = `import type { WsgiApplication } from "@wsgi/wsgiref/types";
declare const app: WsgiApplication;
export default app;
`;

async function read(page: string): Promise<string> {
  return (await Deno.readTextFile(new URL(page, ROOT))).replaceAll("\r", "");
}

/** The anchors of the headings of a page. */
function anchorsOf(text: string): string[] {
  const headings = text.replace(/^```[^]*?^```$/gm, "").matchAll(/^#+ (.*)$/gm);
  return [...headings].map(([_line, heading = ""]) =>
    heading.toLowerCase().replace(/[^\p{L}\p{N}\s_-]/gu, "").replaceAll(
      " ",
      "-",
    )
  );
}

Deno.test("every relative link of a page resolves", async () => {
  const broken: string[] = [];
  for (const page of PAGES) {
    const text = (await read(page)).replace(CODE_REGEXP, "");
    for (const [, inline, reference] of text.matchAll(LINK_REGEXP)) {
      const link = inline ?? reference ?? "";
      if (/^[a-z]+:/.test(link)) continue;
      const url = new URL(link, new URL(page, ROOT));
      const anchor = decodeURIComponent(url.hash.slice(1));
      url.hash = "";
      try {
        const { isFile } = await Deno.stat(url);
        if (anchor === "") continue;
        assert(
          isFile && anchorsOf(await Deno.readTextFile(url)).includes(anchor),
        );
      } catch {
        broken.push(`${page}: ${link}`);
      }
    }
  }
  assertEquals(broken, []);
});

Deno.test("every snippet that is not run has the right types", async () => {
  const directory = await Deno.makeTempDir();
  await Deno.writeTextFile(`${directory}/app.ts`, APP);
  const files: string[] = [];
  for (const page of PAGES) {
    for (
      const [, info = "", code = ""] of (await read(page)).matchAll(
        SNIPPET_REGEXP,
      )
    ) {
      if (!/\bignore\b/.test(info)) continue;
      const file = `${directory}/${
        page.replaceAll("/", "_")
      }_${files.length}.ts`;
      await Deno.writeTextFile(file, code.replaceAll('"jsr:@wsgi/', '"@wsgi/'));
      files.push(file);
    }
  }
  const { code, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["check", "--config", "deno.json", ...files],
    cwd: ROOT,
    env: { NO_COLOR: "1" },
  }).output();
  await Deno.remove(directory, { recursive: true });
  assertEquals(
    [code, files.length > 0],
    [0, true],
    new TextDecoder().decode(stderr),
  );
});
