// Copyright 2026 the wsgiref authors. MIT license.

/**
 * Gives each test a limit of its own, so that none can hang: for `--preload`. A
 * test that takes longer says so by its own `timeout`.
 */

/** The milliseconds that a test may take. */
const LIMIT = 120_000;

const { test } = Deno;

/** `Deno.test()`, whatever its arguments. */
function limitedTest(...args: unknown[]): void {
  const definition: Partial<Deno.TestDefinition> = { timeout: LIMIT };
  for (const argument of args) {
    if (typeof argument === "string") definition.name = argument;
    else if (typeof argument === "function") {
      definition.fn = argument as Deno.TestDefinition["fn"];
    } else Object.assign(definition, argument);
  }
  definition.name ??= definition.fn?.name ?? "";
  test(definition as Deno.TestDefinition);
}

Object.assign(Deno, { test: Object.assign(limitedTest, test) });
