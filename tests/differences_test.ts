// Copyright 2026 the wsgiref authors. MIT license.

import { assertEquals, assertGreater } from "@std/assert";

const page = await Deno.readTextFile(
  new URL("../docs/differences.md", import.meta.url),
);
const sections = page.split(/\n(?=### )/).slice(1);

/** The tests that a section names: each is a list item. */
function testsOf(section: string): string[] {
  return section.split(/\n(?=[-#])/)
    .filter((part) => part.startsWith("- "))
    .map((part) => part.slice(2).trim().replace(/\s+/g, " "));
}

/** The tests of files as the page names them. None of them is run. */
async function registeredIn(files: Set<string>): Promise<Set<string>> {
  const names = new Set<string>();
  const { test } = Deno;
  for (const file of files) {
    Object.assign(Deno, {
      test(first: string | Deno.TestDefinition) {
        const name = typeof first === "string" ? first : first.name;
        names.add(`\`${file}\`: \`${name}\``);
      },
    });
    await import(`./${file}`);
  }
  Object.assign(Deno, { test });
  return names;
}

const files = new Set(page.match(/\w+_test\.ts/g));
const registered = await registeredIn(files);

Deno.test("docs/differences.md shows each difference by tests that exist", () => {
  assertGreater(sections.length, 40);
  for (const section of sections) {
    const tests = testsOf(section);
    assertGreater(tests.length, 0, section);
    assertEquals(tests.filter((test) => !registered.has(test)), [], section);
  }
});

Deno.test("docs/differences.md has each defect that a test names", async () => {
  const defects = sections.map((section) => /^### (D\d+): /.exec(section)?.[1])
    .filter((number) => number !== undefined);
  assertEquals(defects, Array.from({ length: 35 }, (_, i) => `D${i + 1}`));
  const folder = new URL(".", import.meta.url);
  for await (const { name } of Deno.readDir(folder)) {
    if (!name.endsWith(".ts")) continue;
    const text = await Deno.readTextFile(new URL(name, folder));
    const numbers = text.match(/\bD\d+\b/g) ?? [];
    assertEquals(numbers.filter((n) => !defects.includes(n)), [], name);
  }
});
