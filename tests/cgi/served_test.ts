// Copyright 2026 the wsgiref authors. MIT license.

/** Applications behind FastCGI and SCGI, as clients of web servers see them. */

import { assert, assertEquals, assertMatch } from "@std/assert";
import { cases, type Send, sendFor } from "../conformance.ts";
import { type Gateway, GATEWAYS } from "./_gateways.ts";

/** Where a case does not hold, which is the web server's doing. */
const GAPS: Record<string, RegExp> = {
  "SCRIPT_NAME is empty at the root": /./, // the application is at /app
  "REQUEST_URI is as it was written": /./, // it begins with /app
  "a fetch handler answers as an application": /./, // so does its URL
  "PATH_INFO may have a zero byte": /./, // no web server takes %00
  "PATH_INFO has bytes, not characters": /lighttpd/, // no %FF
  "PATH_INFO keeps repeated slashes": /nginx|lighttpd|mod_fcgid/,
  "SERVER_NAME and SERVER_PORT are those of the URL": /nginx/, // server_name
  "CONTENT_TYPE and CONTENT_LENGTH are absent without a body":
    /scgi|lighttpd|mod_fcgid/, // 0
  "blocks become one body of their length": /mod_proxy_fcgi/, // in chunks
  "the head of HEAD is that of GET": /mod_proxy_fcgi/,
  "a file goes out with its length": /mod_proxy_fcgi/,
  "a large file goes out, byte for byte": /mod_proxy_fcgi/,
  "a large body goes in and out, block by block": /mod_fcgid/, // first all in
  "an error after the head breaks the body off": /lighttpd|mod_fcgid/,
  // Apache tells it only if the end comes after the body.
  "a body that is too short breaks off": /mod_fcgid|mod_proxy_fcgi/,
  "a client that leaves is noticed while the application thinks":
    /Apache|lighttpd/, // they look when there is something to send
};

const SERVED = GATEWAYS.filter(({ name }) => /fastcgi|scgi|fcgi/.test(name))
  .filter(({ name }) => !name.includes("fcgiwrap"));

function serves(
  title: string,
  check: (gateway: Gateway, t: Deno.TestContext, name: string) => Promise<void>,
): void {
  for (const { name, skipped, start } of SERVED) {
    Deno.test({
      name: `${name}: ${title}${skipped}`,
      ignore: skipped !== "",
      timeout: 120_000,
      // Deno's client takes leave of requests after their response.
      sanitizeOps: false,
      sanitizeResources: false,
      async fn(t) {
        await using gateway = await start();
        await check(gateway, t, name);
      },
    });
  }
}

serves("the table of conformance", async ({ url }, t, name) => {
  for (const conformanceCase of cases) {
    if (conformanceCase.only === "in process") continue;
    if (GAPS[conformanceCase.name]?.test(name)) continue;
    const send: Send = (path, init) => fetch(url + path, init);
    await t.step(
      conformanceCase.name,
      () => conformanceCase.exercise(sendFor(conformanceCase, send)),
    );
  }
});

/** A body of `size` bytes, without a pattern. */
function makeBody(size: number, seed: number): Uint8Array<ArrayBuffer> {
  const body = new Uint8Array(size);
  let state = seed;
  for (let i = 0; i < size; i++) {
    state = Math.imul(state, 1_664_525) + 1_013_904_223 | 0;
    body[i] = state >>> 24;
  }
  return body;
}

function sameBytes(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && a.every((byte, index) => byte === b[index]);
}

serves("an upload of 95 MB comes back", async ({ url }) => {
  const body = makeBody(95_000_000, 1);
  const response = await fetch(`${url}/echo`, { method: "POST", body });
  assert(sameBytes(await response.bytes(), body));
});

serves("500 requests at once each get their own answer", async ({ url }) => {
  await Promise.all(Array.from({ length: 500 }, async (_, index) => {
    const body = makeBody(index % 5 === 0 ? 50_000 + index : index, index);
    const response = await fetch(`${url}/echo?${index}`, {
      method: "POST",
      body,
    });
    assertEquals(response.status, 200);
    assert(sameBytes(await response.bytes(), body), `request ${index}`);
  }));
});

serves("clients that leave do not disturb the others", async ({ url, log }) => {
  const leave = async (path: string, init: RequestInit = {}) => {
    const controller = new AbortController();
    const { signal } = controller;
    setTimeout(() => controller.abort(), 50 + 200 * Math.random());
    try {
      const response = await fetch(url + path, { signal, ...init });
      await response.bytes();
    } catch (error) {
      assertMatch((error as Error).name, /^(?:AbortError|TypeError)$/);
    }
  };
  const file = await Deno.makeTempFile();
  const body = makeBody(500_000, 2);
  await Promise.all(Array.from({ length: 20 }, async () => {
    await Promise.all([
      leave(`/endless?${file}`),
      leave("/echo", {
        method: "POST",
        body: new ReadableStream({
          pull: (controller) => controller.enqueue(body),
        }),
      }),
    ]);
    const response = await fetch(`${url}/echo`, { method: "POST", body });
    assert(sameBytes(await response.bytes(), body));
  }));
  await Deno.remove(file);
  // Of an upload that breaks off, web servers do not always tell the reason.
  assertEquals(log().match(/^(?!.*RequestError).*Error:.*$/gm) ?? [], []);
});
