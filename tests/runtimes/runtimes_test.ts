// Copyright 2026 the wsgiref authors. MIT license.

/** Runs the tables on the other runtimes, which npm brings. */

import { assertEquals } from "@std/assert";
import {
  type BridgePlatform,
  compareRequests,
  compareResponses,
} from "../_bridge.ts";
import { installProgram, type Program, run } from "../_npm.ts";
import { cases, type Send, sendFor } from "../conformance.ts";

const SERVERS: [
  platform: BridgePlatform | "workerd",
  program: Program,
  driver: string,
][] = [
  ["srvx", "node 20", "srvx"],
  ["@hono/node-server", "node 20", "hono_node_server"],
  ["Bun", "bun", "bun"],
  ["workerd", "workerd", "worker"],
];

const here = import.meta.dirname ?? "";

/** Bundles a driver into one file that the runtime can load. */
async function bundle(directory: string, driver: string): Promise<string> {
  const output = `${directory}/${driver}.mjs`;
  const options = ["--platform", "browser", "--output", output];
  await run(Deno.execPath(), ["bundle", ...options, `${driver}.ts`], here);
  return output;
}

/** Reads where a server listens from the first line of its output. */
async function readUrl(output: ReadableStream<Uint8Array>): Promise<string> {
  let text = "";
  for await (const chunk of output.pipeThrough(new TextDecoderStream())) {
    text += chunk;
    // workerd tells only the port.
    const port = /:(\d+)[/}]/.exec(text)?.[1];
    if (port !== undefined) return `http://127.0.0.1:${port}`;
  }
  throw new Error(`Cannot find where the server listens: received ${text}`);
}

for (const [platform, program, driver] of SERVERS) {
  Deno.test(`toFetchHandler() conforms on ${platform}`, async (t) => {
    const directory = await Deno.makeTempDir();
    try {
      const binary = await installProgram(directory, program);
      const script = await bundle(directory, driver);
      const config = `${directory}/worker.capnp`;
      await Deno.copyFile(`${here}/worker.capnp`, config);
      await using server = new Deno.Command(binary, {
        args: program === "workerd"
          ? ["serve", config, "--control-fd=1"]
          : [script],
        stdin: "null",
        stdout: "piped",
        stderr: "null",
      }).spawn();
      const url = await readUrl(server.stdout);
      const response = await fetch(`${url}/in-process`);
      const failures: Record<string, string | null> = await response.json();
      for (const [name, failure] of Object.entries(failures)) {
        await t.step(`in process: ${name}`, () => assertEquals(failure, null));
      }
      const send: Send = (path, init) => fetch(url + path, init);
      for (const conformanceCase of cases) {
        const { name, only, gaps, exercise } = conformanceCase;
        if (only === "in process") continue;
        const gap = gaps?.[platform];
        await t.step({
          name: `served: ${name}${gap === undefined ? "" : ` (${gap})`}`,
          ignore: gap !== undefined,
          fn: () => exercise(sendFor(conformanceCase, send)),
        });
      }
      if (platform !== "workerd") {
        const port = Number(new URL(url).port);
        await compareResponses(t, platform, port);
        await compareRequests(t, platform, port);
      }
    } finally {
      await Deno.remove(directory, { recursive: true });
    }
  });
}
