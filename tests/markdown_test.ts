// Copyright 2026 the wsgiref authors. MIT license.

/**
 * The pages for readers. `deno test --doc` runs their snippets; those that
 * cannot be run, as they serve for ever, are type-checked here.
 */

import { assert, assertEquals, assertMatch } from "@std/assert";

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
export { app as application };
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
      await Deno.writeTextFile(
        file,
        // What is published is what is here, and so is what is deployed.
        code.replaceAll(/"jsr:@wsgi\/wsgiref(?:@[^/"]*)?/g, '"@wsgi/wsgiref')
          .replaceAll('"/srv/app/app.ts"', '"./app.ts"')
          .replaceAll('"/srv/app/', `"${new URL("examples/", ROOT)}`),
      );
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

Deno.test("the cookies of README are counted, also if there is none, or a wrong one", async () => {
  const [, , code = ""] =
    [...(await read("README.md")).matchAll(SNIPPET_REGEXP)]
      .find(([snippet]) => snippet.includes("const count:")) ?? [];
  const file = await Deno.makeTempFile({ suffix: ".ts" });
  await Deno.writeTextFile(
    file,
    `${code}
import { toFetchHandler } from "@wsgi/wsgiref";
for (const cookie of [null, "visits=2", "visits=x", "a=1;", "=a; visits=2"]) {
  const headers = new Headers(cookie === null ? {} : { Cookie: cookie });
  const request = new Request("http://h/", { headers });
  console.log((await (await toFetchHandler(count)(request)).text()).trim());
}`,
  );
  const { stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["run", "--config", "deno.json", file],
    cwd: ROOT,
    env: { NO_COLOR: "1" },
  }).output();
  await Deno.remove(file);
  assertEquals(new TextDecoder().decode(stderr), "");
  assertMatch(
    new TextDecoder().decode(stdout),
    /^Visit 1\nVisit 3\nVisit 1\nVisit 1\nVisit [13]\n$/,
  );
});

/** The names in Python's documentation of `wsgiref`, 2.7 to 3.14. */
const PYTHON_NAMES = `
  guess_scheme request_uri include_query application_uri shift_path_info
  setup_testing_defaults is_hop_by_hop FileWrapper filelike blksize
  Headers get default del has_key get_all add_header setdefault keys values items
  len str bytes in
  make_server server_class handler_class demo_app WSGIServer set_app get_app
  base_environ WSGIRequestHandler get_environ get_stderr handle serve_forever
  handle_request
  validator AssertionError WSGIWarning
  CGIHandler IISCGIHandler BaseCGIHandler SimpleHandler BaseHandler stdin stdout
  stderr environ multithread multiprocess run _write _flush get_stdin
  add_cgi_vars wsgi_multithread wsgi_multiprocess wsgi_run_once os_environ
  server_software get_scheme setup_environ log_exception traceback_limit
  error_output error_status error_headers error_body wsgi_file_wrapper sendfile
  origin_server http_version read_environ format_date_time
  StartResponse WSGIEnvironment WSGIApplication InputStream ErrorStream
`.trim().split(/\s+/);

/** The cells of the tables of docs/python.md: Python's names, and those here. */
async function readNameTables(): Promise<{ python: string; here: string }> {
  const rows = (await read("docs/python.md")).matchAll(
    /^\| (.*?[^\\]) \| (.*) \|$/gm,
  );
  const cells = [...rows];
  return {
    python: cells.map(([_line, python]) => python).join("\n"),
    here: cells.map(([_line, _python, here]) => here).join("\n"),
  };
}

Deno.test("docs/python.md has every name of Python's documentation", async () => {
  const { python } = await readNameTables();
  const words = new Set(python.match(/\w+/g));
  assertEquals(PYTHON_NAMES.filter((name) => !words.has(name)), []);
});

Deno.test("docs/python.md names nothing that is not here", async () => {
  const words = new Set<string>();
  for await (const { name } of Deno.readDir(ROOT)) {
    if (!name.endsWith(".ts")) continue;
    for (const word of (await read(name)).match(/\w+/g) ?? []) words.add(word);
  }
  const { here } = await readNameTables();
  const code = here.match(/`[^`]+`/g)?.join("\n") ?? "";
  // Names of the package: in camel case, or those of classes.
  const names = code.match(
    /\b(?:[a-z]+[A-Z]\w*|Wsgi\w+|\w+(?:Handler|Stream|Error))\b/g,
  );
  assertEquals(names?.filter((name) => !words.has(name)), []);
});
