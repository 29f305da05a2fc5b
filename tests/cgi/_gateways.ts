// Copyright 2026 the wsgiref authors. MIT license.

/** The servers that run the application of `app.ts`. */

import { TextErrorStream, toFetchHandler } from "../../handlers.ts";
import { application } from "./app.ts";

/** The path of a file, from this folder. */
function localPath(path: string): string {
  return decodeURIComponent(new URL(path, import.meta.url).pathname);
}

/** Where the web servers have the CGI script. */
const SCRIPT_NAME = "/cgi-bin/app.ts";

/** Who reads the requests of clients. */
type Family = "apache" | "lighttpd" | "nginx" | "deno";

/** A kind of server. */
export interface GatewayKind {
  name: string;
  /** Says that it cannot be started, at the end of the name of its tests. */
  skipped: string;
  start(): Promise<Gateway>;
}

/** A server that runs. */
export interface Gateway extends AsyncDisposable {
  /** The URL of the application. */
  url: string;
  /** What there is a column for in the table of paths. */
  family: Family;
  /** Gives all that has been logged so far. */
  log(): string;
}

interface Ports {
  /** Where the server listens. */
  port: number;
  /** Where the program behind it listens, if there is one. */
  backendPort: number;
}

interface WebServerOptions {
  name: string;
  family: Family;
  /** The program to be started before the server. */
  backend?: (ports: Ports) => string[];
  /** The server. It runs in a temporary folder. */
  server: (ports: Ports) => string[];
  /** The text of `server.conf` in that folder. */
  configuration?: (ports: Ports) => string;
  scriptName?: string;
}

// What the first line of the script and Deno's cache depend on. No web server
// hands all of it on by itself.
const SCRIPT_ENV: Record<string, string> = {
  PATH: `${Deno.execPath().replace(/\/[^/]*$/, "")}:/usr/bin:/bin`,
};
for (const name of ["HOME", "DENO_DIR", "UNDER_VALIDATOR"]) {
  const value = Deno.env.get(name);
  if (value !== undefined) SCRIPT_ENV[name] = value;
}

function formatScriptEnv(format: (name: string, value: string) => string) {
  return Object.entries(SCRIPT_ENV).map(([name, value]) => format(name, value))
    .join("\n");
}

// Apache does not serve as root, and nobody else may read what root's cache has.
const AS_NOBODY = Deno.uid() !== 0 ? [] : [
  "setpriv",
  "--reuid=nobody",
  "--clear-groups",
  "--inh-caps=+dac_override",
  "--ambient-caps=+dac_override",
  "--securebits=+no_setuid_fixup",
];

export function isInstalled(program: string): boolean {
  try {
    return Deno.statSync(program).isFile;
  } catch {
    return false;
  }
}

function freePort(): number {
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  return listener.addr.port;
}

/** Waits until something listens, which most servers do not tell. */
async function waitForPort(port: number): Promise<void> {
  const signal = AbortSignal.timeout(10_000);
  for (;;) {
    try {
      return (await Deno.connect({ hostname: "127.0.0.1", port })).close();
    } catch (error) {
      if (!(error instanceof Deno.errors.ConnectionRefused)) throw error;
    }
    signal.throwIfAborted();
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

function readLogs(folder: string): string {
  return Array.from(Deno.readDirSync(folder))
    .filter(({ name }) => name.endsWith(".log"))
    .map(({ name }) => Deno.readTextFileSync(`${folder}/${name}`))
    .join("");
}

/** Runs a program in a folder, its output in `output.log` there. */
function spawn(folder: string, command: string[]): Deno.ChildProcess {
  // fcgiwrap ends its whole process group, which must not be that of the tests.
  const script = 'exec setsid "$@" >>output.log 2>&1';
  return new Deno.Command("/bin/sh", {
    args: ["-c", script, "sh", ...AS_NOBODY, ...command],
    cwd: folder,
    clearEnv: true,
    env: SCRIPT_ENV,
    stdin: "null",
  }).spawn();
}

export function webServer(options: WebServerOptions): GatewayKind {
  const { name, backend, server, configuration } = options;
  const commands = backend ? [backend, server] : [server];
  const start = async () => {
    const ports = { port: freePort(), backendPort: freePort() };
    const folder = await Deno.makeTempDir();
    if (configuration) {
      await Deno.writeTextFile(`${folder}/server.conf`, configuration(ports));
    }
    const processes = commands.map((command) => spawn(folder, command(ports)));
    const gateway = {
      url: `http://127.0.0.1:${ports.port}${options.scriptName ?? SCRIPT_NAME}`,
      family: options.family,
      log: () => readLogs(folder),
      async [Symbol.asyncDispose]() {
        for (const process of processes.reverse()) {
          await process[Symbol.asyncDispose]();
        }
        await Deno.remove(folder, { recursive: true });
      },
    };
    try {
      if (backend) await waitForPort(ports.backendPort);
      await waitForPort(ports.port);
    } catch (cause) {
      const log = gateway.log();
      await gateway[Symbol.asyncDispose]();
      throw new Error(`${name} did not start:\n${log}`, { cause });
    }
    return gateway;
  };
  const missing = commands
    .map((command) => command({ port: 0, backendPort: 0 })[0] ?? "")
    .find((program) => !isInstalled(program));
  const skipped = missing === undefined
    ? ""
    : ` (skipped: ${missing.replace(/.*\//, "")} is not installed)`;
  return { name, skipped, start };
}

function apache({ port }: Ports): string {
  const modules = ["mpm_prefork", "authz_core", "alias", "env", "cgi"];
  return `
    ServerRoot .
    ServerName localhost
    Listen 127.0.0.1:${port}
    DefaultRuntimeDir .
    PidFile apache.pid
    ErrorLog error.log
    ${
    modules.map((name) =>
      `LoadModule ${name}_module /usr/lib/apache2/modules/mod_${name}.so`
    ).join("\n")
  }
    ${formatScriptEnv((name, value) => `SetEnv ${name} "${value}"`)}
    # Without this, the answer to %2F is 404.
    AllowEncodedSlashes On
    ScriptAlias ${SCRIPT_NAME} "${localPath("app.ts")}"
    ScriptAlias /cgi-bin/hono.ts "${localPath("../../examples/hono_cgi.ts")}"
  `;
}

function lighttpd({ port }: Ports): string {
  return `
    server.modules = ("mod_alias", "mod_setenv", "mod_cgi")
    server.bind = "127.0.0.1"
    server.port = ${port}
    server.document-root = "."
    server.errorlog = "error.log"
    server.breakagelog = "script.log"
    # Without this, the response is sent when the script has ended.
    server.stream-response-body = 1
    alias.url = (
      "${SCRIPT_NAME}" => "${localPath("app.ts")}",
      "/cgi-bin/hono.ts" => "${localPath("../../examples/hono_cgi.ts")}",
    )
    cgi.assign = (".ts" => "")
    setenv.set-environment = (
      ${formatScriptEnv((name, value) => `"${name}" => "${value}",`)}
    )
  `;
}

/** Passes requests on by a module of nginx. */
function nginx({ port, backendPort }: Ports, module: string, more = "") {
  const folders = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"];
  return `
    daemon off;
    master_process off;
    pid nginx.pid;
    error_log error.log;
    events {}
    http {
      access_log off;
      client_max_body_size 16m;
      ${folders.map((name) => `${name}_temp_path ${name};`).join("\n")}
      server {
        listen 127.0.0.1:${port};
        server_name localhost;
        location ~ ^(?<script_name>${SCRIPT_NAME})(?<path_info>/.*)?$ {
          include /etc/nginx/${module}_params;
          ${module}_param SCRIPT_NAME $script_name;
          ${module}_param PATH_INFO $path_info;
          # Without this, blocks wait for others.
          ${module}_buffering off;
          ${module}_pass 127.0.0.1:${backendPort};
          ${more}
        }
      }
    }
  `;
}

export const NGINX: string[] = [
  "/usr/sbin/nginx",
  "-p",
  ".",
  "-c",
  "server.conf",
];

/** A program of this project that serves the application. */
function program(path: string, argument: string): string[] {
  const paths = [localPath(path), localPath("app.ts")];
  return [Deno.execPath(), "run", "-A", ...paths, argument];
}

export const GATEWAYS: GatewayKind[] = [
  webServer({
    name: "Apache httpd with mod_cgi",
    family: "apache",
    server: () => ["/usr/sbin/apache2", "-d.", "-fserver.conf", "-DFOREGROUND"],
    configuration: apache,
  }),
  webServer({
    name: "lighttpd with mod_cgi",
    family: "lighttpd",
    server: () => ["/usr/sbin/lighttpd", "-D", "-f", "server.conf"],
    configuration: lighttpd,
  }),
  webServer({
    name: "nginx with fcgiwrap",
    family: "nginx",
    backend: ({ backendPort }) => {
      const address = `tcp:127.0.0.1:${backendPort}`;
      return ["/usr/sbin/fcgiwrap", "-f", "-s", address];
    },
    server: () => NGINX,
    configuration: (ports) =>
      nginx(
        ports,
        "fastcgi",
        `
          fastcgi_param SCRIPT_FILENAME ${localPath("app.ts")};
          # Without this, fcgiwrap keeps blocks back.
          fastcgi_param NO_BUFFERING 1;
        `,
      ),
  }),
  webServer({
    name: "nginx with scgi_server.ts",
    family: "nginx",
    backend: ({ backendPort }) =>
      program("../../examples/scgi_server.ts", String(backendPort)),
    server: () => NGINX,
    configuration: (ports) => nginx(ports, "scgi"),
  }),
  webServer({
    name: "simple_server.ts",
    family: "deno",
    server: ({ port }) => program("../../simple_server.ts", `--port=${port}`),
    scriptName: "",
  }),
  {
    name: "toFetchHandler()",
    skipped: "",
    start() {
      let text = "";
      const server = Deno.serve(
        { hostname: "127.0.0.1", port: 0, onListen() {} },
        toFetchHandler(application, {
          scriptName: SCRIPT_NAME,
          errors: new TextErrorStream((chunk) => text += chunk),
        }),
      );
      return Promise.resolve({
        url: `http://127.0.0.1:${server.addr.port}${SCRIPT_NAME}`,
        family: "deno" as const,
        log: () => text,
        [Symbol.asyncDispose]: () => server[Symbol.asyncDispose](),
      });
    },
  },
];
