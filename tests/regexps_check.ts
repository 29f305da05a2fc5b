// Copyright 2026 the wsgiref authors. MIT license.

/**
 * Checks that the time of every regular expression of the package is linear in
 * the length of the text. It takes some seconds, so it is run by
 * `deno task check`.
 */

import { assertEquals } from "@std/assert";
import { checkSync } from "recheck";

const ROOT = new URL("..", import.meta.url);

// It starts a worker, which is not for the first test to end.
checkSync("", "");

/** What makes a regular expression: a literal, or the class. */
interface Found {
  source: string;
  flags: string;
  /** Whether it is not a literal, whose text could be read. */
  isComputed: boolean;
}

/** Finds the regular expressions of a module. */
function find(name: string, text: string): Found[] {
  const found: Found[] = [];
  const plugin: Deno.lint.Plugin = {
    name: "regexps",
    rules: {
      find: {
        create: () => ({
          Literal(node) {
            if (!("regex" in node) || !node.regex) return;
            const { pattern, flags } = node.regex;
            found.push({ source: pattern, flags, isComputed: false });
          },
          ":matches(NewExpression, CallExpression)[callee.name='RegExp']"() {
            found.push({ source: name, flags: "", isComputed: true });
          },
        }),
      },
    },
  };
  Deno.lint.runPlugin(plugin, name, text);
  return found;
}

for (const { name } of Deno.readDirSync(ROOT)) {
  if (!name.endsWith(".ts")) continue;
  Deno.test(`The regular expressions of ${name} are linear`, async () => {
    const text = await Deno.readTextFile(new URL(name, ROOT));
    const faults = find(name, text)
      .map(({ source, flags, isComputed }) =>
        isComputed
          ? "A regular expression that is no literal cannot be checked"
          : check(source, flags)
      )
      .filter((fault) => fault !== null);
    assertEquals(faults, []);
  });
}

/** Says what is wrong with a regular expression, if anything is. */
function check(source: string, flags: string): string | null {
  const result = checkSync(source, flags, { timeout: 60_000 });
  if (result.status === "safe") return null;
  const reason = result.status === "vulnerable"
    ? `by ${JSON.stringify(result.attack.pattern)}`
    : `for ${result.error.kind}`;
  return `/${source}/${flags} is ${result.status}, ${reason}`;
}
