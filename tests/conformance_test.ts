// Copyright 2026 the wsgiref authors. MIT license.

import { assertEquals, assertRejects } from "@std/assert";
import { WAYS } from "./_ways.ts";
import { cases, handler, type Send, sendFor } from "./conformance.ts";

for (const conformanceCase of cases) {
  const { name, only, exercise } = conformanceCase;
  if (only === "served") continue;
  Deno.test(`toFetchHandler() in process: ${name}`, async () => {
    const send: Send = (path, init) =>
      handler(new Request(`http://localhost${path}`, init));
    await exercise(sendFor(conformanceCase, send));
  });
}

for (const way of WAYS) {
  for (const conformanceCase of cases) {
    const { name, only, gaps, exercise } = conformanceCase;
    if (only === "in process") continue;
    const gap = gaps?.[way.platform];
    const shown = gap === undefined ? name : `${name} (not so: ${gap})`;
    Deno.test({
      name: `${way.name}: ${shown}`,
      timeout: 20_000,
      async fn() {
        await using answering = await way.start();
        const exercised = exercise(sendFor(conformanceCase, answering.send));
        if (gap === undefined) await exercised;
        else await assertRejects(() => exercised);
      },
    });
  }
}

/** The cases of Plack::Test::Suite, in its order. */
const PLACK = [
  "SCRIPT_NAME",
  "GET",
  "POST",
  "big POST",
  "psgi.url_scheme",
  "return glob",
  "filehandle",
  "bigger file",
  "handle HTTP-Header",
  "handle HTTP-Cookie",
  "validate env",
  "% encoding in PATH_INFO",
  "% double encoding in PATH_INFO",
  "% encoding in PATH_INFO (outside of URI characters)",
  "SERVER_PROTOCOL is required",
  "SCRIPT_NAME should not be undef",
  "call close after read IO::Handle-like",
  "has errors",
  "status line",
  "Do not crash when the app dies",
  "test multi headers (request)",
  "test multi headers (response)",
  "Do not set env COOKIE",
  "no entity headers on 304",
  "REQUEST_URI is set",
  "filehandle with path()",
  "a big header value > 128 bytes",
  "coderef res",
  "coderef streaming",
  "CRLF output and FCGI parse bug",
  "newlines",
  "test 404",
  "request->input seekable",
  "request->content on GET",
  "handle Authorization header",
  "handle Authorization header (without)",
  "repeated slashes",
];

Deno.test("every case of Plack::Test::Suite has its counterpart", () => {
  const named = cases.flatMap(({ plack = [] }) => plack);
  assertEquals(named.sort(), PLACK.toSorted());
});
