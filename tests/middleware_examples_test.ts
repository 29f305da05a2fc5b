// Copyright 2026 the wsgiref authors. MIT license.

/** The middleware of `examples/middleware`, each between two validators. */

import {
  assert,
  assertEquals,
  assertFalse,
  assertMatch,
  assertStringIncludes,
} from "@std/assert";
import { accessLog } from "../examples/middleware/access_log.ts";
import { basicAuth } from "../examples/middleware/basic_auth.ts";
import { conditionalGet } from "../examples/middleware/conditional_get.ts";
import { cors } from "../examples/middleware/cors.ts";
import { debugPage } from "../examples/middleware/debug_page.ts";
import { dispatcher } from "../examples/middleware/dispatcher.ts";
import { gzip } from "../examples/middleware/gzip.ts";
import { methodOverride } from "../examples/middleware/method_override.ts";
import {
  type Session,
  sessionOf,
  sessions,
  type SessionStore,
} from "../examples/middleware/sessions.ts";
import { RequestError, TextErrorStream, toFetchHandler } from "../handlers.ts";
import type { WsgiApplication, WsgiHeader, WsgiResult } from "../types.ts";
import { decodeNativeString, FileWrapper } from "../util.ts";
import { validator } from "../validate.ts";

const encoder = new TextEncoder();

const TEXT: WsgiHeader = ["Content-Type", "text/plain"];

/** What was logged since it was last looked at. */
let log = "";

function takeLog(): string {
  const text = log;
  log = "";
  return text;
}

/** Asks an application behind middleware. Whatever is reported is thrown. */
async function ask(
  layer: (app: WsgiApplication) => WsgiApplication,
  app: WsgiApplication,
  init: RequestInit & { path?: string } = {},
): Promise<Response> {
  const handler = toFetchHandler(
    validator(
      layer(
        validator(app, {
          onWarning(warning) {
            throw warning;
          },
        }),
      ),
    ),
    { errors: new TextErrorStream((text) => log += text) },
  );
  return await handler(new Request(`http://h${init.path ?? "/"}`, init));
}

/** An application that answers with a text, and these headers. */
function answer(
  text: string,
  { status = "200 OK", headers = [TEXT] }: {
    status?: string;
    headers?: WsgiHeader[];
  } = {},
): WsgiApplication {
  return (environ, startResponse) => {
    startResponse(status, headers);
    const isBodiless = environ.REQUEST_METHOD === "HEAD" || text === "";
    return isBodiless ? [] : [encoder.encode(text)];
  };
}

async function decompress(response: Response): Promise<string> {
  const { body } = response;
  return await new Response(
    body!.pipeThrough(new DecompressionStream("gzip")),
  ).text();
}

const ACCEPTED = { headers: { "Accept-Encoding": "gzip, br" } };
const SPAM = "spam ".repeat(1000);

Deno.test("gzip() compresses text for clients that take it", async () => {
  const headers: WsgiHeader[] = [
    TEXT,
    ["Content-Length", `${SPAM.length}`],
    ["ETag", '"1"'],
    ["Accept-Ranges", "bytes"],
  ];
  const app = answer(SPAM, { headers });

  const compressed = await ask(gzip, app, ACCEPTED);
  assertEquals(Object.fromEntries(compressed.headers), {
    "content-encoding": "gzip",
    "content-type": "text/plain",
    "etag": 'W/"1"',
    "vary": "Accept-Encoding",
  });
  const bytes = await compressed.clone().bytes();
  assert(bytes.length < 100);
  assertEquals(await decompress(compressed), SPAM);

  const plain = await ask(gzip, app);
  assertEquals(Object.fromEntries(plain.headers), {
    "accept-ranges": "bytes",
    "content-length": "5000",
    "content-type": "text/plain",
    "etag": '"1"',
    "vary": "Accept-Encoding",
  });
  assertEquals(await plain.text(), SPAM);

  const head = await ask(gzip, app, { ...ACCEPTED, method: "HEAD" });
  assertEquals(head.headers.get("Content-Encoding"), "gzip");
  assertEquals(head.headers.get("Content-Length"), null);
});

Deno.test("gzip() asks which encoding a client prefers", async () => {
  const cases: [accepted: string, isCompressed: boolean][] = [
    ["gzip", true],
    ["GZIP", true],
    ["br, gzip;q=0.5", true],
    ["*", true],
    ["gzip, *;q=0", true],
    ["", false],
    ["br", false],
    ["gzip;q=0", false],
    ["identity, gzip;q=0.5", false],
    ["identity;q=0, *;q=0", false],
  ];
  for (const [accepted, isCompressed] of cases) {
    const headers = { "Accept-Encoding": accepted };
    const response = await ask(gzip, answer("spam"), { headers });
    assertEquals(
      response.headers.get("Content-Encoding"),
      isCompressed ? "gzip" : null,
      accepted,
    );
    await response.body?.cancel();
  }
});

Deno.test("gzip() leaves alone what is compressed, or need not be", async () => {
  const cases: [WsgiHeader[], status?: string, text?: string][] = [
    [[TEXT, ["Content-Encoding", "br"]]],
    [[TEXT, ["Cache-Control", "public, no-transform"]]],
    [[TEXT, ["Content-Range", "bytes 0-3/10"]], "206 Partial Content"],
    [[["Content-Type", "image/png"]]],
    [[], "204 No Content", ""],
    [[["ETag", '"1"']], "304 Not Modified", ""],
  ];
  for (const [headers, status = "200 OK", text = "spam"] of cases) {
    const app = answer(text, { status, headers });
    const response = await ask(gzip, app, ACCEPTED);
    const bare = await toFetchHandler(app)(new Request("http://h/"));
    assertEquals([...response.headers], [...bare.headers]);
    assertEquals(await response.text(), text);
  }
  const file = new FileWrapper(new Blob(["spam"]));
  const image = await ask(gzip, (_environ, startResponse) => {
    startResponse("200 OK", [["Content-Type", "image/png"]]);
    return file;
  }, ACCEPTED);
  assertEquals(image.headers.get("Content-Length"), "4");
  assertEquals(await image.text(), "spam");
});

Deno.test("gzip() sends each block when it comes, also if startResponse() comes with it", async () => {
  const { promise, resolve } = Promise.withResolvers<void>();
  const response = await ask(gzip, async function* (_environ, startResponse) {
    startResponse("200 OK", [["Content-Type", "text/event-stream"]]);
    yield encoder.encode("data: 1\n\n");
    await promise;
    yield encoder.encode("data: 2\n\n");
  }, ACCEPTED);
  const texts = response.body!.pipeThrough(new DecompressionStream("gzip"))
    .pipeThrough(new TextDecoderStream()).getReader();
  assertEquals((await texts.read()).value, "data: 1\n\n");
  resolve();
  assertEquals((await texts.read()).value, "data: 2\n\n");
  assert((await texts.read()).done);
});

Deno.test("gzip() compresses the error's response, and nothing of what it replaces", async () => {
  for (const type of ["text/plain", "image/png"]) {
    const app: WsgiApplication = function* (_environ, startResponse) {
      startResponse("200 OK", [["Content-Type", type]]);
      yield encoder.encode("");
      startResponse("500 Error", [TEXT], new Error("spam"));
      yield encoder.encode("error");
    };
    const response = await ask(gzip, app, ACCEPTED);
    assertEquals(response.status, 500);
    assertEquals(await decompress(response), "error");
  }
});

/** A store whose work takes a while, as that of a database does. */
class SlowStore implements SessionStore {
  readonly sessions = new Map<string, string>();
  writes = 0;

  async get(id: string): Promise<Session | undefined> {
    await null;
    const text = this.sessions.get(id);
    return text === undefined ? undefined : JSON.parse(text);
  }

  async set(id: string, session: Session): Promise<void> {
    await new Promise((resolve) => setTimeout(resolve, 1));
    this.writes++;
    this.sessions.set(id, JSON.stringify(session));
  }
}

function createKey(): Promise<CryptoKey> {
  return crypto.subtle.generateKey(
    { name: "HMAC", hash: "SHA-256" },
    false,
    ["sign", "verify"],
  );
}

/** Counts visits. */
const counter: WsgiApplication = (environ, startResponse) => {
  const session = sessionOf(environ);
  if (environ.PATH_INFO === "/visit") {
    session.visits = Number(session.visits ?? 0) + 1;
  }
  startResponse("200 OK", [TEXT]);
  return [encoder.encode(`${session.visits}`)];
};

Deno.test("sessions() keeps the data of a client, and stores it before the head goes", async () => {
  const store = new SlowStore();
  const options = { key: await createKey(), store };
  const visit = async (cookie: string, path = "/visit") => {
    const headers = { Cookie: cookie };
    const layer = (app: WsgiApplication) => sessions(app, options);
    const response = await ask(layer, counter, { path, headers });
    assertEquals(response.headers.get("Content-Length"), "1");
    assertEquals(response.headers.get("Vary"), "Cookie");
    return [await response.text(), response.headers.get("Set-Cookie") ?? ""];
  };

  const [text, setCookie = ""] = await visit("a=b");
  assertEquals(text, "1");
  assertMatch(
    setCookie,
    /^session=[\w-]{36}\.[\w-]{43}; HttpOnly; SameSite=Lax; Path=\/$/,
  );
  const [cookie = ""] = setCookie.split(";");
  assertEquals((await visit(`a=b; ${cookie}`))[0], "2");
  assertEquals(await visit(cookie, "/visit"), ["3", setCookie]);
  assertEquals(store.writes, 3);
});

Deno.test("sessions() writes nothing if nothing has changed, and trusts no other cookie", async () => {
  const store = new SlowStore();
  const options = { key: await createKey(), store };
  const layer = (app: WsgiApplication) => sessions(app, options);
  const first = await ask(layer, counter, { path: "/visit" });
  await first.body?.cancel();
  const [cookie = ""] = first.headers.get("Set-Cookie")!.split(";");
  const stranger = await ask(
    (app) => sessions(app, { key: options.key, store: new SlowStore() }),
    counter,
    { path: "/visit", headers: { Cookie: cookie } },
  );
  assertEquals(await stranger.text(), "1");

  const unchanged = await ask(layer, counter, { headers: { Cookie: cookie } });
  assertEquals(await unchanged.text(), "1");
  assertFalse(unchanged.headers.has("Set-Cookie"));
  assertEquals(store.writes, 1);
  for (
    const other of [
      "session=1",
      "session=.",
      "=",
      "session=a.!",
      cookie.slice(0, -2),
      cookie.replace(/\w(?=\.)/, "x"),
      `session=${crypto.randomUUID()}.${cookie.split(".")[1]}`,
    ]
  ) {
    const response = await ask(layer, counter, { headers: { Cookie: other } });
    assertEquals(await response.text(), "undefined", other);
  }
});

Deno.test("basicAuth() lets those in who know a password", async () => {
  const passwords = new Map([
    ["eric", "spåm:egg"],
    ["empty", ""],
    ["日本", "egg"],
  ]);
  const layer = (app: WsgiApplication) =>
    basicAuth(app, { realm: "site", passwords });
  const app: WsgiApplication = (environ, startResponse) => {
    startResponse("200 OK", [TEXT]);
    const name = decodeNativeString(environ.REMOTE_USER ?? "");
    return [encoder.encode(`${environ.AUTH_TYPE} ${name}`)];
  };
  const credentials = (text: string) =>
    `Basic ${encoder.encode(text).toBase64()}`;
  const cases: [string | null, number, string][] = [
    [credentials("eric:spåm:egg"), 200, "Basic eric"],
    [credentials("eric:spåm:egg").replace("Basic", "BASIC"), 200, "Basic eric"],
    [credentials("empty:"), 200, "Basic empty"],
    [credentials("日本:egg"), 200, "Basic 日本"],
    [credentials("eric:"), 401, "Who are you?\n"],
    [credentials("eric"), 401, "Who are you?\n"],
    [credentials("nobody:"), 401, "Who are you?\n"],
    [credentials("nobody:undefined"), 401, "Who are you?\n"],
    ["Basic !", 401, "Who are you?\n"],
    ["Basic a", 401, "Who are you?\n"],
    ["Bearer a", 401, "Who are you?\n"],
    [null, 401, "Who are you?\n"],
  ];
  for (const [value, status, text] of cases) {
    const headers: Record<string, string> = {};
    if (value !== null) headers.Authorization = value;
    const response = await ask(layer, app, { headers });
    assertEquals(response.status, status, `${value}`);
    assertEquals(await response.text(), text, `${value}`);
    assertEquals(
      response.headers.get("WWW-Authenticate"),
      status === 401 ? 'Basic realm="site", charset="UTF-8"' : null,
    );
  }
});

Deno.test("accessLog() logs each request at its end, however that comes", async () => {
  const lines: string[] = [];
  const layer = (app: WsgiApplication) =>
    accessLog(app, {
      log: (line) => lines.push(line.replace(/[\d.]+ ms/, "1 ms")),
    });
  const response = await ask(layer, answer("spam"), { path: "/a%0Ab%C3%A9" });
  assertEquals(response.headers.get("Content-Length"), "4");
  assertMatch(response.headers.get("Server-Timing") ?? "", /^app;dur=\d+\.\d$/);
  await response.body?.cancel();

  const stream = await ask(layer, (_environ, startResponse) => {
    startResponse("202 Accepted", [TEXT]);
    return new ReadableStream({
      pull: (controller) => controller.enqueue(encoder.encode("spam")),
    });
  });
  assertEquals(lines.length, 1);
  await stream.body?.cancel();
  await new Promise((resolve) => setTimeout(resolve));

  const failed = await ask(layer, () => {
    throw new Error("spam");
  }, { method: "POST" });
  assertEquals(failed.status, 500);
  await failed.body?.cancel();
  assertEquals(lines, [
    "- GET /a%0Ab%C3%A9 200 1 ms",
    "- GET / 202 1 ms",
    "- POST / - 1 ms",
  ]);
  assertStringIncludes(takeLog(), "Error: spam");

  const other = await ask((app) => accessLog(app), answer("spam"));
  await other.body?.cancel();
  assertMatch(takeLog(), /^- GET \/ 200 \d+\.\d ms\n$/);
});

Deno.test("debugPage() shows and logs an error, wherever it comes from", async () => {
  const error = new Error("<spam>");
  const apps: WsgiApplication[] = [
    () => {
      throw error;
    },
    () => Promise.reject(error),
    function* (_environ, startResponse) {
      startResponse("200 OK", [["Content-Type", "image/png"]]);
      yield new Uint8Array();
      throw error;
    },
    async function* (_environ, startResponse) {
      startResponse("200 OK", [["Content-Type", "image/png"]]);
      yield await new Uint8Array();
      throw error;
    },
  ];
  for (const app of apps) {
    const response = await ask(debugPage, app, { path: "/egg" });
    assertEquals(response.status, 500);
    assertEquals(
      response.headers.get("Content-Type"),
      "text/plain; charset=utf-8",
    );
    const text = await response.text();
    assertStringIncludes(text, "Error: <spam>\n    at ");
    assertStringIncludes(text, "\nPATH_INFO: /egg\n");
    assertStringIncludes(takeLog(), "Error: <spam>\n    at ");
  }
  const response = await ask(debugPage, answer("spam"));
  assertEquals(await response.text(), "spam");
  assertEquals(takeLog(), "");
  const refused = await ask(debugPage, () => {
    throw new RequestError("No such page", 404);
  });
  assertEquals([refused.status, await refused.text()], [404, "Not Found\n"]);
});

Deno.test("cors() opens an application to the origins that are given", async () => {
  const layer = (app: WsgiApplication) =>
    cors(app, {
      origins: ["https://a.test"],
      methods: ["PUT", "DELETE"],
      headers: ["X-Spam"],
    });
  const preflight = { "Access-Control-Request-Method": "PUT" };
  const cases: [RequestInit, number, Record<string, string>][] = [
    [
      { headers: { Origin: "https://a.test" } },
      200,
      { "access-control-allow-origin": "https://a.test" },
    ],
    [{ headers: { Origin: "https://b.test" } }, 200, {}],
    [{}, 200, {}],
    [
      {
        method: "OPTIONS",
        headers: { Origin: "https://a.test", ...preflight },
      },
      204,
      {
        "access-control-allow-headers": "X-Spam",
        "access-control-allow-methods": "PUT, DELETE",
        "access-control-allow-origin": "https://a.test",
      },
    ],
    [
      {
        method: "OPTIONS",
        headers: { Origin: "https://b.test", ...preflight },
      },
      200,
      {},
    ],
    [{ method: "OPTIONS" }, 200, {}],
  ];
  for (const [init, status, expected] of cases) {
    const { headers, ...response } = await ask(layer, answer("spam"), init)
      .then(async (response) => ({
        headers: Object.fromEntries(response.headers),
        status: response.status,
        text: await response.text(),
      }));
    assertEquals(response, { status, text: status === 204 ? "" : "spam" });
    assertEquals(headers.vary, "Origin");
    assertEquals(
      Object.fromEntries(
        Object.entries(headers).filter(([name]) => name.startsWith("access")),
      ),
      expected,
    );
  }
});

Deno.test("conditionalGet() answers 304 to clients that have it", async () => {
  const modified = "Fri, 02 Jan 2026 03:04:05 GMT";
  const before = "Thu, 01 Jan 2026 03:04:05 GMT";
  const headers: WsgiHeader[] = [
    TEXT,
    ["Content-Length", "4"],
    ["ETag", '"1"'],
    ["Last-Modified", modified],
    ["Content-Security-Policy", "default-src 'self'"],
  ];
  const cases: [RequestInit, number][] = [
    [{ headers: { "If-None-Match": '"1"' } }, 304],
    [{ headers: { "If-None-Match": 'W/"1"' } }, 304],
    [{ headers: { "If-None-Match": "*" } }, 304],
    [{ headers: { "If-None-Match": '"2"' } }, 200],
    [{ headers: { "If-Modified-Since": modified } }, 304],
    [{ headers: { "If-Modified-Since": before } }, 200],
    [{ headers: { "If-Modified-Since": "spam" } }, 200],
    [
      { headers: { "If-None-Match": '"2"', "If-Modified-Since": modified } },
      200,
    ],
    [{ headers: { "If-None-Match": '"1"' }, method: "HEAD" }, 304],
    [{ headers: { "If-None-Match": '"1"' }, method: "POST" }, 200],
    [{}, 200],
  ];
  for (const [init, status] of cases) {
    let isClosed = false;
    const app: WsgiApplication = (environ, startResponse) => {
      startResponse("200 OK", headers);
      const blocks = environ.REQUEST_METHOD === "HEAD" ? [] : ["spam"];
      return Object.assign(blocks.map((text) => encoder.encode(text)), {
        close: () => void (isClosed = true),
      });
    };
    const response = await ask(conditionalGet, app, init);
    const isWhole = status === 200;
    assertEquals(response.status, status);
    assertEquals(await response.text(), isWhole ? "spam" : "");
    assertEquals(Object.fromEntries(response.headers), {
      ...isWhole && { "content-length": "4", "content-type": "text/plain" },
      "content-security-policy": "default-src 'self'",
      "etag": '"1"',
      "last-modified": modified,
    });
    assert(isClosed);
  }
  const missing = answer("spam", { status: "404 Not Found", headers });
  const init = { headers: { "If-None-Match": '"1"' } };
  const response = await ask(conditionalGet, missing, init);
  assertEquals([response.status, await response.text()], [404, "spam"]);
});

Deno.test("methodOverride() gives an application the method that a POST stands for", async () => {
  const app: WsgiApplication = async (environ, startResponse) => {
    const body = await environ["wsgi.input"].read(4);
    startResponse("200 OK", [TEXT]);
    return [encoder.encode(environ.REQUEST_METHOD), body] as WsgiResult;
  };
  const cases: [method: string, override: string | null, seen: string][] = [
    ["POST", "PUT", "PUT"],
    ["POST", "DELETE", "DELETE"],
    ["POST", "put", "POST"],
    ["POST", "GET", "POST"],
    ["POST", null, "POST"],
    ["PUT", "DELETE", "PUT"],
  ];
  for (const [method, override, seen] of cases) {
    const headers: Record<string, string> = {};
    if (override !== null) headers["X-HTTP-Method-Override"] = override;
    const init = { method, headers, body: "body" };
    const response = await ask(methodOverride, app, init);
    assertEquals(await response.text(), `${seen}body`);
  }
});

Deno.test("dispatcher() calls the application whose path it is", async () => {
  const show: (name: string) => WsgiApplication =
    (name) => (environ, startResponse) => {
      startResponse("200 OK", [TEXT]);
      const { SCRIPT_NAME, PATH_INFO } = environ;
      return [encoder.encode(`${name} ${SCRIPT_NAME}|${PATH_INFO}`)];
    };
  const apps = new Map([["blog", show("blog")]]);
  const cases: [path: string, text: string, fallback?: WsgiApplication][] = [
    ["/", "Not Found\n"],
    ["/", "else |/", show("else")],
    ["/blog", "blog /blog|"],
    ["/blog/2026", "blog /blog|/2026"],
    ["/blogs", "Not Found\n"],
    ["/constructor", "Not Found\n"],
    ["/a/b", "else |/a/b", show("else")],
  ];
  for (const [path, text, fallback] of cases) {
    const app = dispatcher(apps, fallback);
    const response = await ask((app) => app, app, { path });
    assertEquals(await response.text(), text);
  }
});
