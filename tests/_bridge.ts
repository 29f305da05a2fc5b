// Copyright 2026 the wsgiref authors. MIT license.

/** Compares what goes through the bridge with what goes without. */

import { assertEquals } from "@std/assert";
import { BaseCgiHandler, TextErrorStream } from "../handlers.ts";
import { setupTestingDefaults, WsgiInput } from "../util.ts";
import { app, requests, responses, ways } from "./_bridge_cases.ts";
import type { Platform } from "./conformance.ts";
import { ask, parseHead, type RawResponse } from "./_client.ts";

/** The servers that are asked. */
export type BridgePlatform = Extract<
  Platform,
  "Deno" | "Bun" | "srvx" | "@hono/node-server"
>;

/** How what comes through the bridge differs, and which rows do. */
type Exceptions = Record<string, RegExp[]>;

// HEAD has no body whose length could be counted.
const BODILESS_HEAD = /^(?:empty text|no bytes|null|null with a type), HEAD$/;

/** Of responses, whose rows are named "text, GET" and so on. */
const RESPONSES: Record<BridgePlatform, Exceptions> = {
  "Deno": {
    "a length is told": [
      /^(?:a stream that is done at once|a transformed body),/,
      /^an empty stream, (?:GET|HTTP)/,
      // Deno takes these for streams.
      /^a .*Blob/,
      /^what fetch gives of a data URL,/,
    ],
    "no length is told": [BODILESS_HEAD, /^a redirect, HEAD$/],
  },
  "Bun": {
    "a length is told": [
      /^(?:a stream that is done at once|a transformed body), HEAD$/,
    ],
    "no length is told": [
      BODILESS_HEAD,
      /^(?:a redirect|an empty stream), HEAD$/,
    ],
    // It tells the type of what is no stream when it sends it, and HEAD none.
    "content-type": [
      /^(?:text|much text|bytes|many bytes|404|503 with a reason), HEAD$/,
      /^(?:a .*Blob.*|URLSearchParams|a form|what fetch gives of.*), HEAD$/,
      /^(?:a text with its length|a clone|a cloned response), HEAD$/,
      /^cookies and repeated headers, HEAD$/,
      /^(?:bytes|many bytes|a large Blob), (?:GET|HTTP)/,
      /^a stream (?:with its length|that is done at once),/,
      /^(?:a response that is wrapped again|a transformed body),/,
    ],
    "status": [/^a stream that fails at once, (?:GET|HTTP)/],
  },
  "srvx": {
    // All of them are streams to it.
    "a length is told": [
      /^(?:text|much text|bytes|many bytes|JSON|404|503 with a reason),/,
      /^(?:a .*Blob.*|URLSearchParams|a form|what fetch gives of.*),/,
      /^(?:a clone|a cloned response|a response that is wrapped again),/,
      /^(?:a stream that is done at once|cookies and repeated headers),/,
      /^(?:empty text|no bytes|null|null with a type), (?:GET|HTTP)/,
      /^(?:an empty stream|a redirect), (?:GET|HTTP)/,
    ],
    "status": [/^a stream that fails at once, (?:GET|HTTP)/],
  },
  "@hono/node-server": {
    "a length is told": [
      /^(?:a form|a stream that is done at once),/,
      /^(?:null|null with a type|an empty stream|a redirect), (?:GET|HTTP)/,
    ],
    "no length is told": [/^(?:empty text|no bytes), HEAD$/],
    // It adds types to what has none, writes others, and encodes Latin-1 twice.
    "content-type": [
      /^(?:a text with its length|the clone of a live stream),/,
      /^cookies and repeated headers,/,
    ],
    "x-latin": [/^cookies and repeated headers, (?:GET|HTTP)/],
  },
};

/** Of the responses of a CGI script, beside those on Deno. */
const CGI: Exceptions = {
  ...RESPONSES.Deno,
  // Deno leaves it out.
  "content-length": [/^304 with a length,/],
};

/** Of requests that the bridge has made anew. */
const REQUESTS: Record<BridgePlatform, Exceptions> = {
  "Deno": {
    "headers": [/^an underscore|^Proxy$|^a body in chunks$/],
    "hasBody": [/^an empty body$/],
    // The quotes and brackets of a query.
    "url": [/^a query of all kinds$/],
  },
  "Bun": {
    "headers": [/^an underscore|^Proxy$|^a body in chunks$/],
  },
  "srvx": {
    "headers": [/^an underscore|^Proxy$|^a body in chunks$/],
    "hasBody": [/^an empty body$/],
  },
  "@hono/node-server": {
    "headers": [/^an underscore|^Proxy$|^a body in chunks$/],
    "hasBody": [/^an empty body$/],
  },
};

/** Headers of the connection, and the time. */
const UNCOMPARED = [
  "connection",
  "content-length",
  "date",
  "keep-alive",
  "transfer-encoding",
];

/** Makes the boundary of a form, which is random, the same everywhere. */
function hideBoundary(response: RawResponse): RawResponse {
  const type = response.headers["content-type"] ?? "";
  const boundary = /boundary="?([^";]+)/.exec(type)?.[1];
  if (boundary === undefined) return response;
  return {
    ...response,
    headers: {
      ...response.headers,
      "content-type": type.replace(boundary, "boundary"),
    },
    body: response.body.replaceAll(boundary, "-".repeat(boundary.length)),
  };
}

/**
 * Names how one response differs from another.
 *
 * @param size The number of bytes of the body, or of that which GET has.
 */
export function differences(
  bare: RawResponse,
  bridged: RawResponse,
  size: number,
): string[] {
  const [one, other] = [hideBoundary(bare), hideBoundary(bridged)];
  const found = new Set<string>();
  if (one.status !== other.status) found.add("status");
  if (one.body !== other.body) found.add("body");
  if (one.isWhole !== other.isWhole) found.add("end");
  for (const name of Object.keys({ ...one.headers, ...other.headers })) {
    if (UNCOMPARED.includes(name)) continue;
    if (one.headers[name] !== other.headers[name]) found.add(name);
  }
  const length = one.headers["content-length"];
  const otherLength = other.headers["content-length"];
  if (length === undefined && otherLength === `${size}`) {
    found.add("a length is told");
  } else if (length === "0" && otherLength === undefined) {
    found.add("no length is told");
  } else if (length !== otherLength) {
    found.add("content-length");
  }
  return [...found];
}

/** The differences that a row is to have. */
function expected(exceptions: Exceptions, row: string): string[] {
  return Object.entries(exceptions)
    .filter(([, patterns]) => patterns.some((pattern) => pattern.test(row)))
    .map(([difference]) => difference)
    .sort();
}

const BRIDGES = Object.keys(ways).filter((way) => way !== "bare");

const KINDS: [name: string, method: string, version: string][] = [
  ["GET", "GET", "HTTP/1.1"],
  ["HEAD", "HEAD", "HTTP/1.1"],
  ["HTTP/1.0", "GET", "HTTP/1.0"],
];

/** Compares the responses of every way with those of the bare handler. */
export async function compareResponses(
  t: Deno.TestContext,
  platform: BridgePlatform,
  port: number,
): Promise<void> {
  for (const name of Object.keys(responses)) {
    await t.step(`as response: ${name}`, async () => {
      let size = 0;
      for (const [kind, method, version] of KINDS) {
        const send = (way: string) =>
          ask(
            port,
            `${method} /?${encodeURIComponent(name)} ${version}\r\n` +
              headLines(port, way),
          );
        const bare = await send("bare");
        if (method === "GET") size = bare.body.length;
        const row = `${name}, ${kind}`;
        for (const way of BRIDGES) {
          assertEquals(
            differences(bare, await send(way), size).sort(),
            expected(RESPONSES[platform], row),
            `${row}, ${way}`,
          );
        }
      }
    });
  }
}

/** What a CGI script sends, whose application the bridge has made. */
async function runCgi(
  name: string,
  method: string,
  port: number,
): Promise<RawResponse> {
  let output = "";
  const handler = new BaseCgiHandler(
    new WsgiInput(null),
    { write: (data) => void (output += String.fromCharCode(...data)) },
    new TextErrorStream(() => {}),
    setupTestingDefaults({
      REQUEST_METHOD: method,
      QUERY_STRING: encodeURIComponent(name),
      HTTP_HOST: `localhost:${port}`,
    }),
  );
  await handler.run(app);
  const end = output.indexOf("\r\n\r\n") + 4;
  const head = output.slice(0, end).replace("Status:", "HTTP/1.1");
  return { ...parseHead(head), body: output.slice(end) };
}

/** Compares what a CGI script sends with what the bare handler does. */
export async function compareCgi(
  t: Deno.TestContext,
  port: number,
): Promise<void> {
  for (const name of Object.keys(responses)) {
    await t.step(`as response of a CGI script: ${name}`, async () => {
      let size = 0;
      for (const method of ["GET", "HEAD"]) {
        const bare = await ask(
          port,
          `${method} /?${encodeURIComponent(name)} HTTP/1.1\r\n` +
            headLines(port, "bare"),
        );
        if (method === "GET") size = bare.body.length;
        const response = await runCgi(name, method, port);
        assertEquals(
          // Only the web server can tell whether the body came to its end.
          differences({ ...bare, isWhole: false }, response, size).sort(),
          expected(CGI, `${name}, ${method}`),
          method,
        );
      }
    });
  }
}

/** Compares what the handler sees of requests, by every way. */
export async function compareRequests(
  t: Deno.TestContext,
  platform: BridgePlatform,
  port: number,
): Promise<void> {
  for (const [name, request] of Object.entries(requests)) {
    await t.step(`as request: ${name}`, async () => {
      const [line = ""] = request.split("\r\n", 1);
      const rest = request.slice(line.length + 2);
      const send = async (way: string) => {
        const { body } = await ask(
          port,
          `${line}\r\nX-Echo: 1\r\n${headLines(port, way, rest)}`,
        );
        const echo: Record<string, unknown> = JSON.parse(body);
        return { ...echo, headers: JSON.stringify(echo.headers) };
      };
      const bare: Record<string, unknown> = await send("bare");
      for (const way of BRIDGES) {
        const echo: Record<string, unknown> = await send(way);
        const found = Object.keys(bare).filter((key) =>
          `${bare[key]}`.replace('"bare"', `"${way}"`) !== `${echo[key]}`
        );
        assertEquals(
          found,
          way === "bridged" ? [] : expected(REQUESTS[platform], name),
          way,
        );
      }
    });
  }
}

/** The lines of the head that every request has, before those of its own. */
function headLines(port: number, way: string, rest = ""): string {
  const lines =
    `Host: localhost:${port}\r\nX-Way: ${way}\r\nConnection: close\r\n${rest}`;
  return lines.includes("\r\n\r\n") ? lines : `${lines}\r\n`;
}
