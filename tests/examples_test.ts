// Copyright 2026 the wsgiref authors. MIT license.

/** The applications of `examples`, each within the validator. */

import { TextLineStream } from "@std/streams/text-line-stream";
import { assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import readBody from "../examples/body.ts";
import download from "../examples/download.ts";
import events from "../examples/events.ts";
import form from "../examples/form.ts";
import greet from "../examples/negotiation.ts";
import severalApps from "../examples/several_apps.ts";
import { TextErrorStream, toFetchHandler } from "../handlers.ts";
import type { WsgiApplication } from "../types.ts";
import { validator } from "../validate.ts";
import { until, within } from "./_limit.ts";
import { errorsOf, serve } from "./_serving.ts";
import { start } from "./_started.ts";

/** Asks an application. Whatever the validator reports is thrown. */
async function ask(
  app: WsgiApplication,
  path: string,
  init: RequestInit = {},
): Promise<Response> {
  const handler = toFetchHandler(
    validator(app, {
      onWarning(warning) {
        throw warning;
      },
    }),
    { errors: new TextErrorStream(() => {}) },
  );
  return await handler(new Request(`http://h${path}`, init));
}

Deno.test("severalApps() hands each request on to the application of its path", async () => {
  const list = "http://h/body/\nhttp://h/environ/\nhttp://h/hello/\n";
  const table: [path: string, status: number, text: string][] = [
    ["/", 200, list],
    ["/hello", 200, "Hello World"],
    ["/hello/", 200, "Hello World"],
    ["/spam", 404, list],
    ["/body/spam", 404, ""],
  ];
  for (const [path, status, text] of table) {
    const response = await ask(severalApps, path);
    assertEquals(
      [path, response.status, await response.text()],
      [path, status, text],
    );
  }
  const response = await ask(severalApps, "/body/text", {
    method: "POST",
    body: "spam",
  });
  assertEquals(await response.text(), "SPAM");
});

Deno.test("severalApps() tells each application where it is", async () => {
  const text = await (await ask(severalApps, "/environ/a/b?c")).text();
  assertMatch(text, /^SCRIPT_NAME: \/environ$/m);
  assertMatch(text, /^PATH_INFO: \/a\/b$/m);
});

Deno.test("form() greets a stranger, takes a name, and knows it again", async () => {
  assertStringIncludes(
    await (await ask(form, "/")).text(),
    "<h1>Hello, stranger!</h1>",
  );
  for (const body of [new URLSearchParams(), new FormData()]) {
    body.set("name", "<b>Zoë</b>; &");
    const answer = await ask(form, "/?a", { method: "POST", body });
    assertEquals([answer.status, await answer.text()], [303, ""]);
    assertEquals(answer.headers.get("location"), "http://h/");
    const [cookie = ""] = answer.headers.getSetCookie();
    assertEquals(
      cookie,
      "name=%3Cb%3EZo%C3%AB%3C%2Fb%3E%3B%20%26; HttpOnly; SameSite=Lax",
    );
    const headers = { Cookie: cookie.replace(/;.*/, "") };
    assertStringIncludes(
      await (await ask(form, "/", { headers })).text(),
      "<h1>Hello, &lt;b&gt;Zoë&lt;/b&gt;; &amp;!</h1>",
    );
  }
});

Deno.test("form() answers 400 to what is no form, and bears any cookie", async () => {
  for (const type of ["text/plain", "multipart/form-data; boundary=a"]) {
    const response = await ask(form, "/", {
      method: "POST",
      body: "spam",
      headers: { "Content-Type": type },
    });
    assertEquals([type, response.status], [type, 400]);
    await response.body?.cancel();
  }
  for (const cookie of ["name", "name=%E9%", "name=a&name=b", "=;=", "x=%"]) {
    const response = await ask(form, "/", { headers: { Cookie: cookie } });
    assertEquals([cookie, response.status], [cookie, 200]);
    await response.body?.cancel();
  }
});

Deno.test("form() takes a file for no name", async () => {
  const body = new FormData();
  body.set("name", new File(["spam"], "spam.txt"));
  const response = await ask(form, "/", { method: "POST", body });
  assertEquals(response.status, 303);
  assertMatch(response.headers.get("Set-Cookie") ?? "", /^name=;/);
});

Deno.test("readBody() answers 400 to a body that is not what it should be", async () => {
  const json = { "Content-Type": "application/json" };
  const table: [path: string, body: BodyInit, status: number, text: string][] =
    [
      ["/json", '{"name": "spam"}', 200, "spam"],
      ["/json", "{}", 200, ""],
      ["/json", "{bad", 400, "Bad Request\n"],
      ["/json", "null", 400, "Bad Request\n"],
      ["/json", "", 400, "Bad Request\n"],
      ["/form", "spam", 400, "Bad Request\n"],
    ];
  for (const [path, body, status, text] of table) {
    const init = { method: "POST", body, headers: json };
    const response = await ask(readBody, path, init);
    assertEquals([response.status, await response.text()], [status, text]);
  }
});

Deno.test("form() leaves it to the server to refuse a form that is too large", async () => {
  const handler = toFetchHandler(form, {
    errors: new TextErrorStream(() => {}),
    maxBodySize: 1000,
  });
  const body = new ReadableStream({
    pull: (controller) => controller.enqueue(new Uint8Array(600)),
  });
  const headers = { "Content-Type": "application/x-www-form-urlencoded" };
  const response = await handler(
    new Request("http://h/", { method: "POST", body, headers }),
  );
  assertEquals(response.status, 413);
  await response.body?.cancel();
});

Deno.test("greet() answers in the language and the format that is liked best", async () => {
  const table: [
    headers: Record<string, string>,
    language: string,
    type: string,
    text: string,
  ][] = [
    [{}, "en", "text/plain", "Hello, world!\n"],
    [{ "Accept": "*/*" }, "en", "text/plain", "Hello, world!\n"],
    [
      { "Accept": "text/html, */*;q=0.1", "Accept-Language": "fr, ja;q=0.5" },
      "ja",
      "text/html",
      "<!DOCTYPE html><title>こんにちは、世界！</title>\n",
    ],
    [
      { "Accept": "text/*;q=0.5, application/json", "Accept-Language": "de" },
      "de",
      "application/json",
      '{"greeting":"Grüß Gott, Welt!"}',
    ],
    [{ "Accept-Language": "fr" }, "en", "text/plain", "Hello, world!\n"],
  ];
  for (const [headers, language, type, text] of table) {
    const response = await ask(greet, "/", { headers });
    assertEquals(
      [headers, response.status, Object.fromEntries(response.headers)],
      [headers, 200, {
        "content-language": language,
        "content-length": `${new TextEncoder().encode(text).length}`,
        "content-type": `${type}; charset=utf-8`,
        "vary": "Accept, Accept-Language",
      }],
    );
    assertEquals(await response.text(), text);
  }
});

Deno.test("greet() answers 406 if it has no format that is accepted", async () => {
  const response = await ask(greet, "/", { headers: { Accept: "image/*" } });
  assertEquals([response.status, await response.text()], [
    406,
    "There is only text/plain, text/html, application/json\n",
  ]);
});

Deno.test("download() has a table saved under a name that is not ASCII", async () => {
  const response = await ask(download, "/");
  assertEquals(Object.fromEntries(response.headers), {
    "content-disposition":
      "attachment; filename=\"Savings in ?.csv\"; filename*=UTF-8''Savings%20in%20%E2%82%AC.csv",
    "content-type": "text/csv; charset=utf-8",
  });
  const lines = (await response.text()).split("\r\n");
  assertEquals(lines.slice(0, 2), ["year,balance,currency", "1,1020.00,€"]);
  assertEquals(lines.length, 52);
});

Deno.test("events() sends the time as events, from where a client stopped", async () => {
  const table = [["", "1"], ["41", "42"], ["spam", "1"], ["1e999", "1"]];
  for (const [last, first] of table) {
    const headers = last ? { "Last-Event-ID": last } : {};
    const response = await ask(events, "/events", { headers });
    assertEquals(response.headers.get("content-type"), "text/event-stream");
    const lines = response.body!.pipeThrough(new TextDecoderStream())
      .pipeThrough(new TextLineStream()).getReader();
    const [data, id, end] = [
      await lines.read(),
      await lines.read(),
      await lines.read(),
    ].map(({ value }) => value);
    assertMatch(data ?? "", /^data:\d{4}-\d\d-\d\dT[\d:.]+Z$/);
    assertEquals([id, end], [`id:${first}`, ""]);
    await within("The events end", lines.cancel());
  }
});

Deno.test("events() ends when its client goes", async () => {
  let signal: AbortSignal | undefined;
  let hasEnded = false;
  await using serving = serve("server", async (environ, startResponse) => {
    signal = environ["wsgiref.signal"];
    const result = await events(environ, startResponse);
    return (async function* () {
      try {
        yield* result;
      } finally {
        hasEnded = true;
      }
    })();
  });
  const url = `http://127.0.0.1:${serving.port}/events`;
  const abort = new AbortController();
  const fetching = fetch(url, { signal: abort.signal });
  const response = await within("The events begin", fetching);
  const reader = response.body!.getReader();
  await within("An event comes", reader.read());
  assertEquals(hasEnded, false);
  abort.abort();
  await reader.closed.catch(() => {});
  await until("The events end", () => hasEnded);
  assertEquals(signal?.aborted, true);
  assertEquals(errorsOf(serving.log), []);
});

for (
  const name of ["download", "events", "form", "negotiation", "several_apps"]
) {
  Deno.test(`examples/${name}.ts is served by the command at its top`, async () => {
    const file = `examples/${name}.ts`;
    const text = await Deno.readTextFile(
      new URL(`../${file}`, import.meta.url),
    );
    const [, command = ""] = /^ \* deno run (.*)$/m.exec(text) ?? [];
    assertEquals(command, `-N -R simple_server.ts ${file}`);
    await using program = await start([...command.split(" "), "--port=0"]);
    const response = await within("It answers", fetch(program.url));
    assertEquals(response.status, 200);
    await within("The page ends", response.text());
  });
}

for (const name of ["fastcgi_server", "scgi_server"]) {
  Deno.test(`examples/${name}.ts says that a module has no application`, async () => {
    const { code, stderr } = await new Deno.Command(Deno.execPath(), {
      args: [
        ...["run", "-N", "-R", `examples/${name}.ts`],
        ...["examples/_directory_page.ts", "0"],
      ],
      cwd: new URL("../", import.meta.url),
      env: { NO_COLOR: "1" },
      signal: AbortSignal.timeout(20_000),
    }).output();
    assertEquals(
      [code, new TextDecoder().decode(stderr)],
      [
        1,
        "Cannot serve examples/_directory_page.ts as it exports no application\n",
      ],
    );
  });
}
