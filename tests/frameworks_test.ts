// Copyright 2026 the wsgiref authors. MIT license.

/** Frameworks as they come: the same through the bridge as without. */

import { assertEquals, assertMatch } from "@std/assert";
import { H3, readBody } from "h3";
import { Hono } from "hono";
import { basicAuth } from "hono/basic-auth";
import { compress } from "hono/compress";
import { setCookie } from "hono/cookie";
import { cors } from "hono/cors";
import { etag } from "hono/etag";
import { stream, streamSSE } from "hono/streaming";
import { AutoRouter } from "itty-router";
import { Application, Router } from "oak";
import { fromFetchHandler, toFetchHandler } from "../handlers.ts";
import { differences } from "./_bridge.ts";
import { ask } from "./_client.ts";

type Handler = (request: Request) => Response | Promise<Response>;

function hono(): Handler {
  const app = new Hono();
  app.use("/cors/*", cors());
  app.use("/etag/*", etag());
  app.use("/gzip/*", compress());
  app.use("/secret/*", basicAuth({ username: "a", password: "b" }));
  app.get("/", (c) => c.text("Hello"));
  app.get("/html", (c) => c.html("<p>Hello</p>"));
  app.get("/hello/:name", (c) => c.json({ name: c.req.param("name") }));
  app.get("/cookies", (c) => {
    setCookie(c, "a", "1");
    setCookie(c, "b", "2", { httpOnly: true });
    return c.body(null, 204);
  });
  app.get("/cors/", (c) => c.text("Hello"));
  app.get("/etag/", (c) => c.text("Hello"));
  app.get("/gzip/", (c) => c.text("Hello".repeat(1000)));
  app.get("/secret/", (c) => c.text("Hello"));
  app.get("/stream", (c) =>
    stream(c, async (stream) => {
      for (const text of ["a", "b", "c"]) {
        await stream.write(text);
        await stream.sleep(2);
      }
    }));
  app.get("/events", (c) =>
    streamSSE(c, async (stream) => {
      await stream.writeSSE({ data: "1" });
      await stream.sleep(2);
      await stream.writeSSE({ data: "2", event: "b" });
    }));
  app.get("/redirect", (c) => c.redirect("/"));
  app.get("/error", (c) => c.text("Broken", 500));
  app.post("/json", async (c) => c.json(await c.req.json()));
  app.post("/form", async (c) => c.json(await c.req.parseBody()));
  app.post("/bytes", async (c) => c.body(await c.req.arrayBuffer()));
  return (request) => app.fetch(request);
}

function h3(): Handler {
  const app = new H3();
  app.get("/", () => "Hello");
  app.get("/html", () => new Response("<p>Hello</p>"));
  app.get("/hello/:name", ({ context }) => ({ name: context.params?.name }));
  app.post("/json", (event) => readBody(event));
  return (request) => app.fetch(request);
}

function itty(): Handler {
  const router = AutoRouter();
  router.get("/", () => "Hello")
    .get("/hello/:name", ({ params }) => ({ name: params.name }))
    .post("/json", (request) => request.json());
  return (request) => router.fetch(request);
}

function oak(): Handler {
  const router = new Router();
  router.get("/", ({ response }) => void (response.body = "Hello"));
  router.get("/hello/:name", ({ params, response }) => {
    response.body = { name: params.name };
  });
  router.post("/json", async ({ request, response }) => {
    response.body = await request.body.json();
  });
  router.get("/redirect", ({ response }) => response.redirect("/"));
  const app = new Application();
  app.use(router.routes());
  // Its types are those of another library, and so are its responses.
  const handle = app.handle.bind(app) as unknown as Handler;
  return async (request) =>
    await handle(request) ?? new Response(null, { status: 404 });
}

const FRAMEWORKS: [name: string, create: () => Handler][] = [
  ["Hono", hono],
  ["h3", h3],
  ["itty-router", itty],
  ["oak", oak],
];

const BOUNDARY = "------------boundary";
const FORM =
  `--${BOUNDARY}\r\nContent-Disposition: form-data; name="a"\r\n\r\nb\r\n--${BOUNDARY}--\r\n`;

/** The head and the body of each request, without the host. */
const REQUESTS: [line: string, ...rest: string[]][] = [
  ["GET /"],
  ["HEAD /"],
  ["GET /html"],
  ["GET /hello/W%C3%B6rld"],
  ["GET /missing"],
  ["GET /cookies"],
  ["GET /cors/", "Origin: http://example.com"],
  [
    "OPTIONS /cors/",
    "Origin: http://example.com",
    "Access-Control-Request-Method: PUT",
    "Access-Control-Request-Headers: X-A",
  ],
  ["GET /etag/"],
  ["GET /etag/", 'If-None-Match: "f7ff9e8b7bb2e09b70935a5d785e0cc5d9d0abf0"'],
  ["GET /gzip/", "Accept-Encoding: gzip"],
  ["GET /secret/"],
  ["GET /secret/", "Authorization: Basic YTpi"],
  ["GET /stream"],
  ["GET /events"],
  ["HEAD /events"],
  ["GET /redirect"],
  ["GET /error"],
  ["POST /json", "Content-Type: application/json", "", '{"a":"b"}'],
  [
    "POST /form",
    "Content-Type: application/x-www-form-urlencoded",
    "",
    "a=b&c=%C3%A9",
  ],
  [
    "POST /form",
    `Content-Type: multipart/form-data; boundary=${BOUNDARY}`,
    "",
    FORM,
  ],
  ["POST /bytes", "", "\x00\xff"],
  ["DELETE /"],
];

for (const [name, create] of FRAMEWORKS) {
  Deno.test(`${name} answers through the bridge as without`, async (t) => {
    const bare = create();
    await using server = Deno.serve(
      { hostname: "127.0.0.1", port: 0, onListen() {} },
      async (request) => {
        const response = await bare(request);
        return response instanceof Response
          ? response
          // Which Deno does not take for one.
          : new Response((response as Response).body, response);
      },
    );
    await using bridged = Deno.serve(
      { hostname: "127.0.0.1", port: 0, onListen() {} },
      toFetchHandler(fromFetchHandler(bare)),
    );
    for (const [line, ...rest] of REQUESTS) {
      const request = `${[line, ...rest]}`;
      await t.step(request, async () => {
        const body = rest.includes("") ? rest.at(-1) ?? "" : "";
        const lines = rest.slice(0, rest.indexOf("") >>> 0);
        if (body !== "") lines.push(`Content-Length: ${body.length}`);
        const text = [`${line} HTTP/1.1`, "Host: localhost", ...lines, "", body]
          .join("\r\n");
        const expected = await ask(server.addr.port, text);
        const response = await ask(bridged.addr.port, text);
        const whole = await ask(server.addr.port, text.replace("HEAD", "GET"));
        const found = differences(expected, response, whole.body.length)
          // The bridge knows the length of what is whole, and none of HEAD.
          .filter((difference) =>
            !/^(?:a|no) length is told$/.test(difference)
          );
        assertEquals(found, []);
      });
    }
    // Not all of them would find nothing.
    const { status, body } = await ask(
      bridged.addr.port,
      "GET /hello/x HTTP/1.1\r\nHost: localhost\r\n\r\n",
    );
    assertEquals(status, 200);
    assertMatch(body, /^\{\s*"name":\s*"x"\s*\}$/);
  });
}
