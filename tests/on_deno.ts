// Copyright 2026 the wsgiref authors. MIT license.

/**
 * Runs tests on another version of Deno, which npm brings: all of them, or
 * those of the files that are named.
 *
 * ```sh
 * deno task test:deno 2.8.3 tests/conformance_test.ts
 * ```
 */

const IGNORED =
  "--ignore=tests/browser,tests/cgi,tests/package,tests/python,tests/runtimes";

const [version, ...files] = Deno.args;
if (version === undefined || !/^\d+\.\d+\.\d+$/.test(version)) {
  throw new TypeError(
    `Cannot test on Deno as its version must be the first argument, such as 2.8.3: received ${version}`,
  );
}
const { code } = await new Deno.Command("npx", {
  args: ["--yes", `deno@${version}`, "test", "-A", IGNORED, ...files],
}).spawn().status;
Deno.exit(code);
