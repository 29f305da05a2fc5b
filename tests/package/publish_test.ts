// Copyright 2026 the wsgiref authors. MIT license.

/** What is published. */

import { assert, assertEquals } from "@std/assert";
import { VERSION } from "../../_version.ts";
import denoConfig from "../../deno.json" with { type: "json" };

const ROOT = new URL("../../", import.meta.url);
const FILE_REGEXP = /^ +(file:\S+) \(/gm;

/** The names of the files that would be published. */
async function listFiles(): Promise<string[]> {
  const { code, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["publish", "--dry-run", "--allow-dirty", "--no-check"],
    cwd: ROOT,
    env: { NO_COLOR: "1" },
  }).output();
  const decoder = new TextDecoder();
  const log = decoder.decode(stdout) + decoder.decode(stderr);
  assertEquals(code, 0, log);
  return [...log.matchAll(FILE_REGEXP)]
    .map(([_line, url = ""]) =>
      decodeURI(url).slice(decodeURI(ROOT.href).length)
    )
    // A linked worktree has a file of this name.
    .filter((name) => name !== ".git");
}

async function listModules(): Promise<string[]> {
  const entries = await Array.fromAsync(Deno.readDir(ROOT));
  return entries.map(({ name }) => name).filter((name) => name.endsWith(".ts"));
}

Deno.test("deno publish takes the modules, the documentation and nothing else", async () => {
  const files = await listFiles();
  const modules = await listModules();
  const texts = ["CHANGELOG.md", "LICENSE", "README.md", "deno.json"];
  for (const name of files) {
    assert(modules.includes(name) || texts.includes(name), name);
  }
  for (const name of [...modules, "LICENSE", "README.md", "deno.json"]) {
    assert(files.includes(name), name);
  }
});

Deno.test("deno.json exports each public module", async () => {
  const modules = await listModules();
  assertEquals(
    Object.values(denoConfig.exports).sort(),
    modules.filter((name) => !name.startsWith("_")).map((name) => `./${name}`)
      .sort(),
  );
});

Deno.test("VERSION is that of deno.json", () => {
  assertEquals(VERSION, denoConfig.version);
});
