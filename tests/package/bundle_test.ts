// Copyright 2026 the wsgiref authors. MIT license.

/** Bundles of what imports the package, for Node and for browsers. */

import { assertEquals, assertNotMatch } from "@std/assert";
import { installProgram, run } from "../_npm.ts";
import { ENTRY_POINTS, installThis } from "./_package.ts";

interface Module {
  name: string;
  text: string;
  /** What it writes when it is run. */
  output: string;
}

const APPLICATION: Module = {
  name: "an application",
  text: `
    import { demoApp, toFetchHandler, validator } from "@wsgi/wsgiref";
    const handler = toFetchHandler(validator(demoApp));
    const response = await handler(new Request("http://localhost/spam"));
    console.log((await response.text()).match(/PATH_INFO.*/)[0]);
  `,
  output: "PATH_INFO = '/spam'\n",
};

/** A module that imports an entry point, and lists what it exports. */
async function makeListing(name: string): Promise<Module> {
  const text = `
    import * as module from "${name}";
    console.log(Object.keys(module).sort().join());
  `;
  const names = Object.keys(await import(name)).sort();
  return { name, text, output: `${names.join()}\n` };
}

Deno.test("what imports the package is bundled into one file, and starts no server", async (t) => {
  const directory = await Deno.makeTempDir();
  try {
    await installThis(directory, {
      "@rollup/plugin-node-resolve": "16.0.3",
      rollup: "4.68.8",
    });
    const esbuild = await installProgram(directory, "esbuild");
    const node20 = await installProgram(directory, "node 20");
    const node = await installProgram(directory, "node");

    const input = `${directory}/input.js`;
    const output = `${directory}/output.mjs`;
    const esbuildArgs = [
      input,
      "--bundle",
      "--format=esm",
      `--outfile=${output}`,
    ];
    const rollupArgs = [
      input,
      "--file",
      output,
      "--plugin",
      "node-resolve",
      "--inlineDynamicImports",
    ];
    const bundlers: [name: string, command: string, args: string[]][] = [
      ["esbuild for Node", esbuild, [...esbuildArgs, "--platform=node"]],
      ["esbuild for browsers", esbuild, [...esbuildArgs, "--platform=browser"]],
      ["Rollup", node, ["node_modules/rollup/dist/bin/rollup", ...rollupArgs]],
    ];
    const runtimes: [command: string, args: string[]][] = [
      [node20, [output]],
      [node, [output]],
      [Deno.execPath(), ["run", output]],
    ];

    const listings = await Promise.all(ENTRY_POINTS.map(makeListing));
    for (const module of [...listings, APPLICATION]) {
      await Deno.writeTextFile(input, module.text);
      for (const [bundler, command, args] of bundlers) {
        await t.step(`${bundler}: ${module.name}`, async () => {
          await run(command, args, directory);
          // Nothing of Node's, and nothing of the program.
          assertNotMatch(
            await Deno.readTextFile(output),
            /["']node:|--max-body-size/,
          );
          for (const [command, args] of runtimes) {
            assertEquals(await run(command, args, directory), module.output);
          }
        });
      }
    }
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
});
