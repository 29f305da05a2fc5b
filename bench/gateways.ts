// Copyright 2026 the wsgiref authors. MIT license.

/**
 * Compares ways from nginx to an application, which take turns behind one nginx.
 *
 * ```sh
 * deno run -A bench/gateways.ts --rounds 5 --seconds 2
 * ```
 *
 * @module
 */

// deno-lint-ignore-file no-console

import { parseArgs } from "node:util";
import { load, median } from "./measure.ts";

interface Way {
  /** Starts what nginx connects to. */
  command: (port: number) => string[];
  /** The location of nginx. */
  location: (port: number) => string;
  /** Whether nginx keeps connections. */
  keeps?: boolean;
  /** How many requests there are at a time, if not as many as elsewhere. */
  connections?: number;
}

const path = (name: string) => `${import.meta.dirname}/${name}`;
const APP = path("servers/gateway.ts");

const server = (port: number) => [
  "deno",
  "run",
  "-A",
  path("../simple_server.ts"),
  APP,
  "--no-validate",
  "--quiet",
  `--port=${port}`,
];

const example = (name: string) => (port: number) => [
  "deno",
  "run",
  "-A",
  path(`../examples/${name}_server.ts`),
  APP,
  String(port),
];

/** Passes all variables on, and the path as PATH_INFO. */
const params = (module: string) => `
  include /etc/nginx/${module}_params;
  ${module}_param SCRIPT_NAME "";
  ${module}_param PATH_INFO $document_uri;
`;

/** The first is what the others are measured by. */
const WAYS: Record<string, Way> = {
  "proxy_pass, kept": {
    keeps: true,
    command: server,
    location: () => `
      proxy_http_version 1.1;
      proxy_set_header Connection "";
      proxy_pass http://kept;
    `,
  },
  "fastcgi_pass, kept": {
    keeps: true,
    command: example("fastcgi"),
    location: () => `
      ${params("fastcgi")}
      fastcgi_keep_conn on;
      fastcgi_pass kept;
    `,
  },
  "proxy_pass": {
    command: server,
    location: (port) => `proxy_pass http://127.0.0.1:${port};`,
  },
  "fastcgi_pass": {
    command: example("fastcgi"),
    location: (port) => `${params("fastcgi")} fastcgi_pass 127.0.0.1:${port};`,
  },
  "scgi_pass": {
    command: example("scgi"),
    location: (port) => `${params("scgi")} scgi_pass 127.0.0.1:${port};`,
  },
  "uwsgi_pass, uWSGI with Python": {
    command: (port) => [
      "env",
      "BENCH_ROW=hello",
      "BENCH_SIZE=0",
      `PYTHONPATH=${path("servers")}`,
      "uwsgi",
      "--plugins=python3",
      "--disable-logging",
      "--die-on-term",
      "--master",
      `--uwsgi-socket=127.0.0.1:${port}`,
      "--module=app:app",
    ],
    location: (port) =>
      `include /etc/nginx/uwsgi_params; uwsgi_pass 127.0.0.1:${port};`,
  },
  "fastcgi_pass, CGI by fcgiwrap": {
    // A process for each of them takes all that there is.
    connections: 2,
    command: (port) => ["fcgiwrap", "-c2", "-s", `tcp:127.0.0.1:${port}`],
    location: (port) => `
      ${params("fastcgi")}
      fastcgi_param SCRIPT_FILENAME ${path("../examples/cgi.ts")};
      fastcgi_pass 127.0.0.1:${port};
    `,
  },
};

function freePort(): number {
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  return listener.addr.port;
}

function spawn(folder: string, [name = "", ...args]: string[]) {
  return new Deno.Command("/bin/sh", {
    // As a group of its own: fcgiwrap and uWSGI have children.
    args: ["-c", 'exec setsid "$0" "$@" >>log 2>&1', name, ...args],
    cwd: folder,
    stdin: "null",
  }).spawn();
}

/** A way that is ready. */
class Running implements AsyncDisposable {
  readonly url: string;
  readonly #processes: Deno.ChildProcess[];

  constructor(folder: string, way: Way) {
    const port = freePort();
    const nginxPort = freePort();
    const folders = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"];
    Deno.writeTextFileSync(
      `${folder}/nginx.conf`,
      `
        daemon off;
        master_process off;
        pid nginx.pid;
        error_log log;
        events { worker_connections 4096; }
        http {
          access_log off;
          keepalive_requests 1000000;
          ${folders.map((name) => `${name}_temp_path ${name};`).join("\n")}
          upstream kept {
            server 127.0.0.1:${port};
            keepalive 64;
            keepalive_requests 1000000;
          }
          server {
            listen 127.0.0.1:${nginxPort};
            location / { ${way.location(port)} }
          }
        }
      `,
    );
    this.url = `http://127.0.0.1:${nginxPort}/`;
    this.#processes = [
      spawn(folder, way.command(port)),
      spawn(folder, ["nginx", "-p", ".", "-c", "nginx.conf"]),
    ];
  }

  /** Waits until it answers, and checks what. */
  async ready(): Promise<void> {
    for (let attempt = 0; attempt < 200; attempt++) {
      const response = await fetch(this.url).catch(() => null);
      const text = await response?.text();
      if (response?.status === 200 && text === "Hello, world!") return;
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
    throw new RangeError(`Cannot measure ${this.url} as it does not answer`);
  }

  /** The memory of the process behind nginx, in MB. */
  memory(): number {
    const pid = this.#processes[0]?.pid;
    const status = Deno.readTextFileSync(`/proc/${pid}/status`);
    return 1.024e-3 * Number(/^VmRSS:\s+(\d+)/m.exec(status)?.[1]);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const process of this.#processes) {
      Deno.kill(-process.pid, "SIGKILL");
      await process.status;
    }
  }
}

/** How long each new server is loaded before it is measured, in seconds. */
const WARM_UP = 3;

const ratio = (rates: number[], others: number[]) =>
  median(rates.map((rate, round) => rate / (others[round] ?? NaN)));

async function compareRates(
  folder: string,
  rounds: number,
  seconds: number,
): Promise<void> {
  const rates: Record<string, number[]> = {};
  for (let round = 0; round < rounds; round++) {
    for (const [name, way] of Object.entries(WAYS)) {
      await using running = new Running(folder, way);
      await running.ready();
      const { connections = 32 } = way;
      await load(running.url, { connections }, WARM_UP);
      const rate = await load(running.url, { connections }, seconds);
      (rates[name] ??= []).push(rate);
    }
  }
  console.log("| way | requests/s | of proxy_pass |\n|---|--:|--:|");
  for (const [name, way] of Object.entries(WAYS)) {
    const own = rates[name] ?? [];
    const other = rates[way.keeps ? "proxy_pass, kept" : "proxy_pass"] ?? [];
    console.log(
      `| ${name} | ${median(own).toFixed(0)} | ${
        ratio(own, other).toFixed(2)
      } |`,
    );
  }
}

async function watchMemory(folder: string, requests: number): Promise<void> {
  for (const name of ["fastcgi_pass, kept", "fastcgi_pass", "scgi_pass"]) {
    await using running = new Running(folder, WAYS[name] as Way);
    await running.ready();
    await load(running.url, {}, 5);
    const before = running.memory();
    let count = 0;
    while (count < requests) count += await load(running.url, {}, 1);
    console.log(
      `${name}: ${before.toFixed(0)} MB, and after`,
      `${count.toFixed(0)} requests ${running.memory().toFixed(0)} MB`,
    );
  }
}

if (import.meta.main) {
  const { values: flags } = parseArgs({
    options: {
      rounds: { type: "string", default: "7" },
      seconds: { type: "string", default: "3" },
      requests: { type: "string", default: "100000" },
    },
  });
  const folder = await Deno.makeTempDir({ prefix: "wsgiref-bench-" });
  try {
    await compareRates(folder, Number(flags.rounds), Number(flags.seconds));
    await watchMemory(folder, Number(flags.requests));
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}
