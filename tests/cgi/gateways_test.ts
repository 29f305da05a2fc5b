// Copyright 2026 the wsgiref authors. MIT license.

/** The same application under every server: what their clients see. */

import { assertEquals, assertMatch, assertRejects } from "@std/assert";
import { type Gateway, GATEWAYS } from "./_gateways.ts";

/** A `PATH_INFO`, or the status of a refusal. */
type Path = string | number | undefined;

/**
 * What the servers pass as `PATH_INFO` for the end of a URL, as bytes, and
 * those that pass something else. Most resolve dots and merge slashes before
 * they look for the script.
 */
const PATHS: [
  path: string,
  passed: Path,
  others?: Partial<Record<Gateway["family"], Path>>,
][] = [
  ["", undefined, { nginx: "", deno: "" }],
  ["/", "/"],
  ["/a%2Fb", "/a/b"],
  ["/%2F", "/", { deno: "//", "apache-fastcgi": "//" }],
  ["//a//b/", "/a/b/", { deno: "//a//b/", "apache-fastcgi": "//a//b/" }],
  ["/a/./b/../c", "/a/c", {
    deno: "/a/./b/../c",
    "apache-fastcgi": "/a/./b/../c",
  }],
  ["/%C3%A9", "/\xc3\xa9"],
  ["/\xc3\xa9", "/\xc3\xa9"],
  ["/%FF", "/\xff", { lighttpd: 400 }],
  ["/a%00b", 400, {
    apache: 404,
    "apache-fastcgi": 404,
    "apache-fcgid": 404,
    deno: "/a\0b",
  }],
  ["/a%5Cb", "/a\\b"],
  ["/a%25%3Fb", "/a%?b"],
  ["/a;b=c+d%20e", "/a;b=c+d e"],
];

/** 10 MiB without a pattern. */
const BYTES = new Uint8Array(10_485_760).map((_, index) => index * index >> 3);

/** Requests exactly `url`, which `fetch()` would resolve. */
async function getVariables(
  url: string,
  headers = "",
): Promise<Record<string, string> | number> {
  const { hostname, port, origin } = new URL(url);
  const request = `GET ${url.slice(origin.length)} HTTP/1.0\r\n` +
    `Host: ${hostname}\r\n${headers}\r\n`;
  using connection = await Deno.connect({ hostname, port: Number(port) });
  await connection.write(Uint8Array.from(request, (c) => c.charCodeAt(0)));
  const response = await new Response(connection.readable).text();
  const status = Number(response.slice(9, 12));
  return status === 200
    ? JSON.parse(response.slice(response.indexOf("\r\n\r\n")))
    : status;
}

function fetchPage(url: string, init: RequestInit = {}): Promise<Response> {
  const signal = AbortSignal.timeout(20_000);
  return fetch(url, { redirect: "manual", signal, ...init });
}

/** By a FIFO, the test and the application wait for each other. */
async function makeFifo() {
  const folder = await Deno.makeTempDir();
  const path = `${folder}/fifo`;
  await new Deno.Command("mkfifo", { args: [path] }).output();
  // Who opens it for both directions need not wait for somebody else.
  const file = await Deno.open(path, { read: true, write: true });
  return {
    path,
    file,
    async [Symbol.asyncDispose]() {
      file.close();
      await Deno.remove(folder, { recursive: true });
    },
  };
}

async function waitForLog(gateway: Gateway, text: string): Promise<void> {
  const signal = AbortSignal.timeout(10_000);
  while (!gateway.log().includes(text)) {
    signal.throwIfAborted();
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

async function sha256(bytes: Uint8Array<ArrayBuffer>): Promise<string> {
  const digest = await crypto.subtle.digest("SHA-256", bytes);
  return new Uint8Array(digest).toHex();
}

const CHECKS: Record<string, (gateway: Gateway) => Promise<void>> = {
  async "passes a query and headers, but no Proxy"({ url }) {
    const variables = await getVariables(
      `${url}/a?b=%C3%A9&c=//`,
      "X-Test: \xc3\xa9\r\nX-Latin-1: \xe9\r\nProxy: http://127.0.0.1:9/\r\n",
    ) as Record<string, string>;
    assertEquals(variables.REQUEST_METHOD, "GET");
    assertEquals(variables.QUERY_STRING, "b=%C3%A9&c=//");
    assertEquals(variables.HTTP_X_TEST, "\xc3\xa9");
    assertEquals(variables.HTTP_PROXY, undefined);
  },
  async "passes the path"({ url, family }) {
    // Only a script has a URL without a path.
    const hasScript = new URL(url).pathname !== "/";
    for (
      const [path, passed, others = {}] of hasScript ? PATHS : PATHS.slice(1)
    ) {
      const variables = await getVariables(`${url}${path}?`);
      assertEquals(
        typeof variables === "number" ? variables : variables.PATH_INFO,
        family in others ? others[family] : passed,
        path,
      );
    }
  },
  async "echoes a body"({ url }) {
    for (const size of [0, 1, 65_536, BYTES.length]) {
      const bytes = BYTES.slice(0, size);
      // The length of a stream is not known: it is sent in chunks.
      for (const body of [bytes, new Blob([bytes]).stream()]) {
        const init = { method: "POST", body };
        const response = await fetchPage(`${url}/echo`, init);
        assertEquals(await sha256(await response.bytes()), await sha256(bytes));
      }
    }
  },
  async "sends a file"({ url, family }) {
    const path = await Deno.makeTempFile();
    await Deno.writeFile(path, BYTES);
    const response = await fetchPage(`${url}/file?${path}`);
    assertEquals(await sha256(await response.bytes()), await sha256(BYTES));
    assertEquals(
      response.headers.get("Content-Length"),
      /^apache(?:-fastcgi)?$/.test(family) ? null : String(BYTES.length),
    );
    await Deno.remove(path);
  },
  async "answers HEAD without a body"({ url, family }) {
    const response = await fetchPage(`${url}/cookies`, { method: "HEAD" });
    assertEquals(response.status, 200);
    assertEquals(
      response.headers.get("Content-Length"),
      // Apache does not trust scripts to know it.
      /^apache(?:-fastcgi)?$/.test(family) ? null : "7",
    );
    assertEquals(await response.text(), "");
  },
  async "redirects"({ url }) {
    for (
      const [page, status, location] of [
        ["redirect", 302, "/elsewhere?a=b"],
        ["moved", 301, "https://example.com/%C3%A9"],
      ]
    ) {
      const response = await fetchPage(`${url}/${page}`);
      assertEquals(response.status, status);
      assertEquals(response.headers.get("Location"), location);
      assertEquals(await response.text(), "");
    }
  },
  async "answers 304"({ url }) {
    const response = await fetchPage(`${url}/not-modified`);
    assertEquals(response.status, 304);
    assertEquals(response.headers.get("ETag"), '"1"');
    assertEquals(await response.text(), "");
  },
  async "sets several cookies"({ url }) {
    const response = await fetchPage(`${url}/cookies`);
    assertEquals(response.headers.getSetCookie(), [
      "a=1; Path=/",
      "b=2; Expires=Thu, 01 Jan 2099 00:00:00 GMT",
      "c=3",
    ]);
    assertEquals(await response.text(), "cookies");
  },
  async "sends each block before the next is made"({ url }) {
    await using fifo = await makeFifo();
    const response = await fetchPage(`${url}/blocks?${fifo.path}`);
    const decoder = new TextDecoder();
    let text = "";
    for await (const chunk of response.body ?? []) {
      text += decoder.decode(chunk);
      // The application waits for this byte.
      if (text.endsWith("\n")) await fifo.file.write(new Uint8Array(1));
    }
    assertEquals(
      text,
      Array.from({ length: 100 }, (_, index) => `block ${index}\n`).join(""),
    );
  },
  async "answers 500 if the application throws"(gateway) {
    const response = await fetchPage(`${gateway.url}/throw`);
    assertEquals(response.status, 500);
    assertEquals(
      await response.text(),
      "A server error occurred.  Please contact the administrator.",
    );
    await waitForLog(gateway, "thrown before the first block");
  },
  async "breaks off if the application throws later"(gateway) {
    const response = await fetchPage(`${gateway.url}/throw-late`);
    assertEquals(response.status, 200);
    // Web servers cannot tell a script that fails from one that has ended.
    const reading = response.text();
    if (gateway.isCut === true) await assertRejects(() => reading);
    else if (gateway.isCut === "sometimes") await reading.catch(() => {});
    else assertMatch(await reading, /^first block\n/);
    await waitForLog(gateway, "thrown after the first block");
  },
  // Apache and lighttpd tell the script by a SIGTERM, nginx by a closed pipe.
  async "closes the result if the client disconnects"({ url }) {
    await using fifo = await makeFifo();
    const response = await fetchPage(`${url}/endless?${fifo.path}`);
    await response.body?.cancel();
    const timer = setTimeout(
      () => Deno.writeTextFile(fifo.path, "still open"),
      10_000,
    );
    const buffer = new Uint8Array(10);
    const size = await fifo.file.read(buffer) ?? 0;
    clearTimeout(timer);
    assertEquals(new TextDecoder().decode(buffer.subarray(0, size)), "closed");
  },
};

for (const { name, skipped, start } of GATEWAYS) {
  Deno.test({
    name: `application() runs under ${name}${skipped}`,
    ignore: skipped !== "",
    async fn(t) {
      await using gateway = await start();
      for (const [name, check] of Object.entries(CHECKS)) {
        await t.step(name, () => check(gateway));
      }
    },
  });
}
