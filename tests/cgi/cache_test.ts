// Copyright 2026 the wsgiref authors. MIT license.

/**
 * The CGI script of README under Apache, as a user who has no cache: what
 * `docs/deployment.md` says of that.
 */

import { assertEquals, assertStringIncludes } from "@std/assert";
import denoConfig from "../../deno.json" with { type: "json" };
import { VERSION } from "../../_version.ts";
import { fillIn, localPath, readBlock } from "./_blocks.ts";
import {
  APACHE,
  apache,
  AS_NOBODY,
  DEPLOYMENT,
  webServer,
} from "./_gateways.ts";

const HEADING = "## CGI";
const SCRIPT = readBlock(
  "../../README.md",
  "ts no-assert",
  "## Deploying",
);

/** Answers as JSR does, for this package alone. */
async function serveJsr(request: Request): Promise<Response> {
  const { pathname } = new URL(request.url);
  const [, path] = /^\/@wsgi\/wsgiref\/(.*)$/.exec(pathname) ?? [];
  if (path === "meta.json") {
    return Response.json({ versions: { [VERSION]: {} } });
  }
  const read = (name: string) => Deno.readFile(localPath(`../../${name}`));
  if (path === `${VERSION}_meta.json`) {
    const manifest: Record<string, { size: number; checksum: string }> = {};
    for await (const { name } of Deno.readDir(localPath("../.."))) {
      if (!name.endsWith(".ts")) continue;
      const bytes = await read(name);
      const digest = await crypto.subtle.digest("SHA-256", bytes);
      manifest[`/${name}`] = {
        size: bytes.length,
        checksum: `sha256-${new Uint8Array(digest).toHex()}`,
      };
    }
    return Response.json({ exports: denoConfig.exports, manifest });
  }
  const [, name] = /^[\d.]+\/(\w+\.ts)$/.exec(path ?? "") ?? [];
  if (name === undefined) return new Response(null, { status: 404 });
  return new Response(await read(name), {
    headers: { "content-type": "application/typescript" },
  });
}

/** What the script answers, and what the log has then. */
interface Outcome {
  status: number;
  text: string;
  log: string;
  hasDownloaded: boolean;
}

/** Runs something beforehand, with the cache that Apache is told of. */
type Prepare = (
  paths: { script: string; cache: string; url: string },
) => void | Promise<void>;

async function deno(
  args: string[],
  env: Record<string, string>,
): Promise<void> {
  const command = new Deno.Command(Deno.execPath(), { args, env });
  const { success, stderr } = await command.output();
  if (!success) throw new Error(new TextDecoder().decode(stderr));
}

/** Who may read all files, but write only their own. */
const AS_READER = AS_NOBODY.map((word) =>
  word.replace("dac_override", "dac_read_search")
);

/** Lets the web server write to a folder. */
async function giveTo(folder: string): Promise<void> {
  if (AS_READER.length > 0) await Deno.chown(folder, 65_534, null);
}

async function run(script: string, prepare: Prepare): Promise<Outcome> {
  await using registry = Deno.serve(
    { hostname: "127.0.0.1", port: 0, onListen() {} },
    serveJsr,
  );
  const url = `http://127.0.0.1:${registry.addr.port}/`;
  const { start } = webServer({
    name: "Apache httpd with mod_cgi",
    family: "apache",
    user: AS_READER,
    server: () => APACHE,
    files: async ({ folder }) => {
      const cache = `${folder}/cache`;
      await Deno.mkdir(cache);
      await Deno.writeTextFile(`${folder}/app.ts`, script, { mode: 0o755 });
      await prepare({ script: `${folder}/app.ts`, cache, url });
      // The logs are the web server's.
      await giveTo(folder);
      return {};
    },
    configuration: (ports) =>
      apache(
        ports,
        ["mpm_prefork", "alias", "env", "cgi"],
        `
          SetEnv PATH ${Deno.execPath().replace(/\/[^/]*$/, "")}:/usr/bin:/bin
          SetEnv JSR_URL ${url}
          SetEnv NO_COLOR 1
          ${
          fillIn(readBlock(DEPLOYMENT, "apache", HEADING), {
            "/srv/app": ports.folder,
            "/var/cache/app": `${ports.folder}/cache`,
          })
        }
        `,
      ),
    scriptName: "/cgi-bin/app",
  });
  await using gateway = await start();
  const response = await fetch(gateway.url);
  const text = await response.text();
  const log = gateway.log();
  const hasDownloaded = log.includes("Download");
  return { status: response.status, text, log, hasDownloaded };
}

const refuse: Prepare = ({ cache }) => Deno.chmod(cache, 0o555);

Deno.test("A script without a cache says why it cannot start", async () => {
  const { status, log } = await run(SCRIPT, refuse);
  assertEquals(status, 500);
  assertStringIncludes(log, "Failed caching");
});

Deno.test("A script that may only use its cache says what is missing", async () => {
  const first = readBlock(DEPLOYMENT, "sh", "too:\n");
  const script = SCRIPT.replace(
    /^#!.*\n/,
    fillIn(first, { "DENO_DIR=/var/cache/app ": "" }),
  );
  const { status, log } = await run(script, refuse);
  assertEquals(status, 500);
  assertStringIncludes(log, "Specifier not found in cache");
});

const answers = { status: 200, text: "Hello, world!", log: "" };

Deno.test("A script fills a cache that it may write", async () => {
  const { log: _, ...outcome } = await run(
    SCRIPT,
    ({ cache }) => giveTo(cache),
  );
  assertEquals({ ...outcome, log: "" }, { ...answers, hasDownloaded: true });
});

Deno.test("A script takes a cache that another user has filled", async () => {
  const outcome = await run(SCRIPT, async ({ script, cache, url }) => {
    await deno(["cache", script], { DENO_DIR: cache, JSR_URL: url });
    await refuse({ script, cache, url });
  });
  assertEquals({ ...outcome, log: "" }, { ...answers, hasDownloaded: false });
});

Deno.test("A script that is bundled needs no cache", async () => {
  const example = localPath("../../examples/cgi.ts");
  const outcome = await run(SCRIPT, async (paths) => {
    const command = fillIn(readBlock(DEPLOYMENT, "sh", "starts faster:\n"), {
      "/srv/app/app.ts": example,
      "/srv/app/bundle.js": paths.script,
    });
    await deno(command.trim().split(" ").slice(1), {});
    await refuse(paths);
  });
  assertEquals({ ...outcome, log: "" }, { ...answers, hasDownloaded: false });
});
