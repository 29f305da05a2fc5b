// Copyright 2026 the wsgiref authors. MIT license.

/** The ways to run the conformance table on Deno. */

import { encodeLatin1 } from "../_latin1.ts";
import { requestEnviron, TextErrorStream } from "../handlers.ts";
import { makeServer, type MakeServerOptions } from "../simple_server.ts";
import {
  application,
  DENO,
  handler,
  type Platform,
  type Send,
} from "./conformance.ts";
import { within } from "./_limit.ts";

/** Something that answers requests until it is disposed of. */
export interface Answering extends AsyncDisposable {
  send: Send;
}

/** A way to serve the applications of the conformance table. */
export interface Way {
  name: string;
  platform: Platform;
  start(): Answering | Promise<Answering>;
}

const CERT = await Deno.readTextFile(new URL("tls/cert.pem", import.meta.url));
const KEY = await Deno.readTextFile(new URL("tls/key.pem", import.meta.url));

const errors = new TextErrorStream(() => {});

function serveTls(options: { http1: boolean; http2: boolean }): Answering {
  const client = Deno.createHttpClient({ caCerts: [CERT], ...options });
  return serveBy({ cert: CERT, key: KEY }, "https://localhost", client);
}

/** Serves by `makeServer()`. */
function serveBy(
  options: MakeServerOptions,
  origin: string,
  client?: Deno.HttpClient,
): Answering {
  const server = makeServer("", 0, application, {
    errors,
    quiet: true,
    ...options,
  });
  server.serveForever();
  const url = options.path === undefined
    ? `${origin}:${server.serverPort}`
    : origin;
  return {
    send: (path, init) =>
      fetch(url + path, { ...init, ...client && { client } }),
    async [Symbol.asyncDispose]() {
      client?.close();
      await within("The server ends", server.serverClose());
    },
  };
}

async function serveUnix(): Promise<Answering> {
  const folder = await Deno.makeTempDir();
  const path = `${folder}/socket`;
  const client = Deno.createHttpClient({ proxy: { transport: "unix", path } });
  const answering = serveBy({ path }, "http://localhost", client);
  return {
    send: answering.send,
    async [Symbol.asyncDispose]() {
      await answering[Symbol.asyncDispose]();
      await Deno.remove(folder, { recursive: true });
    },
  };
}

const EVERY_WAY: Way[] = [
  {
    name: "toFetchHandler() under Deno.serve()",
    platform: DENO,
    start() {
      const server = Deno.serve({ port: 0, onListen() {} }, handler);
      return {
        send: (path, init) =>
          fetch(`http://localhost:${server.addr.port}${path}`, init),
        [Symbol.asyncDispose]: () => server[Symbol.asyncDispose](),
      };
    },
  },
  {
    name: "makeServer()",
    platform: DENO,
    start: () => serveBy({}, "http://localhost"),
  },
  {
    name: "makeServer() over TLS and HTTP/1.1",
    platform: DENO,
    start: () => serveTls({ http1: true, http2: false }),
  },
  {
    name: "makeServer() over TLS and HTTP/2",
    platform: "HTTP/2",
    start: () => serveTls({ http1: false, http2: true }),
  },
  {
    name: "makeServer() over a Unix socket",
    platform: DENO,
    start: serveUnix,
  },
  { name: "CgiHandler in a process", platform: "CGI", start: startCgi },
];

/** The ways, but those that make the server of an older Deno panic. */
export const WAYS: Way[] = EVERY_WAY.filter(({ name }) =>
  DENO === "Deno" || !name.startsWith("makeServer()")
);

/** Starts no process before there is a request. */
function startCgi(): Answering {
  const history = new Map<string, string[]>();
  const processes = new Set<Promise<unknown>>();
  return {
    send(path, init) {
      const request = new Request(`http://localhost${path}`, init);
      if (path.startsWith("/history?")) {
        const events = history.get(path.slice("/history?".length)) ?? [];
        // A client that asks again and again must not keep others from acting.
        return new Promise((resolve) =>
          setTimeout(() => resolve(new Response(events.join(", "))), 5)
        );
      }
      return runScript(request, history, processes);
    },
    async [Symbol.asyncDispose]() {
      await within("The scripts end", Promise.all(processes));
    },
  };
}

/** What judges the applications, if this is loaded by the test that does so. */
const validation = Deno.env.has("UNDER_VALIDATOR")
  ? (await import("./_under_validator.ts")).options
  : null;

/** Runs the script as a web server does. */
async function runScript(
  request: Request,
  history: Map<string, string[]>,
  processes: Set<Promise<unknown>>,
): Promise<Response> {
  const input = await request.bytes();
  const process = new Deno.Command(Deno.execPath(), {
    args: [
      ...["run", "--quiet", "--no-check", "--allow-env"],
      "tests/_conformance_cgi.ts",
    ],
    cwd: new URL("..", import.meta.url),
    env: scriptEnv(request, input.length),
    stdin: "piped",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  const logged = readLog(process.stderr, history);
  processes.add(Promise.all([process.status, logged]));
  const writer = process.stdin.getWriter();
  // A script need not read it.
  writer.write(input).then(() => writer.close()).catch(() => {});
  const terminate = () => process.kill("SIGTERM");
  request.signal.addEventListener("abort", terminate);
  process.status.then(() =>
    request.signal.removeEventListener("abort", terminate)
  );
  return await readResponse(request, process, terminate);
}

/** The variables of a request, as far as a process can have them. */
function scriptEnv(request: Request, length: number): Record<string, string> {
  const environ = requestEnviron(request);
  const env: Record<string, string> = { REMOTE_ADDR: "127.0.0.1" };
  if (validation !== null) env.UNDER_VALIDATOR = "true";
  for (const [name, value] of Object.entries(environ)) {
    if (typeof value !== "string") continue;
    const text = toText(value);
    if (text !== null) env[name] = text;
  }
  // What a web server passes as it is.
  for (const [name, value] of request.headers) {
    if (name === "proxy") env.HTTP_PROXY = value;
  }
  if (length > 0) env.CONTENT_LENGTH = String(length);
  return env;
}

/** The text of a native string; `null` if no variable can have it. */
function toText(native: string): string | null {
  try {
    const text = new TextDecoder("utf-8", { fatal: true }).decode(
      encodeLatin1(native),
    );
    return text.includes("\0") ? null : text;
  } catch {
    return null;
  }
}

/** Reads what the application says of requests, and the validator of it. */
async function readLog(
  stderr: ReadableStream<Uint8Array<ArrayBuffer>>,
  history: Map<string, string[]>,
): Promise<void> {
  let rest = "";
  for await (const text of stderr.pipeThrough(new TextDecoderStream())) {
    const lines = (rest + text).split("\n");
    rest = lines.pop() ?? "";
    for (const line of lines) {
      const [, id = "", event] = /^history (\S*) (.*)/.exec(line) ?? [];
      if (event) history.set(id, [...history.get(id) ?? [], event]);
      const [, violation] = /^violation (.*)/.exec(line) ?? [];
      if (violation) validation?.onViolation?.(JSON.parse(violation));
    }
  }
}

/** Makes a response of what a script prints. */
async function readResponse(
  request: Request,
  process: Deno.ChildProcess,
  terminate: () => void,
): Promise<Response> {
  const reader = process.stdout.getReader();
  let head = "";
  let end;
  while ((end = head.indexOf("\r\n\r\n")) === -1) {
    const { value, done } = await reader.read();
    if (done) {
      const reason = request.signal.aborted ? request.signal.reason : undefined;
      throw reason ?? new TypeError(`The script has answered ${head}`);
    }
    for (const byte of value) head += String.fromCharCode(byte);
  }
  const rest = head.slice(end + 4);
  const headers = new Headers();
  let status = "200 OK";
  for (const line of head.slice(0, end).split("\r\n")) {
    const [name = "", value = ""] = line.split(/: (.*)/, 2);
    if (name === "Status") status = value;
    else headers.append(name, value);
  }
  const code = Number(status.slice(0, 3));
  const body = new ReadableStream<Uint8Array>({
    start(controller) {
      if (rest !== "") controller.enqueue(encodeLatin1(rest));
    },
    async pull(controller) {
      const { value, done } = await reader.read();
      if (!done) return controller.enqueue(value);
      // By the code, a server can tell a response that was cut off.
      const { success } = await process.status;
      if (success) controller.close();
      else controller.error(new TypeError("The script has failed"));
    },
    async cancel() {
      await reader.cancel();
      terminate();
    },
  });
  const hasBody = request.method !== "HEAD" && code !== 204 && code !== 304;
  if (!hasBody) await reader.cancel();
  return new Response(hasBody ? body : null, {
    status: code,
    statusText: status.slice(4),
    headers,
  });
}
