// Copyright 2026 the wsgiref authors. MIT license.

import {
  assert,
  assertEquals,
  assertMatch,
  assertStringIncludes,
} from "@std/assert";
import { TextLineStream } from "@std/streams/text-line-stream";
import denoConfig from "../deno.json" with { type: "json" };
import { Client, exchange, hasIpv6, requestsOf } from "./_client.ts";
import { within } from "./_limit.ts";

const PROGRAM = new URL("../simple_server.ts", import.meta.url);
const GET = "GET / HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n";
const NET = ["--allow-net"];
const NET_AND_READ = ["--allow-net", "--allow-read"];

function makeCommand(
  permissions: string[],
  args: string[],
  options: Deno.CommandOptions = {},
): Deno.Command {
  return new Deno.Command(Deno.execPath(), {
    ...options,
    args: [
      "run",
      "--quiet",
      "--no-prompt",
      ...permissions,
      PROGRAM.pathname,
      ...args,
    ],
    stdin: "null",
    stdout: "piped",
    stderr: "piped",
  });
}

/** Runs the program to its end. */
async function run(
  permissions: string[],
  args: string[],
): Promise<{ code: number; stdout: string; stderr: string }> {
  const { code, stdout, stderr } = await makeCommand(permissions, args)
    .output();
  const decoder = new TextDecoder();
  return {
    code,
    stdout: decoder.decode(stdout),
    stderr: decoder.decode(stderr),
  };
}

/** A server in a process of its own. */
class Program {
  /** What it has said that it listens at. */
  readonly url: string;
  readonly #process: Deno.ChildProcess;
  readonly #stdout: ReadableStreamDefaultReader<string>;
  #isStderrClosed = false;

  constructor(
    process: Deno.ChildProcess,
    stdout: ReadableStreamDefaultReader<string>,
    line: string,
  ) {
    this.#process = process;
    this.#stdout = stdout;
    this.url = line.replace("Serving on ", "").trimEnd();
  }

  static async start(
    args: string[],
    permissions = NET,
    options?: Deno.CommandOptions,
  ): Promise<Program> {
    const process = makeCommand(
      permissions,
      ["--port", "0", ...args],
      options,
    ).spawn();
    const stdout = process.stdout.pipeThrough(new TextDecoderStream())
      .getReader();
    let line = "";
    while (!line.endsWith("\n")) {
      const { value, done } = await stdout.read();
      if (done) {
        const stderr = await new Response(process.stderr).text();
        await process.status;
        throw new Error(`The program has ended: ${stderr}`);
      }
      line += value;
    }
    return new Program(process, stdout, line);
  }

  get port(): number {
    return Number(new URL(this.url).port);
  }

  kill(signal: Deno.Signal): void {
    this.#process.kill(signal);
  }

  /** Waits for so many lines of the log. Afterwards, nobody reads it. */
  async readLog(
    count: number,
    next: (line: string) => Promise<unknown>,
  ): Promise<string[]> {
    this.#isStderrClosed = true;
    const lines: string[] = [];
    const texts = this.#process.stderr.pipeThrough(new TextDecoderStream())
      .pipeThrough(new TextLineStream());
    for await (const line of texts) {
      lines.push(line);
      if (lines.length === count) break;
      await next(line);
    }
    return lines;
  }

  async closeStderr(): Promise<void> {
    this.#isStderrClosed = true;
    await this.#process.stderr.cancel();
  }

  /** Waits for the end, and gives the exit code and what was logged. */
  async end(): Promise<{ code: number; stderr: string }> {
    const stderr = this.#isStderrClosed
      ? ""
      : await new Response(this.#process.stderr).text();
    const { value } = await this.#stdout.read();
    assertEquals(value, undefined);
    const { code } = await this.#process.status;
    return { code, stderr };
  }
}

/** A directory with modules. */
async function makeModules(
  modules: Record<string, string>,
): Promise<AsyncDisposable & { path: string }> {
  const path = await Deno.makeTempDir();
  await Deno.mkdir(`${path}/node_modules`);
  for (const [name, text] of Object.entries(modules)) {
    await Deno.writeTextFile(`${path}/${name}`, text);
  }
  return {
    path,
    [Symbol.asyncDispose]: () => Deno.remove(path, { recursive: true }),
  };
}

/** The text of an application that answers with a text. */
function makeApp(text: string): string {
  return `(_environ, startResponse) => {
    startResponse("200 OK", [["Content-Type", "text/plain"]]);
    return [new TextEncoder().encode(${JSON.stringify(text)})];
  }`;
}

Deno.test("simple_server.ts tells how it is used", async () => {
  const { code, stdout, stderr } = await run([], ["--help"]);
  assertEquals([code, stderr], [0, ""]);
  assertMatch(stdout, /^wsgiref [\d.]+\n/);
  for (
    const option of [
      "--host HOST",
      "--port PORT",
      "--unix-socket PATH",
      "--cert FILE",
      "--key FILE",
      "--script-name PATH",
      "--forwarded NAME=N",
      "--max-body-size BYTES",
      "--once",
      "--quiet",
      "--no-validate",
      "--help",
      "--version",
    ]
  ) assertStringIncludes(stdout, `\n  ${option} `);
});

Deno.test("simple_server.ts tells its version", async () => {
  assertEquals(await run([], ["--version"]), {
    code: 0,
    stdout: `wsgiref/${denoConfig.version}\n`,
    stderr: "",
  });
});

Deno.test("simple_server.ts serves the demo application until it is stopped", async () => {
  for (const signal of ["SIGINT", "SIGTERM"] as const) {
    const program = await Program.start([]);
    assertMatch(program.url, /^http:\/\/127\.0\.0\.1:\d+\/$/);
    const response = await exchange(
      program.port,
      "GET /xyz?abc HTTP/1.1\r\nHost: h\r\nUser-Agent: curl/8\r\nConnection: close\r\n\r\n",
    );
    assertStringIncludes(response, "\r\n\r\nHello world!\n\n");
    assertStringIncludes(response, "\nPATH_INFO = '/xyz'\n");
    assertStringIncludes(response, "\nQUERY_STRING = 'abc'\n");
    assertStringIncludes(response, "\nHTTP_USER_AGENT = 'curl/8'\n");
    program.kill(signal);
    const { code, stderr } = await program.end();
    assertEquals(code, 0);
    assertMatch(
      stderr,
      /^127\.0\.0\.1 - - \[\d\d\/[A-Z][a-z]{2}\/\d{4} \d\d:\d\d:\d\d\] "GET \/xyz\?abc HTTP\/1\.1" 200 \d+\n$/,
    );
  }
});

Deno.test("simple_server.ts logs each request when it has been answered", async () => {
  const program = await Program.start([]);
  const ask = () => exchange(program.port, GET);
  await ask();
  const lines = await within("Each is logged", program.readLog(3, ask));
  assertEquals(requestsOf(lines.join("\n")).length, 3);
  program.kill("SIGTERM");
  assertEquals((await program.end()).code, 0);
});

Deno.test("simple_server.ts loses no line of its log", async () => {
  const program = await Program.start([]);
  const paths = Array.from({ length: 300 }, (_, index) => `/${index}`);
  using client = await Client.connect(program.port);
  for (const path of paths) {
    await client.send(`GET ${path} HTTP/1.1\r\nHost: h\r\n\r\n`);
  }
  await client.readTo("PATH_INFO = '/299'");
  program.kill("SIGTERM");
  const { code, stderr } = await program.end();
  assertEquals(code, 0);
  assertEquals(
    requestsOf(stderr).map((line) => line.split(" ")[1]),
    paths,
  );
});

Deno.test("simple_server.ts goes on if nobody reads its log", async () => {
  const program = await Program.start([]);
  await program.closeStderr();
  for (let i = 0; i < 5; i++) {
    assertMatch(await exchange(program.port, GET), /^HTTP\/1.1 200 OK/);
  }
  program.kill("SIGTERM");
  assertEquals((await program.end()).code, 0);
});

Deno.test("simple_server.ts answers one request if it is to", async () => {
  const program = await Program.start(["--once"]);
  using client = await Client.connect(program.port);
  await client.send(GET.replace("close", "keep-alive"));
  assertMatch(await client.readAll(), /^HTTP\/1.1 200 OK[^]*\n$/);
  const { code, stderr } = await program.end();
  assertEquals(code, 0);
  assertEquals(requestsOf(stderr).length, 1);
});

Deno.test("simple_server.ts ends when it has answered, whatever the application has begun", async () => {
  await using modules = await makeModules({
    "app.js": `setInterval(() => {}, 1000); export default ${makeApp("app")};`,
  });
  const args = ["--once", "--quiet", `${modules.path}/app.js`];
  const program = await Program.start(args, NET_AND_READ);
  assertStringIncludes(await exchange(program.port, GET), "\r\n\r\napp");
  assertEquals(await program.end(), { code: 0, stderr: "" });
});

Deno.test("simple_server.ts does not log requests if it is to be quiet", async () => {
  const program = await Program.start(["--quiet", "--once"]);
  await exchange(program.port, GET);
  assertEquals(await program.end(), { code: 0, stderr: "" });
});

Deno.test("simple_server.ts tells a URL that can be opened", async () => {
  const program = await Program.start(["--host", "", "--once", "--quiet"]);
  assertMatch(program.url, /^http:\/\/localhost:\d+\/$/);
  const response = await fetch(program.url);
  assertStringIncludes(await response.text(), "Hello world!");
  assertEquals(await program.end(), { code: 0, stderr: "" });
});

Deno.test({
  name: "simple_server.ts tells the URL of an IPv6 address",
  ignore: !hasIpv6(),
  async fn() {
    const args = ["--host", "::1", "--once", "--quiet"];
    const program = await Program.start(args);
    assertMatch(program.url, /^http:\/\/\[::1\]:\d+\/$/);
    const response = await fetch(program.url);
    assertStringIncludes(await response.text(), "Hello world!");
    assertEquals(await program.end(), { code: 0, stderr: "" });
  },
});

Deno.test("simple_server.ts takes the greatest size of a body that there can be", async () => {
  const program = await Program.start([
    ...["--once", "--quiet", "--max-body-size", "9007199254740991"],
  ]);
  assertStringIncludes(await exchange(program.port, GET), "Hello world!");
  assertEquals(await program.end(), { code: 0, stderr: "" });
});

Deno.test("simple_server.ts serves HTTPS with a certificate and its key", async () => {
  const tls = new URL("tls/", import.meta.url).pathname;
  const program = await Program.start(
    ["--cert", `${tls}cert.pem`, "--key", `${tls}key.pem`, "--once", "--quiet"],
    NET_AND_READ,
  );
  assertMatch(program.url, /^https:\/\/127\.0\.0\.1:\d+\/$/);
  const caCerts = [await Deno.readTextFile(`${tls}cert.pem`)];
  using client = Deno.createHttpClient({ caCerts });
  const response = await fetch(program.url, { client });
  assertStringIncludes(await response.text(), "\nHTTPS = 'on'\n");
  assertEquals(await program.end(), { code: 0, stderr: "" });
});

Deno.test("simple_server.ts serves at a mount point, behind proxies, and limits bodies", async () => {
  const args = [
    ["--script-name", "/app"],
    ["--forwarded", "for=1", "--forwarded=proto=2"],
    ["--max-body-size", "3"],
  ].flat();
  const program = await Program.start(["--quiet", ...args]);
  assertMatch(program.url, /^http:\/\/127\.0\.0\.1:\d+\/app\/$/);
  const head = [
    "POST /app/spam HTTP/1.1",
    "Host: h",
    "Connection: close",
    "X-Forwarded-For: 192.0.2.1, 192.0.2.2",
    "X-Forwarded-Proto: https, http",
  ].join("\r\n");
  const small = `${head}\r\nContent-Length: 3\r\n\r\nabc`;
  const response = await exchange(program.port, small);
  for (
    const line of [
      "SCRIPT_NAME = '/app'",
      "PATH_INFO = '/spam'",
      "REMOTE_ADDR = '192.0.2.2'",
      "wsgi.url_scheme = 'https'",
    ]
  ) assertStringIncludes(response, `\n${line}\n`);
  const large = `${head}\r\nContent-Length: 4\r\n\r\nabcd`;
  assertMatch(await exchange(program.port, large), /^HTTP\/1\.1 413 /);
  assertMatch(await exchange(program.port, GET), /^HTTP\/1\.1 404 /);
  program.kill("SIGTERM");
  assertEquals(await program.end(), { code: 0, stderr: "" });
});

Deno.test("simple_server.ts serves at a Unix socket", async () => {
  const directory = await Deno.makeTempDir();
  const path = `${directory}/socket`;
  const program = await Program.start(
    ["--unix-socket", path, "--once", "--quiet"],
    [...NET_AND_READ, `--allow-write=${path}`],
  );
  assertEquals(program.url, `unix:${path}`);
  using connection = await Deno.connect({ transport: "unix", path });
  await connection.write(new TextEncoder().encode(GET));
  const response = await new Response(connection.readable).text();
  assertStringIncludes(response, "Hello world!");
  assertEquals(await program.end(), { code: 0, stderr: "" });
  await Deno.remove(directory, { recursive: true });
});

Deno.test("simple_server.ts uses colors on a terminal only", async () => {
  const program = `${Deno.execPath()} run ${PROGRAM.pathname} --spam`;
  const { stdout } = await new Deno.Command("script", {
    args: ["--quiet", "--command", program, "/dev/null"],
    env: { NO_COLOR: "" },
    stdin: "null",
  }).output();
  assertStringIncludes(
    new TextDecoder().decode(stdout),
    "\x1b[31m\x1b[1merror\x1b[39m\x1b[22m: Unknown option",
  );
  assertMatch((await run([], ["--spam"])).stderr, /^error: Unknown option/);
});

Deno.test("simple_server.ts lets a request finish, unless it is told twice to stop", async () => {
  await using modules = await makeModules({
    "app.js": `export default (environ, startResponse) => {
      startResponse("200 OK", [["Content-Type", "text/plain"]]);
      return environ["wsgi.input"].readable;
    };`,
  });
  const app = `${modules.path}/app.js`;
  const head = "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 6\r\n\r\n";
  {
    const program = await Program.start([app], NET_AND_READ);
    using client = await Client.connect(program.port);
    await client.send(`${head}abc`);
    await client.readTo("abc");
    program.kill("SIGINT");
    await client.send("def");
    assertStringIncludes(await client.readAll(), "def");
    const { code, stderr } = await program.end();
    assertEquals([code, requestsOf(stderr)], [0, ['"POST / HTTP/1.1" 200 6']]);
  }
  {
    const program = await Program.start([app], NET_AND_READ);
    using client = await Client.connect(program.port);
    await client.send(`${head}abc`);
    await client.readTo("abc");
    program.kill("SIGINT");
    // It has got the first signal when it refuses others.
    while (/^HTTP\/1.1 200/.test(await exchange(program.port, GET)));
    program.kill("SIGINT");
    assertEquals((await program.end()).code, 0);
  }
});

Deno.test("simple_server.ts serves the application of a module", async () => {
  await using modules = await makeModules({
    "default.ts": `export default ${makeApp("default")}; export const other = ${
      makeApp("other")
    };`,
    "application.js": `export const application = ${makeApp("application")};`,
    "a#b c%20.js": `export default ${makeApp("special")};`,
    "import.js": `import { WsgiServer } from "${PROGRAM}";
      export default ${makeApp("import")};`,
  });
  const { path } = modules;
  const table = [
    ["default.ts", "default"],
    ["default.ts:other", "other"],
    ["default.ts:default", "default"],
    ["application.js", "application"],
    ["./application.js:application", "application"],
    ["a#b c%20.js", "special"],
    ["import.js", "import"],
    [`${path}/default.ts:other`, "other"],
    [`file://${path}/default.ts:other`, "other"],
  ] as const;
  for (const [target, text] of table) {
    const program = await Program.start(
      ["--once", "--quiet", target],
      ["--allow-net", `--allow-read=${path},${PROGRAM.pathname}`],
      { cwd: path },
    );
    const response = await exchange(program.port, GET);
    assert(response.endsWith(`\r\n\r\n${text}`), `${target}: ${response}`);
    assertEquals(await program.end(), { code: 0, stderr: "" });
  }
});

Deno.test("simple_server.ts serves a module of another server, and one of npm", async () => {
  await using other = Deno.serve(
    { hostname: "127.0.0.1", port: 0, onListen() {} },
    () =>
      new Response(`export const app = ${makeApp("remote")};`, {
        headers: { "Content-Type": "text/javascript" },
      }),
  );
  const host = `127.0.0.1:${other.addr.port}`;
  const table: [target: string, expected: string][] = [
    [`http://${host}/app.js:app`, "\r\n\r\nremote"],
    // Not an application, but a function that is known to be there.
    ["npm:deno-std@1.4.0/assert/mod.js:assert", "\r\n\r\nA server error"],
  ];
  for (const [target, expected] of table) {
    const args = ["--once", "--quiet", target];
    const program = await Program.start(args, [...NET, `-I=${host}`]);
    assertStringIncludes(await exchange(program.port, GET), expected);
    assertEquals((await program.end()).code, 0);
  }
});

Deno.test("simple_server.ts has the application checked, unless it is told not to", async () => {
  await using modules = await makeModules({
    "app.js": `export default (_environ, startResponse) => {
      startResponse("200 OK", [["ETag", '"1"'], ["ETag", '"2"']]);
      return [];
    };`,
  });
  const args = ["--once", `${modules.path}/app.js`];
  {
    const program = await Program.start(args, NET_AND_READ);
    const response = await exchange(program.port, GET);
    assertMatch(response, /^HTTP\/1.1 500 Internal Server Error\r\n/);
    const { code, stderr } = await program.end();
    assertEquals(code, 0);
    const lines = stderr.split("\n").filter((line) => !/^ {4}at /.test(line));
    assertEquals(lines.map((line) => line.replace(/^127.*\] /, "")), [
      'Cannot answer GET "http://h/"',
      'header-repeated [PEP 3333: The start_response() Callable (https://peps.python.org/pep-3333/#the-start-response-callable); RFC 9110, 5.3 (https://www.rfc-editor.org/rfc/rfc9110#section-5.3)]: A header that has a single value must not be repeated: received ["ETag", "\\"2\\""]; replace the first, as set() of WsgiHeaders does',
      '"GET / HTTP/1.1" 500 59',
      "",
    ]);
  }
  {
    const program = await Program.start(
      ["--no-validate", ...args],
      NET_AND_READ,
    );
    const response = await exchange(program.port, GET);
    assertMatch(response, /^HTTP\/1.1 200 OK\r\n/);
    const { code, stderr } = await program.end();
    assertEquals([code, requestsOf(stderr)], [0, ['"GET / HTTP/1.1" 200 0']]);
  }
});

Deno.test("simple_server.ts warns once of what is questionable", async () => {
  await using modules = await makeModules({
    "app.js": `export default (_environ, startResponse) => {
      startResponse("200 OK", []);
      return [new Uint8Array(1)];
    };`,
  });
  const args = ["--quiet", `${modules.path}/app.js`];
  const program = await Program.start(args, NET_AND_READ);
  for (let i = 0; i < 3; i++) {
    assertMatch(await exchange(program.port, GET), /^HTTP\/1.1 200 OK\r\n/);
  }
  program.kill("SIGTERM");
  assertEquals(await program.end(), {
    code: 0,
    stderr:
      "content-type-missing: A response with a body should have a Content-Type: received [object Uint8Array]; set it, or else clients guess\n",
  });
});

Deno.test("simple_server.ts sends a checked file with its length", async () => {
  await using modules = await makeModules({
    "app.js": `export default async (environ, startResponse) => {
      startResponse("200 OK", [["Content-Type", "text/plain"]]);
      const file = await Deno.open(new URL("spam.txt", import.meta.url));
      return environ["wsgi.file_wrapper"](file);
    };`,
    "spam.txt": "spam",
  });
  const args = ["--quiet", "--once", `${modules.path}/app.js`];
  const program = await Program.start(args, NET_AND_READ);
  const response = await exchange(program.port, GET);
  assertMatch(response, /\r\ncontent-length: 4\r\n[^]*\r\n\r\nspam$/i);
  assertEquals((await program.end()).code, 0);
});

Deno.test("simple_server.ts says in one line what is wrong", async () => {
  await using modules = await makeModules({
    "app.js": `export default ${makeApp("default")};`,
    "object.js": "export default { fetch() {} };",
    "nothing.js": "export const spam = 1;",
    "throws.js": 'throw new Error("spam\\nham");',
    "throws_text.js": 'throw "spam";',
    "uses_npm.js": 'import { sweep } from "./node_modules/broom.js";\nsweep();',
    "node_modules/broom.js":
      'export function sweep() { throw new Error("The broom is gone"); }',
    "uses.js": 'function use() {\n new URL("spam");\n}\nuse();',
    "syntax.ts": "export default (",
    "import.js": 'import "./missing.js";',
  });
  const { path } = modules;
  const table: [args: string[], error: string][] = [
    [["--spam"], "Unknown option '--spam'; --help tells more"],
    [["--port"], "Option '--port <value>' argument missing; --help tells more"],
    ...[
      ["--port", "spam"],
      ["--port", ""],
      ["--port", "-1"],
      ["--port", "65536"],
    ].map(([flag, value]): [string[], string] => [
      [`${flag}=${value}`],
      `Cannot take ${flag} as it must be 0 to 65535: received "${value}"; --help tells more`,
    ]),
    [
      ["--max-body-size=1k"],
      'Cannot take --max-body-size as it must be 0 to 9007199254740991: received "1k"; --help tells more',
    ],
    ...["spam=1", "for=", "for", "for=x", "=1"].map((
      value,
    ): [string[], string] => [
      [`--forwarded=${value}`],
      `Cannot take --forwarded as it must be for, proto, host or prefix, "=" and a number: received "${value}"; --help tells more`,
    ]),
    [
      ["a", "b"],
      'Cannot serve more than one module: received ["a", "b"]; --help tells more',
    ],
    [
      ["--cert", `${path}/missing.pem`],
      `Cannot read "${path}/missing.pem": No such file or directory (os error 2): readfile '${path}/missing.pem'`,
    ],
    [
      [`${path}/object.js`],
      `Cannot serve "${path}/object.js" as its export "default" or "application" must be a function: received [object Object]`,
    ],
    [
      [`${path}/nothing.js`],
      `Cannot serve "${path}/nothing.js" as its export "default" or "application" must be a function: received undefined`,
    ],
    [
      [`${path}/app.js:spam`],
      `Cannot serve "${path}/app.js" as its export "spam" must be a function: received undefined`,
    ],
    [
      [`${path}/throws.js`],
      `Cannot load "${path}/throws.js": spam at file://${path}/throws.js:1:7`,
    ],
    [
      [`${path}/uses.js`],
      `Cannot load "${path}/uses.js": Invalid URL: 'spam' at file://${path}/uses.js:2:2`,
    ],
    [
      [`${path}/uses_npm.js`],
      `Cannot load "${path}/uses_npm.js": The broom is gone at file://${path}/uses_npm.js:2:1`,
    ],
    [[`${path}/throws_text.js`], `Cannot load "${path}/throws_text.js": spam`],
    [
      [`${path}/syntax.ts`],
      `Cannot load "${path}/syntax.ts": SyntaxError: Expression expected at file://${path}/syntax.ts:1:17`,
    ],
    [
      [`${path}/import.js`],
      `Cannot load "${path}/import.js": Module not found "file://${path}/missing.js" at file://${path}/import.js:1:8`,
    ],
    [
      [`${path}/missing.js`],
      `Cannot load "${path}/missing.js": Module not found "file://${path}/missing.js"`,
    ],
  ];
  for (const [args, error] of table) {
    assertEquals(await run(NET_AND_READ, args), {
      code: 1,
      stdout: "",
      stderr: `error: ${error}\n`,
    });
  }
});

Deno.test("simple_server.ts says in one line what is wrong with a module of another server", async () => {
  const other = Deno.serve(
    { hostname: "127.0.0.1", port: 0, onListen() {} },
    () =>
      new Response('throw new Error("spam");', {
        headers: { "Content-Type": "text/javascript" },
      }),
  );
  const host = `127.0.0.1:${other.addr.port}`;
  const url = `http://${host}/throws.js`;
  const fail = async (url: string) => {
    const { stderr } = await run([...NET, `-I=${host}`], ["--quiet", url]);
    return stderr;
  };
  try {
    assertEquals(
      await fail(url),
      `error: Cannot load "${url}": spam at ${url}:1:7\n`,
    );
  } finally {
    await other.shutdown();
  }
  // The line after it has the reason.
  const gone = `http://${host}/gone.js`;
  assertMatch(
    await fail(gone),
    /^error: Cannot load "[^"]*": Import '[^']*' failed: .*refused.*\n$/,
  );
});

Deno.test("simple_server.ts says in one line why it cannot listen", async () => {
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const { port } = listener.addr;
  const { code, stdout, stderr } = await run(NET, ["--port", String(port)]);
  assertEquals([code, stdout], [1, ""]);
  assertMatch(
    stderr,
    new RegExp(
      `^error: Cannot listen on host "127\\.0\\.0\\.1", port ${port}: Address already in use.*\n$`,
    ),
  );
});

Deno.test("simple_server.ts says in one line which permission it needs", async () => {
  await using modules = await makeModules({
    "app.js": `export default ${makeApp("default")};`,
  });
  const app = `${modules.path}/app.js`;
  assertEquals(await run([], ["--port", "0"]), {
    code: 1,
    stdout: "",
    stderr:
      'error: Cannot listen on host "127.0.0.1", port 0: Requires net access to "127.0.0.1:0", run again with the --allow-net flag\n',
  });
  assertEquals(await run(NET, [app]), {
    code: 1,
    stdout: "",
    stderr:
      `error: Cannot load "${app}": Requires read access to "${app}", run again with the --allow-read flag\n`,
  });
});
