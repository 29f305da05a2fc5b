// Copyright 2026 the wsgiref authors. MIT license.

/**
 * Runs the tests of all that calls applications once more, with validators
 * around the applications.
 */

import { assertEquals } from "@std/assert";
import { encodeLatin1 } from "../_latin1.ts";
import worker from "../examples/worker.ts";
import {
  BaseCgiHandler,
  fromFetchHandler,
  requestEnviron,
  SimpleHandler,
  TextErrorStream,
} from "../handlers.ts";
import { WsgiServer } from "../simple_server.ts";
import type { WsgiApplication, WsgiHeader } from "../types.ts";
import { WsgiInput } from "../util.ts";
import type { WsgiConformanceCode } from "../validate.ts";
import { options } from "./_under_validator.ts";
import {
  application,
  cases,
  DENO,
  handler,
  type Send,
  sendFor,
} from "./conformance.ts";

/** Tests that look at what is wrapped, or whose data are nonsense. */
const UNFIT = [
  "toFetchHandler() gives an application the variables of WSGI",
  "readEnviron() has all variables as native strings",
  "toFetchHandler(fromFetchHandler(handler)) is handler",
];

/** What tests do wrong on purpose, by their names. */
const MISTAKES: Partial<Record<WsgiConformanceCode, RegExp[]>> = {
  "block-type": [/^A block of .* in a /, /^A list is closed once, whether/],
  "body-forbidden": [
    /^A body from (?!a file).* is not sent with 204/,
    /^BaseHandler sends no body and no length with 1xx/,
    /^FetchHandler answers 500 if HEAD or 204 fails/,
    /^FetchHandler refuses a status that a Response/,
    /^A result of .* that is not to be sent is closed/,
    /^toFetchHandler\(\) sends to HEAD the head of GET$/,
  ],
  "content-length-exceeded": [
    /: no more goes out than Content-Length says$/,
    /^A body from (?!a file).* is (?:no longer than|none where none is) declared/,
    /^A stream is canceled if it is not read/,
    /^write\(\) beyond the length/,
  ],
  "content-length-forbidden": [
    /^A body from .* is not sent with 204/,
    /^An error after the response was started is answered 500$/,
    /^BaseHandler sends no body and no length with 1xx/,
  ],
  "content-length-unreached": [
    /: a body that is too short breaks off$/,
    /^A block of .* in a list /,
    /^A body from (?!a file).* \(P107/,
    /^A result of .* that is too short/,
    /^FetchHandler answers without a promise/,
    /^FetchHandler notices a disconnect .* (?:return a list|is caught)$/,
    /^WsgiServer logs every kind of request/,
  ],
  "exc-info-trapped": [
    /^startResponse\(\) is needed, and that the last/,
    /^startResponse\(\) throws the very value/,
  ],
  "header-hop-by-hop": [/^startResponse\(\) replaces .* a call that threw$/],
  "header-name": [
    /^startResponse\(\) called twice .* the first call threw/,
    /testRaisesControlCharacters/,
  ],
  "header-value": [
    /testRaisesControlCharacters/,
    /^WsgiServer sends the bytes of a response/,
  ],
  "result-bytes": [/^A result of \[object (?:Uint8Array|ArrayBuffer)\] /],
  "result-string": [/^A result of "spam" /],
  "result-type": [
    /^A result of (?:undefined|null|1|\[object (?:Object|Response|Function)\]) /,
    /^An error of a stream that is read elsewhere/,
  ],
  "server-protocol": [/testHeaderFormats/],
  "start-response-missing": [
    /^A result of .* that has not been started/,
    /^FetchHandler answers without a promise/,
    /^FetchHandler takes a request that was given up/,
    /^startResponse\(\) is needed (?:for|before)/,
  ],
  "start-response-repeated": [
    /^startResponse\(\) and write\(\) throw once/,
    /^startResponse\(\) called twice/,
  ],
  "status-control": [/testRaisesControlCharacters/],
  "status-form": [
    /^startResponse\(\) is needed, and /,
    /test_status_validation_errors/,
  ],
  "write-after-return": [
    /^A response has what was written within/,
    /^startResponse\(\) and write\(\) throw once/,
  ],
  "write-arguments": [/^A response has what was written, and waited for late$/],
  "write-type": [/^A block of .* given to write\(\)/],
};

const { test } = Deno;
const unmet = new Set(Object.values(MISTAKES).flat());

/** Whether the tests are those of examples, which others imitate. */
let isExample = false;

/** Whether one of the patterns matches a name. All that do are ticked off. */
function isMistake(name: string, patterns: RegExp[]): boolean {
  const matching = patterns.filter((pattern) => pattern.test(name));
  for (const pattern of matching) unmet.delete(pattern);
  return matching.length > 0;
}

/** Registers a test that fails if anything but what it is to do is wrong. */
function register(
  name: string,
  fn: Deno.TestDefinition["fn"],
  definition?: Deno.TestDefinition,
): void {
  if (UNFIT.includes(name)) return;
  const allowsWarnings = !isExample && !name.startsWith("examples/");
  const expected = Object.entries(MISTAKES)
    .filter(([, patterns]) => isMistake(name, patterns))
    .map(([code]) => code);
  test({
    ...definition,
    name,
    async fn(t) {
      const codes = new Set<string>();
      options.onViolation = options.onWarning = (error) => {
        const { code, side, severity } = error;
        // What applications of tests do may be questionable.
        if (
          severity === "error" || side !== "application" || !allowsWarnings
        ) codes.add(side === "middleware" ? `${side}: ${code}` : code);
      };
      await fn(t);
      assertEquals([...codes].sort(), expected);
    },
  });
}

Object.assign(Deno, {
  test(first: string | Deno.TestDefinition, fn: Deno.TestDefinition["fn"]) {
    if (typeof first === "string") register(first, fn);
    else register(first.name, first.fn, first);
  },
});
Deno.env.set("UNDER_VALIDATOR", "true");
await import("./bridge_test.ts");
await import("./cgi_test.ts");
await import("./conformance_test.ts");
await import("./base_handler_test.ts");
await import("./fetch_handler_test.ts");
await import("./handlers_test.ts");
await import("./request_environ_test.ts");
await import("./simple_server_test.ts");
isExample = true;
await import("./documentation_test.ts");
await import("./file_server_test.ts");
isExample = false;
Deno.env.delete("UNDER_VALIDATOR");
Object.assign(Deno, { test });

class SilentServer extends WsgiServer {
  override readonly log = new TextErrorStream(() => {});
}

/** Sends requests to a server for an application. */
async function withServer(
  app: WsgiApplication,
  use: (send: Send) => Promise<void>,
): Promise<void> {
  await using server = new SilentServer("127.0.0.1", 0, { quiet: true });
  server.setApp(app);
  server.serveForever();
  const origin = `http://127.0.0.1:${server.serverPort}`;
  await use((path, init) => fetch(origin + path, init));
}

/** Sends requests to handlers that write bytes, and parses these. */
function sendTo(Handler: typeof SimpleHandler): Send {
  return async (path, init) => {
    const request = new Request(`http://localhost${path}`, init);
    const environ = requestEnviron(request);
    const input = await request.bytes();
    if (input.length > 0) environ.CONTENT_LENGTH = String(input.length);
    let output = "";
    const write = (data: Uint8Array) => {
      for (const byte of data) output += String.fromCharCode(byte);
    };
    await new Handler(
      new WsgiInput(new Response(input)),
      { write },
      new TextErrorStream(() => {}),
      environ,
    ).run(application);
    const end = output.indexOf("\r\n\r\n");
    const [line = "", ...lines] = output.slice(0, end).split("\r\n");
    const [, status, statusText = ""] = /^\S+ (\d{3}) (.*)/.exec(line) ?? [];
    const body = encodeLatin1(output.slice(end + 4));
    return new Response(body.length > 0 ? body : null, {
      status: Number(status),
      statusText,
      headers: lines.map((line) => line.split(/: (.*)/, 2) as WsgiHeader),
    });
  };
}

/** Registers the cases of the table, but those that do not fit. */
function registerCases(
  subject: string,
  use: (exercise: (send: Send) => Promise<void>) => Promise<void>,
  unfit?: RegExp,
): void {
  for (const conformanceCase of cases) {
    const { name, only, gaps, exercise } = conformanceCase;
    if (only === "in process" || gaps?.[DENO] || unfit?.test(name)) continue;
    register(
      `${subject}: ${name}`,
      () => use((send) => exercise(sendFor(conformanceCase, send))),
    );
  }
}

registerCases("WsgiServer", (exercise) => withServer(application, exercise));
registerCases(
  "fromFetchHandler()",
  (exercise) => withServer(fromFetchHandler(handler), exercise),
);
for (const Handler of [SimpleHandler, BaseCgiHandler]) {
  registerCases(
    Handler.name,
    (exercise) => exercise(sendTo(Handler)),
    // It does not know of the client.
    / client that | breaks /,
  );
}

for (
  const [script, SCRIPT_NAME, PATH_INFO, body] of [
    ["cgi.ts", "", "/", "Hello, world!"],
    ["hono_cgi.ts", "/app", "/hello/spam", "Hello, spam!"],
  ] as const
) {
  register(`examples/${script} answers`, async () => {
    const flags = ["--allow-env", "--preload=tests/_under_validator.ts"];
    const command = new Deno.Command(Deno.execPath(), {
      args: ["run", "--quiet", ...flags, `examples/${script}`],
      cwd: new URL("..", import.meta.url),
      env: {
        REQUEST_METHOD: "GET",
        SCRIPT_NAME,
        PATH_INFO,
        SERVER_NAME: "localhost",
        SERVER_PORT: "80",
        SERVER_PROTOCOL: "HTTP/1.1",
      },
    });
    const { stdout, stderr } = await command.output();
    const decoder = new TextDecoder();
    const output = decoder.decode(stdout);
    assertEquals(output.split("\r\n\r\n")[1], body);
    assertEquals(decoder.decode(stderr), "");
  });
}

register("examples/worker.ts answers", async () => {
  const response = await worker.fetch(new Request("http://localhost/spam"));
  assertEquals(await response.text(), "You asked for /spam");
});

register("every mistake is that of a test", () => {
  assertEquals([...unmet], []);
});
