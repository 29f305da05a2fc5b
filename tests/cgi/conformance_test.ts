// Copyright 2026 the wsgiref authors. MIT license.

/** The conformance table behind nginx, by the examples of gateways. */

import { assertRejects } from "@std/assert";
import type { Server } from "node:net";
import { fastCgiServer } from "../../examples/fastcgi_server.ts";
import { scgiServer } from "../../examples/scgi_server.ts";
import { TextErrorStream } from "../../handlers.ts";
import { within } from "../_limit.ts";
import { application, cases, type Send, sendFor } from "../conformance.ts";
import { NGINX, webServer } from "./_gateways.ts";

const errors = new TextErrorStream(() => {});

/** Runs nginx in front of a server. */
function nginx(module: string, port: number) {
  const folders = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"];
  return webServer({
    name: "nginx",
    family: "nginx",
    server: () => NGINX,
    scriptName: "",
    configuration: (ports) => `
      daemon off;
      master_process off;
      pid nginx.pid;
      error_log error.log;
      events {}
      http {
        access_log off;
        client_max_body_size 16m;
        ${folders.map((name) => `${name}_temp_path ${name};`).join("\n")}
        server {
          listen 127.0.0.1:${ports.port};
          server_name 127.0.0.1;
          location / {
            include /etc/nginx/${module}_params;
            ${module}_param SCRIPT_NAME "";
            # Without this, blocks wait for others.
            ${module}_buffering off;
            ${module}_pass 127.0.0.1:${port};
          }
        }
      }
    `,
  });
}

/** Listens at any port that is free. */
async function listen(server: Server): Promise<number> {
  await new Promise<void>((resolve) =>
    server.listen({ host: "127.0.0.1", port: 0 }, resolve)
  );
  const address = server.address();
  return typeof address === "object" ? address?.port ?? 0 : 0;
}

const { skipped } = nginx("scgi", 0);

/** Whether validators are around the application, which throw. */
const isValidated = Deno.env.has("UNDER_VALIDATOR");

for (
  const [module, platform, makeServer] of [
    ["scgi", "nginx, SCGI", scgiServer],
    ["fastcgi", "nginx, FastCGI", fastCgiServer],
  ] as const
) {
  Deno.test({
    name: `${module}_server.ts behind nginx conforms${skipped}`,
    ignore: skipped !== "",
    timeout: 120_000,
    async fn(t) {
      const server = makeServer(application, errors);
      const port = await listen(server);
      await using gateway = await nginx(module, port).start();
      const send: Send = (path, init) => fetch(gateway.url + path, init);
      for (const conformanceCase of cases) {
        const { name, only, gaps, breaks, exercise } = conformanceCase;
        if (only === "in process" || isValidated && breaks) continue;
        const gap = gaps?.[platform];
        const shown = gap === undefined ? name : `${name} (not so: ${gap})`;
        await t.step(shown, async () => {
          const exercised = within(
            "The case ends",
            exercise(sendFor(conformanceCase, send)),
            5_000,
          );
          if (gap === undefined) await exercised;
          else await assertRejects(() => exercised);
        });
      }
      const closed = new Promise((resolve) => server.close(resolve));
      await within("The server ends", closed).catch(() => {});
    },
  });
}
