// Copyright 2026 the wsgiref authors. MIT license.

/** The servers that run the application of `app.ts`. */

import { TextErrorStream, toFetchHandler } from "../../handlers.ts";
import { fillIn, localPath, readBlock } from "./_blocks.ts";
import { application } from "./app.ts";

/** Where the web servers have the CGI script. */
const SCRIPT_NAME = "/cgi-bin/app.ts";

/** Who reads the requests of clients. */
type Family =
  | "apache"
  | "apache-fastcgi"
  | "apache-fcgid"
  | "lighttpd"
  | "nginx"
  | "deno";

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
  /** Whether a response that fails halfway is cut off. */
  isCut: boolean | "sometimes";
  /** Gives all that has been logged so far. */
  log(): string;
}

interface Ports {
  /** The temporary folder that the servers run in. */
  folder: string;
  /** Where the server listens. */
  port: number;
  /** Where the program behind it listens, if there is one. */
  backendPort: number;
}

interface WebServerOptions {
  name: string;
  family: Family;
  isCut?: Gateway["isCut"];
  /** What must be installed beside the programs. */
  module?: string;
  /** The program to be started before the server. */
  backend?: (ports: Ports) => string[];
  /** Whether it listens at `app.sock` in the temporary folder, and no port. */
  hasSocketFile?: boolean;
  /** The server. It runs in a temporary folder. */
  server: (ports: Ports) => string[];
  /** A command that runs both as another user. */
  user?: string[];
  /** The text of `server.conf` in that folder. */
  configuration?: (ports: Ports) => string;
  /** Other files of that folder, which can be executed. */
  files?: (
    ports: Ports,
  ) => Record<string, string> | Promise<Record<string, string>>;
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

export function formatScriptEnv(
  format: (name: string, value: string) => string,
) {
  return Object.entries(SCRIPT_ENV).map(([name, value]) => format(name, value))
    .join("\n");
}

// Apache does not serve as root, and nobody else may read what root's cache has.
export const AS_NOBODY: string[] = Deno.uid() !== 0 ? [] : [
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
async function waitForListener(address: number | string): Promise<void> {
  const signal = AbortSignal.timeout(20_000);
  for (;;) {
    try {
      using _ = typeof address === "number"
        ? await Deno.connect({ hostname: "127.0.0.1", port: address })
        : await Deno.connect({ transport: "unix", path: address });
      return;
    } catch (error) {
      if (
        !(error instanceof Deno.errors.ConnectionRefused ||
          error instanceof Deno.errors.NotFound)
      ) throw error;
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
function spawn(
  folder: string,
  command: string[],
  user: string[],
): Deno.ChildProcess {
  // fcgiwrap ends its whole process group, which must not be that of the tests.
  const script = 'exec setsid "$@" >>output.log 2>&1';
  return new Deno.Command("/bin/sh", {
    args: ["-c", script, "sh", ...user, ...command],
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
    const folder = await Deno.makeTempDir();
    const ports = { folder, port: freePort(), backendPort: freePort() };
    if (configuration) {
      await Deno.writeTextFile(`${folder}/server.conf`, configuration(ports));
    }
    const files = await options.files?.(ports) ?? {};
    for (const [name, text] of Object.entries(files)) {
      await Deno.writeTextFile(`${folder}/${name}`, text, { mode: 0o755 });
    }
    const processes = commands.map((command) =>
      spawn(folder, command(ports), options.user ?? AS_NOBODY)
    );
    const gateway = {
      url: `http://127.0.0.1:${ports.port}${options.scriptName ?? SCRIPT_NAME}`,
      family: options.family,
      isCut: options.isCut ?? false,
      log: () => readLogs(folder),
      async [Symbol.asyncDispose]() {
        for (const process of processes.reverse()) {
          // `deno serve --parallel` may stay when it is asked to end.
          const timer = setTimeout(() => process.kill("SIGKILL"), 3_000);
          await process[Symbol.asyncDispose]();
          clearTimeout(timer);
        }
        await Deno.remove(folder, { recursive: true });
      },
    };
    try {
      if (backend) {
        await waitForListener(
          options.hasSocketFile ? `${folder}/app.sock` : ports.backendPort,
        );
      }
      await waitForListener(ports.port);
    } catch (cause) {
      const log = gateway.log();
      await gateway[Symbol.asyncDispose]();
      throw new Error(`${name} did not start:\n${log}`, { cause });
    }
    return gateway;
  };
  const missing = [
    ...commands.map((command) =>
      command({ folder: ".", port: 0, backendPort: 0 })[0] ?? ""
    ),
    options.module ?? "/bin/sh",
  ]
    .find((program) => !isInstalled(program));
  const skipped = missing === undefined
    ? ""
    : ` (skipped: ${missing.replace(/.*\//, "")} is not installed)`;
  return { name, skipped, start };
}

/** What every Apache needs to run in a folder. */
export function apache(
  { port }: Ports,
  modules: string[],
  configuration: string,
): string {
  return `
    ServerRoot .
    ServerName localhost
    Listen 127.0.0.1:${port}
    DefaultRuntimeDir .
    PidFile apache.pid
    ErrorLog error.log
    ${
    ["authz_core", ...modules].map((name) =>
      `LoadModule ${name}_module /usr/lib/apache2/modules/mod_${name}.so`
    ).join("\n")
  }
    # Without this, the answer to %2F is 404.
    AllowEncodedSlashes On
    ${configuration}
  `;
}

/** What every lighttpd needs to run in a folder. */
function lighttpd({ port }: Ports, configuration: string): string {
  return `
    server.bind = "127.0.0.1"
    server.port = ${port}
    server.document-root = "."
    server.errorlog = "error.log"
    server.breakagelog = "script.log"
    ${configuration}
  `;
}

/** What every nginx needs to run in a folder. */
export function nginx(configuration: string): string {
  const folders = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"];
  return `
    daemon off;
    master_process off;
    pid nginx.pid;
    error_log error.log;
    events { worker_connections 4096; }
    http {
      access_log off;
      ${folders.map((name) => `${name}_temp_path ${name};`).join("\n")}
      ${configuration}
    }
  `;
}

/** What every Caddy needs to run without being root. */
export function caddy(configuration: string): string {
  return `{
    admin off
  }
  ${configuration}
  `;
}

export const NGINX: string[] = [
  "/usr/sbin/nginx",
  "-p",
  ".",
  "-c",
  "server.conf",
];

export const APACHE: string[] = [
  "/usr/sbin/apache2",
  "-d.",
  "-fserver.conf",
  "-DFOREGROUND",
];

const LIGHTTPD = ["/usr/sbin/lighttpd", "-D", "-f", "server.conf"];

export const CADDY: string[] = [
  "/usr/bin/caddy",
  "run",
  "--config=server.conf",
  "--adapter=caddyfile",
];

/** A program of this project that serves an application. */
export function program(
  path: string,
  args: string[],
  app = "served.ts",
): string[] {
  const paths = [localPath(path), localPath(app)];
  return [Deno.execPath(), "run", "-A", ...paths, ...args];
}

export const DEPLOYMENT = "../../docs/deployment.md";
const FASTCGI = "../../examples/fastcgi_server.ts";

/** An nginx that passes requests on as the text of an example says. */
function nginxFor(
  module: "fastcgi" | "scgi",
  { keepsConnections = false } = {},
): GatewayKind {
  const path = `../../examples/${module}_server.ts`;
  return webServer({
    name: `nginx with ${module}_server.ts${
      keepsConnections ? ", connections kept" : ""
    }`,
    family: "nginx",
    isCut: true,
    backend: ({ backendPort }) => program(path, [String(backendPort)]),
    server: () => NGINX,
    configuration: ({ port, backendPort }) => {
      const address = `127.0.0.1:${backendPort}`;
      const location = fillIn(readBlock(path, "nginx"), {
        [`include ${module}`]: `include /etc/nginx/${module}`,
        "127.0.0.1:4000": keepsConnections ? "kept" : address,
      });
      return nginx(`
        upstream kept {
          server ${address};
          keepalive 16;
        }
        server {
          listen 127.0.0.1:${port};
          server_name localhost;
          ${location}
        }
      `);
    },
    scriptName: "/app",
  });
}

/** A web server that passes requests on as `docs/deployment.md` says. */
function fastCgi(
  options: Pick<WebServerOptions, "name" | "family" | "server" | "isCut"> & {
    language: string;
    heading: string;
    complete: (ports: Ports, block: string) => string;
  },
): GatewayKind {
  return webServer({
    backend: ({ backendPort }) => program(FASTCGI, [String(backendPort)]),
    scriptName: "/app",
    configuration(ports) {
      const block = readBlock(DEPLOYMENT, options.language, options.heading);
      const address = `127.0.0.1:${ports.backendPort}`;
      const filled = options.language === "lighttpd"
        ? fillIn(block, { "4000": String(ports.backendPort) })
        : fillIn(block, { "127.0.0.1:4000": address });
      return options.complete(ports, filled);
    },
    ...options,
  });
}

const MOD_FCGID = "### Apache with mod_fcgid";

export const GATEWAYS: GatewayKind[] = [
  webServer({
    name: "Apache httpd with mod_cgi",
    family: "apache",
    server: () => APACHE,
    configuration: (ports) =>
      apache(
        ports,
        ["mpm_prefork", "alias", "env", "cgi"],
        `
          ${formatScriptEnv((name, value) => `SetEnv ${name} "${value}"`)}
          ScriptAlias ${SCRIPT_NAME} "${localPath("app.ts")}"
          ScriptAlias /cgi-bin/hono.ts "${
          localPath("../../examples/hono_cgi.ts")
        }"
        `,
      ),
  }),
  webServer({
    name: "lighttpd with mod_cgi",
    family: "lighttpd",
    server: () => LIGHTTPD,
    configuration: (ports) =>
      lighttpd(
        ports,
        `
          server.modules = ("mod_alias", "mod_setenv", "mod_cgi")
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
        `,
      ),
  }),
  webServer({
    name: "nginx with fcgiwrap",
    family: "nginx",
    backend: ({ backendPort }) => {
      const address = `tcp:127.0.0.1:${backendPort}`;
      return ["/usr/sbin/fcgiwrap", "-f", "-s", address];
    },
    server: () => NGINX,
    configuration: ({ port, backendPort }) =>
      nginx(`
        server {
          listen 127.0.0.1:${port};
          server_name localhost;
          client_max_body_size 16m;
          location ~ ^(?<script_name>${SCRIPT_NAME})(?<path_info>/.*)?$ {
            include /etc/nginx/fastcgi_params;
            fastcgi_param SCRIPT_NAME $script_name;
            fastcgi_param PATH_INFO $path_info;
            fastcgi_param SCRIPT_FILENAME ${localPath("app.ts")};
            # Without this, fcgiwrap keeps blocks back.
            fastcgi_param NO_BUFFERING 1;
            # Without this, blocks wait for others.
            fastcgi_buffering off;
            fastcgi_pass 127.0.0.1:${backendPort};
          }
        }
      `),
  }),
  nginxFor("scgi"),
  nginxFor("fastcgi"),
  nginxFor("fastcgi", { keepsConnections: true }),
  fastCgi({
    name: "Apache httpd with mod_proxy_fcgi",
    family: "apache-fastcgi",
    isCut: true,
    server: () => APACHE,
    language: "apache",
    heading: "### Apache with mod_proxy_fcgi",
    complete: (ports, block) =>
      apache(ports, ["mpm_event", "proxy", "proxy_fcgi"], block),
  }),
  fastCgi({
    name: "lighttpd with mod_fastcgi",
    family: "lighttpd",
    isCut: "sometimes",
    server: () => LIGHTTPD,
    language: "lighttpd",
    heading: "### lighttpd with mod_fastcgi",
    complete: lighttpd,
  }),
  webServer({
    name: "Apache httpd with mod_fcgid",
    family: "apache-fcgid",
    server: () => APACHE,
    module: "/usr/lib/apache2/modules/mod_fcgid.so",
    files: () => ({
      "app.fcgi": fillIn(readBlock(DEPLOYMENT, "ts", MOD_FCGID), {
        "DENO_DIR=/var/cache/app ": "",
        "--allow-read": `-A --config=${localPath("../../deno.json")}`,
        "/srv/app/app.ts": localPath("served.ts"),
        "/srv/app/fastcgi_server.ts": localPath(FASTCGI),
      }),
    }),
    configuration: (ports) =>
      apache(
        ports,
        ["mpm_event", "alias", "fcgid"],
        `
          ${
          formatScriptEnv((name, value) => `FcgidInitialEnv ${name} "${value}"`)
        }
          FcgidIPCDir .
          FcgidProcessTableFile ./fcgid
          ${
          fillIn(readBlock(DEPLOYMENT, "apache", MOD_FCGID), {
            "/srv/app": ports.folder,
          })
        }
        `,
      ),
    scriptName: "/app",
  }),
  webServer({
    name: "simple_server.ts",
    family: "deno",
    isCut: true,
    server: ({ port }) =>
      program("../../simple_server.ts", [`--port=${port}`], "app.ts"),
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
        isCut: true,
        log: () => text,
        [Symbol.asyncDispose]: () => server[Symbol.asyncDispose](),
      });
    },
  },
];
