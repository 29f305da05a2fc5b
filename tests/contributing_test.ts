// Copyright 2026 the wsgiref authors. MIT license.

import { assertEquals, assertGreater } from "@std/assert";

const root = new URL("..", import.meta.url);
const page = await Deno.readTextFile(new URL("CONTRIBUTING.md", root));

/** The sources of the modules, by their names. */
const sources = new Map<string, string>();
for await (const { name } of Deno.readDir(root)) {
  if (!name.endsWith(".ts")) continue;
  const source = await Deno.readTextFile(new URL(name, root));
  sources.set(name.slice(0, -3), source);
}

Deno.test("CONTRIBUTING.md names each module", () => {
  const names = new Set(page.match(/\w+/g));
  assertEquals([...sources.keys()].filter((name) => !names.has(name)), []);
});

Deno.test("CONTRIBUTING.md draws imports that there are", () => {
  const arrows = [...page.matchAll(/^ +(\w+) --> (\w+)$/gm)];
  assertGreater(arrows.length, 30);
  for (const [arrow, from = "", to] of arrows) {
    const source = sources.get(from) ?? "";
    assertEquals(source.includes(`"./${to}.ts"`), true, arrow);
  }
});

Deno.test("CONTRIBUTING.md traces calls of functions that there are", () => {
  const source = [...sources.values()].join("\n");
  const calls = new Set(
    [...page.matchAll(/`(?:\w+\.)?(\w+)\(\)`/g)].map(([, name = ""]) => name),
  );
  assertGreater(calls.size, 20);
  assertEquals([...calls].filter((name) => !source.includes(`${name}(`)), []);
});

Deno.test("CONTRIBUTING.md names tasks and files that there are", async () => {
  const { tasks } = JSON.parse(
    await Deno.readTextFile(new URL("deno.json", root)),
  );
  const named = [...page.matchAll(/deno task ([\w:]+)/g)]
    .map(([, task = ""]) => task);
  assertGreater(named.length, 10);
  assertEquals(named.filter((task) => !(task in tasks)), []);
  for (const [, path = ""] of page.matchAll(/`((?:tests\/)?\w+\.ts)`/g)) {
    await Deno.stat(new URL(path, root));
  }
});
