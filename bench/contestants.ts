// Copyright 2026 the wsgiref authors. MIT license.

/**
 * The servers that are compared, each one process.
 *
 * @module
 */

/** What a server is asked for. */
export interface Row {
  /** What the servers call it. */
  kind: "hello" | "array" | "blocks" | "bytes" | "echo" | "file";
  /** The number of blocks or bytes. */
  size: number;
}

export interface Contestant {
  name: string;
  /** A command that fails where the contestant is not installed. */
  probe: string[];
  /** Starts the server. */
  command: (row: Row, port: number) => string[];
}

/** Of the packages on Node. */
const VERSIONS = { express: "5.3.0", fastify: "5.12.8" };

const PYTHON = Deno.env.get("BENCH_PYTHON") ?? "/usr/bin/python3";

/** Where the packages on Node are installed, outside of the checkout. */
const PACKAGES = `${
  Deno.env.get("XDG_CACHE_HOME") ?? `${Deno.env.get("HOME")}/.cache`
}/wsgiref-bench`;

const path = (name: string) => `${import.meta.dirname}/servers/${name}`;

const words = ({ kind, size }: Row, port: number) => [
  kind,
  String(size),
  String(port),
];

function onDeno(
  name: string,
  file: string,
  variant: string,
  probe = ["deno", "--version"],
): Contestant {
  return {
    name,
    probe,
    command: (row, port) => [
      "deno",
      "run",
      "--allow-all",
      path(file),
      variant,
      ...words(row, port),
    ],
  };
}

function onNode(
  name: string,
  variant: string,
  probe = ["node", "--version"],
): Contestant {
  return {
    name,
    probe,
    command: (row, port) => [
      "node",
      path("node.mjs"),
      variant,
      ...words(row, port),
    ],
  };
}

const CACHE_HONO = ["deno", "cache", path("hono.ts")];
const hasPackage = (name: string) => [
  "test",
  "-d",
  `${PACKAGES}/node_modules/${name}`,
];

function onPython(
  name: string,
  probe: string[],
  command: (row: Row, port: number) => string[],
): Contestant {
  return {
    name,
    probe,
    command: (row, port) => [
      "env",
      `BENCH_ROW=${row.kind}`,
      `BENCH_SIZE=${row.size}`,
      `PYTHONPATH=${path("")}`,
      ...command(row, port),
    ],
  };
}

/** All of them: the first two are what the others are measured by. */
export const CONTESTANTS: Contestant[] = [
  onDeno("Deno.serve (minimal)", "deno.ts", "minimal"),
  onDeno("Deno.serve (facts)", "deno.ts", "facts"),
  onDeno("wsgiref", "wsgiref.ts", "plain"),
  onDeno("wsgiref (validator)", "wsgiref.ts", "validator"),
  onDeno("wsgiref makeServer (quiet)", "wsgiref.ts", "quiet"),
  onDeno("wsgiref makeServer (logging)", "wsgiref.ts", "logging"),
  onDeno("Deno.serve (bridge)", "deno.ts", "bridge"),
  onDeno("Deno.serve (bridge with middleware)", "deno.ts", "middleware"),
  onDeno("Hono on Deno", "hono.ts", "plain", CACHE_HONO),
  onDeno("Hono on Deno (facts)", "hono.ts", "facts", CACHE_HONO),
  onDeno("Hono on Deno (bridge)", "hono.ts", "bridge", CACHE_HONO),
  onNode("node:http", "http"),
  onNode("Express on Node", "express", hasPackage("express")),
  onNode("Fastify on Node", "fastify", hasPackage("fastify")),
  onPython(
    "CPython wsgiref",
    [PYTHON, "-c", "import wsgiref"],
    (row, port) => [PYTHON, path("app.py"), "wsgiref", ...words(row, port)],
  ),
  onPython(
    "waitress",
    [PYTHON, "-c", "import waitress"],
    (row, port) => [PYTHON, path("app.py"), "waitress", ...words(row, port)],
  ),
  onPython("gunicorn", ["gunicorn", "--version"], (_row, port) => [
    "gunicorn",
    "--workers=1",
    "--log-level=error",
    `--bind=127.0.0.1:${port}`,
    "app:app",
  ]),
  onPython("uWSGI", ["uwsgi", "--version"], (_row, port) => [
    "uwsgi",
    "--plugins=python3",
    "--disable-logging",
    "--listen=1024",
    "--die-on-term",
    `--http-socket=127.0.0.1:${port}`,
    "--module=app:app",
  ]),
];

/** The variables that the servers are started with. */
export function environment(file: string): Record<string, string> {
  return {
    BENCH_FILE: file,
    BENCH_PACKAGES: PACKAGES,
  };
}

/** Installs the packages on Node, where there is npm. */
export async function install(): Promise<void> {
  await Deno.mkdir(PACKAGES, { recursive: true });
  await succeeds([
    "npm",
    "install",
    "--no-save",
    `--prefix=${PACKAGES}`,
    `express@${VERSIONS.express}`,
    `fastify@${VERSIONS.fastify}`,
  ]);
}

/** Whether a command exists and succeeds. */
export async function succeeds([name = "", ...args]: string[]): Promise<
  boolean
> {
  try {
    return (await new Deno.Command(name, { args }).output()).success;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
}
