// Copyright 2026 the wsgiref authors. MIT license.

/**
 * Clients that speak HTTP/1.0 and wait for the end of the connection: ab, and
 * nginx as it is without a setting.
 */

import { assert, assertEquals, assertMatch } from "@std/assert";
import type { WsgiApplication, WsgiEnviron } from "../../types.ts";
import { serve, WAYS } from "../_serving.ts";
import { isInstalled, NGINX, webServer } from "./_gateways.ts";

const AB = "/usr/bin/ab";

const encoder = new TextEncoder();

/** What applications do with a body, by the path. */
const READS: Record<string, (environ: WsgiEnviron) => unknown> = {
  "/nothing": () => {},
  "/exactly": ({ "wsgi.input": input, CONTENT_LENGTH: length }) =>
    input.read(Number(length)),
  "/byte": ({ "wsgi.input": input }) => input.read(1),
  "/all": ({ "wsgi.input": input }) => input.read(),
};

/** Reads what the path says, and answers as the query says. */
const application: WsgiApplication = async (environ, startResponse) => {
  await READS[environ.PATH_INFO ?? ""]?.(environ);
  startResponse("200 OK", [["Content-Type", "text/plain"]]);
  return environ.QUERY_STRING === "stream"
    ? stream()
    : [encoder.encode("Hello")];
};

async function* stream(): AsyncGenerator<Uint8Array> {
  yield encoder.encode("Hel");
  await null;
  yield encoder.encode("lo");
}

const SIZES = [50, 5_000, 50_000_000];
const ANSWERS = ["", "stream"];

for (const way of WAYS) {
  const missing = isInstalled(AB) ? "" : " (skipped: ab is not installed)";
  Deno.test({
    name: `${way}: ab -p comes to its end${missing}`,
    ignore: missing !== "",
    timeout: 120_000,
    async fn() {
      const file = await Deno.makeTempFile();
      try {
        await using serving = serve(way, application, { quiet: true });
        for (const size of SIZES) {
          await Deno.writeFile(file, new Uint8Array(size));
          for (const path of Object.keys(READS)) {
            for (const answer of ANSWERS) {
              const url = `http://127.0.0.1:${serving.port}${path}?${answer}`;
              await runAb(url, file, size > 1_000_000 ? 4 : 20);
            }
          }
        }
      } finally {
        await Deno.remove(file);
      }
    },
  });

  const nginx = (port: number) =>
    webServer({
      name: "nginx",
      family: "nginx",
      server: () => NGINX,
      configuration: (ports) => `
        daemon off;
        master_process off;
        pid nginx.pid;
        error_log error.log;
        events {}
        http {
          access_log off;
          client_max_body_size 0;
          client_body_temp_path body;
          proxy_temp_path proxy;
          fastcgi_temp_path fastcgi;
          uwsgi_temp_path uwsgi;
          scgi_temp_path scgi;
          server {
            listen 127.0.0.1:${ports.port};
            location / { proxy_pass http://127.0.0.1:${port}; }
          }
        }
      `,
      scriptName: "",
    });
  const { skipped } = nginx(0);
  Deno.test({
    name: `${way}: nginx's proxy_pass gets each response at once${skipped}`,
    ignore: skipped !== "",
    timeout: 120_000,
    async fn() {
      await using serving = serve(way, application, { quiet: true });
      await using gateway = await nginx(serving.port).start();
      for (const size of SIZES) {
        const body = new Uint8Array(size);
        for (const path of Object.keys(READS)) {
          for (const answer of ANSWERS) {
            // nginx sends no more once it has a head, and Deno waits for the
            // rest: a large body has to be read before a stream is begun.
            const isGap = answer === "stream" && size > 1_000_000 &&
              (path === "/nothing" || path === "/byte");
            if (isGap) continue;
            const url = `${gateway.url}${path}?${answer}`;
            const signal = AbortSignal.timeout(5_000);
            try {
              const response = await fetch(url, {
                method: "POST",
                body,
                signal,
              });
              assertEquals(await response.text(), "Hello");
            } catch (cause) {
              throw new Error(`${path}?${answer}, ${size} bytes`, { cause });
            }
          }
        }
      }
    },
  });
}

/** Sends a file several times, and sees that all responses are whole. */
async function runAb(url: string, file: string, count: number): Promise<void> {
  const { stdout, stderr } = await new Deno.Command(AB, {
    args: ["-q", "-s5", `-n${count}`, "-c2", `-p${file}`, "-Ttext/plain", url],
    signal: AbortSignal.timeout(30_000),
  }).output();
  const decoder = new TextDecoder();
  const output = decoder.decode(stdout);
  const message = `${url}: ${decoder.decode(stderr)}${output}`;
  assertMatch(
    output,
    new RegExp(`^Complete requests: +${count}$`, "m"),
    message,
  );
  assertMatch(output, /^Failed requests: +0$/m, message);
  // It may have begun one more than it counts.
  const [, size] = /^HTML transferred: +(\d+) /m.exec(output) ?? [];
  assert(Number(size) >= 5 * count, message);
}
