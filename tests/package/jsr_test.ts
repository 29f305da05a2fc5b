// Copyright 2026 the wsgiref authors. MIT license.

/** The program as it is run from JSR. */

import { assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import denoConfig from "../../deno.json" with { type: "json" };
import { serveRegistry } from "./_registry.ts";

const APP = `export default (_environ, startResponse) => {
  startResponse("200 OK", [["Content-Type", "text/plain"]]);
  return [new TextEncoder().encode("spam")];
};`;

Deno.test("the program of JSR serves files and modules of npm and JSR", async (t) => {
  await using registry = await serveRegistry();
  const directory = await Deno.makeTempDir();
  await Deno.writeTextFile(`${directory}/app.js`, APP);

  function makeCommand(args: string[]): Deno.Command {
    return new Deno.Command(Deno.execPath(), {
      args: ["run", "--quiet", "--no-prompt", ...args],
      cwd: directory,
      env: {
        DENO_DIR: `${directory}/cache`,
        JSR_URL: `http://127.0.0.1:${registry.addr.port}/`,
        NO_COLOR: "1",
      },
      stdin: "null",
      stdout: "piped",
      stderr: "piped",
    });
  }
  const program = "jsr:@wsgi/wsgiref/simple-server";
  const table: [
    name: string,
    flags: string[],
    target: string[],
    text: RegExp,
  ][] = [
    ["the demo application", ["-N"], [], /^Hello world!/],
    ["a file", ["-N", "-R"], ["app.js"], /^spam$/],
    [
      "a module of npm",
      ["-N"],
      ["npm:deno-std@1.4.0/assert/mod.js:assert"],
      /^A server error/,
    ],
    ["a module of JSR", ["-N"], [`${program}:demoApp`], /^Hello world!/],
  ];
  try {
    for (const [name, flags, target, expected] of table) {
      await t.step(name, async () => {
        const args = ["--port", "0", "--once", "--quiet", ...target];
        await using process = makeCommand([...flags, program, ...args]).spawn();
        const reader = process.stdout.pipeThrough(new TextDecoderStream())
          .getReader();
        const { value: line = "" } = await reader.read();
        assertMatch(line, /^Serving on http:/);
        const response = await fetch(line.slice("Serving on ".length));
        assertMatch(await response.text(), expected);
        await reader.cancel();
        await process.stderr.cancel();
      });
    }
    await t.step("no module of another place, as Deno forbids it", async () => {
      const args = ["-N", "-I", program, "https://example.com/app.js"];
      const { code, stderr } = await makeCommand(args).output();
      assertEquals(code, 1);
      assertStringIncludes(
        new TextDecoder().decode(stderr),
        'Cannot load "https://example.com/app.js": Importing https://example.com/app.js blocked. JSR packages cannot import non-JSR remote modules',
      );
    });
    await t.step("its version", async () => {
      const { stdout } = await makeCommand([program, "--version"]).output();
      assertEquals(
        new TextDecoder().decode(stdout),
        `wsgiref/${denoConfig.version}\n`,
      );
    });
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
});
