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

/**
 * The tests that are run again, and what they give a handler wrong on purpose.
 * What their applications do wrong is their own business.
 */
const FILES: Record<string, WsgiConformanceCode[]> = {
  "./bridge_test.ts": [],
  "./cgi_test.ts": [],
  "./conformance_test.ts": [],
  "./handlers_test.ts": ["server-protocol"],
  "./request_environ_test.ts": [],
  "./simple_server_test.ts": [],
};

/** The tests of examples, whose applications others imitate. */
const EXAMPLES = ["./documentation_test.ts", "./file_server_test.ts"];

const { test } = Deno;

/** What is to be seen of a test. */
interface Expectation {
  /** Whether its applications are judged too. */
  isExample?: boolean;
  /** What it may do wrong. */
  mistakes?: WsgiConformanceCode[];
  /** What was done wrong. */
  met?: Set<WsgiConformanceCode>;
}

/** Registers a test that fails if anything but what is expected is wrong. */
function register(
  definition: Deno.TestDefinition,
  { isExample = false, mistakes = [], met = new Set() }: Expectation = {},
): void {
  test({
    ...definition,
    async fn(t) {
      const found = new Set<string>();
      options.onViolation = options.onWarning = ({ code, side, message }) => {
        if (side === "application" && !isExample) return;
        if (mistakes.includes(code)) met.add(code);
        else found.add(`${code} (${side}): ${message}`);
      };
      await definition.fn(t);
      assertEquals([...found], []);
    },
  });
}

/** Registers the tests of a file. */
async function registerFile(
  path: string,
  expectation: Expectation,
): Promise<void> {
  Object.assign(Deno, {
    test(first: string | Deno.TestDefinition, fn: Deno.TestDefinition["fn"]) {
      register(
        typeof first === "string" ? { name: first, fn } : first,
        expectation,
      );
    },
  });
  try {
    await import(path);
  } finally {
    Object.assign(Deno, { test });
  }
}

Deno.env.set("UNDER_VALIDATOR", "true");
for (const [path, mistakes] of Object.entries(FILES)) {
  const met = new Set<WsgiConformanceCode>();
  await registerFile(path, { mistakes, met });
  test(`${path} does wrong what it means to`, () => {
    assertEquals([...met].sort(), mistakes);
  });
}
for (const path of EXAMPLES) await registerFile(path, { isExample: true });
Deno.env.delete("UNDER_VALIDATOR");

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
    register({
      name: `${subject}: ${name}`,
      fn: () => use((send) => exercise(sendFor(conformanceCase, send))),
    });
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
  register({
    name: `examples/${script} answers`,
    fn: async () => {
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
    },
  }, { isExample: true });
}

register({
  name: "examples/worker.ts answers",
  fn: async () => {
    const response = await worker.fetch(new Request("http://localhost/spam"));
    assertEquals(await response.text(), "You asked for /spam");
  },
}, { isExample: true });
