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
import { takeMistakes } from "./_mistakes.ts";
import { options } from "./_under_validator.ts";
import {
  application,
  cases,
  type ConformanceCase,
  DENO,
  handler,
  type Send,
  sendFor,
} from "./conformance.ts";

const { test } = Deno;

/** Whether the tests are those of examples, which others imitate. */
let isExample = false;

/** Registers a test that fails if anything but what it is to do is wrong. */
function register(
  name: string,
  fn: Deno.TestDefinition["fn"],
  definition?: Deno.TestDefinition,
): void {
  const allowsWarnings = !isExample;
  test({
    ...definition,
    name,
    async fn(t) {
      takeMistakes();
      const codes = new Set<string>();
      options.onViolation = options.onWarning = (error) => {
        const { code, side, severity } = error;
        // What applications of tests do may be questionable.
        if (
          severity === "error" || side !== "application" || !allowsWarnings
        ) codes.add(side === "middleware" ? `${side}: ${code}` : code);
      };
      await fn(t);
      assertEquals([...codes].sort(), takeMistakes());
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
await import("./response_result_test.ts");
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

/** Registers cases of the table. */
function registerCases(
  subject: string,
  selected: ConformanceCase[],
  use: (exercise: (send: Send) => Promise<void>) => Promise<void>,
): void {
  for (const conformanceCase of selected) {
    const { name, only, gaps, exercise } = conformanceCase;
    if (only === "in process" || gaps?.[DENO]) continue;
    register(
      `${subject}: ${name}`,
      () => use((send) => exercise(sendFor(conformanceCase, send))),
    );
  }
}

registerCases(
  "WsgiServer",
  cases,
  (exercise) => withServer(application, exercise),
);
registerCases(
  "fromFetchHandler()",
  cases,
  (exercise) => withServer(fromFetchHandler(handler), exercise),
);
for (const Handler of [SimpleHandler, BaseCgiHandler]) {
  registerCases(
    Handler.name,
    cases.filter(({ isAboutConnection }) => !isAboutConnection),
    (exercise) => exercise(sendTo(Handler)),
  );
}

isExample = true;

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
