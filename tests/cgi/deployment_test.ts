// Copyright 2026 the wsgiref authors. MIT license.

/** The blocks of `docs/deployment.md` that are about no gateway. */

import { assertEquals, assertMatch } from "@std/assert";
import { fillIn, localPath, readBlock } from "./_blocks.ts";
import {
  APACHE,
  apache,
  CADDY,
  caddy,
  DEPLOYMENT,
  type Gateway,
  type GatewayKind,
  NGINX,
  nginx,
  webServer,
} from "./_gateways.ts";

const PROGRAM = "jsr:@wsgi/wsgiref@^0.1.0/simple-server";
const CONFIG = `--config=${localPath("../../deno.json")}`;

/** A command of the text, with the files that are there. */
function command(
  text: string,
  folder: string,
  replacements: Record<string, string> = {},
): string[] {
  const filled = fillIn(text, {
    [PROGRAM]: localPath("../../simple_server.ts"),
    "/srv/app/app.ts": localPath("variables.ts"),
    ...replacements,
  });
  return filled.replaceAll("\\\n", " ").replaceAll("/run/app", folder).trim()
    .split(/\s+/);
}

/** What `ExecStart` of the service runs. */
function service(folder: string, ...more: string[]): string[] {
  const unit = readBlock(DEPLOYMENT, "ini", "## A server of its own");
  const [, line = ""] = /^ExecStart=(.*)$/m.exec(unit) ?? [];
  return [
    ...command(line, folder, { "/usr/local/bin/deno": Deno.execPath() }),
    ...more,
  ];
}

/** What an application sees of a request that a client has sent like this. */
async function ask(
  { url }: Gateway,
  path: string,
  { caCerts }: { caCerts?: string[] } = {},
): Promise<Record<string, unknown>> {
  const port = Number(new URL(url).port);
  using connection = caCerts === undefined
    ? await Deno.connect({ hostname: "127.0.0.1", port })
    : await Deno.connectTls({ hostname: "localhost", port, caCerts });
  // Nothing of what the client pretends to know may count.
  const request = [
    `GET ${path} HTTP/1.1`,
    "Host: example.com",
    "Connection: close",
    "X-Forwarded-For: 192.0.2.1",
    "X-Forwarded-Proto: gopher",
    "X-Forwarded-Host: evil.example",
    "X-Forwarded-Prefix: /evil",
    "Forwarded: for=192.0.2.1;proto=gopher;host=evil.example",
    "",
    "",
  ].join("\r\n");
  await connection.write(new TextEncoder().encode(request));
  const response = await new Response(connection.readable).text();
  assertMatch(response, /^HTTP\/1\.1 200 /);
  return JSON.parse(/\{.*\}/.exec(response)?.[0] ?? "");
}

interface Proxy {
  name: string;
  /** The options of the program that the text tells of. */
  options?: string[];
  server: string[];
  configuration: (port: number, folder: string) => string;
}

const socketFile = (folder: string) => ({
  "/run/app/app.sock": `${folder}/app.sock`,
});

/** The configuration of nginx, with another location. */
function nginxServer(location = ""): Proxy["configuration"] {
  return (port, folder) => {
    const block = fillIn(readBlock(DEPLOYMENT, "nginx", "### nginx"), {
      "listen 80;": `listen 127.0.0.1:${port};`,
      ...socketFile(folder),
    });
    if (location === "") return nginx(block);
    return nginx(block.replace(/ {2}location \/ \{.*?\}\n/s, location));
  };
}

/** A server with another line in place of `listen`. */
function withTls(port: number, folder: string): string {
  return nginxServer()(port, folder).replace(
    /listen (.*);/,
    `listen $1 ssl;
     ssl_certificate ${localPath("../tls/cert.pem")};
     ssl_certificate_key ${localPath("../tls/key.pem")};`,
  );
}

const BELOW = "### Below a path";
const STRIPPED = ["--forwarded", "prefix=1"];

const PROXIES: Record<string, Proxy[]> = {
  "": [
    { name: "nginx", server: NGINX, configuration: nginxServer() },
    {
      name: "Apache httpd",
      server: APACHE,
      configuration: (port, folder) =>
        apache(
          { folder, port, backendPort: 0 },
          ["mpm_event", "proxy", "proxy_http", "headers"],
          fillIn(readBlock(DEPLOYMENT, "apache", "### Apache"), {
            ...socketFile(folder),
          }),
        ),
    },
    {
      name: "Caddy",
      server: CADDY,
      configuration: (port, folder) =>
        caddy(
          fillIn(readBlock(DEPLOYMENT, "caddyfile", "### Caddy"), {
            "http://example.com": `http://:${port}`,
            ...socketFile(folder),
          }),
        ),
    },
  ],
  "/app": [
    {
      name: "nginx, which passes the path on",
      options: ["--script-name", "/app"],
      server: NGINX,
      configuration: nginxServer(readBlock(DEPLOYMENT, "nginx", BELOW)),
    },
    {
      name: "nginx, which strips the path",
      options: STRIPPED,
      server: NGINX,
      configuration: nginxServer(
        readBlock(DEPLOYMENT, "nginx", "has its own:\n"),
      ),
    },
    {
      name: "Caddy, which strips the path",
      options: STRIPPED,
      server: CADDY,
      configuration: (port, folder) =>
        caddy(
          `http://:${port} {\n${
            fillIn(readBlock(DEPLOYMENT, "caddyfile", BELOW), {
              ...socketFile(folder),
            })
          }\n}`,
        ),
    },
  ],
};

function behind(proxy: Proxy): GatewayKind {
  return webServer({
    name: proxy.name,
    family: "deno",
    hasSocketFile: true,
    backend: ({ folder }) => service(folder, ...proxy.options ?? []),
    server: () => proxy.server,
    configuration: ({ port, folder }) => proxy.configuration(port, folder),
    scriptName: "",
  });
}

for (const [script, proxies] of Object.entries(PROXIES)) {
  for (const proxy of proxies) {
    const { name, skipped, start } = behind(proxy);
    Deno.test({
      name:
        `The service behind ${name} knows what the client asked for${skipped}`,
      ignore: skipped !== "",
      async fn() {
        await using gateway = await start();
        for (const path of ["/", "/a%20b/c?d=%2F&e"]) {
          assertEquals(await ask(gateway, script + path), {
            url: `http://example.com${script}${path}`,
            address: "127.0.0.1",
            host: "example.com",
            scheme: "http",
            script,
            path: decodeURIComponent(path.replace(/\?.*/, "")),
            multiprocess: false,
          });
        }
      },
    });
  }
}

{
  const { skipped, start } = behind({
    name: "nginx",
    server: NGINX,
    configuration: withTls,
  });
  Deno.test({
    name:
      `The service behind nginx knows that the client came by TLS${skipped}`,
    ignore: skipped !== "",
    async fn() {
      await using gateway = await start();
      const path = localPath("../tls/cert.pem");
      const caCerts = [await Deno.readTextFile(path)];
      const { url, scheme } = await ask(gateway, "/a", { caCerts });
      assertEquals([url, scheme], ["https://example.com/a", "https"]);
    },
  });
}

/** A server that is started by a command of the text, and nothing in front. */
function alone(
  server: (port: number, folder: string) => string[],
  files: (folder: string) => Record<string, string> = () => ({}),
): Promise<Gateway> {
  return webServer({
    name: "the command",
    family: "deno",
    server: ({ port, folder }) => server(port, folder),
    files: ({ folder }) => files(folder),
    scriptName: "",
  }).start();
}

Deno.test("The program serves at a port", async () => {
  const block = readBlock(DEPLOYMENT, "sh", "## A server of its own");
  await using gateway = await alone((port, folder) =>
    command(block, folder, { "8000": String(port), "deno": Deno.execPath() })
  );
  const { host, address } = await ask(gateway, "/");
  // Here is no proxy, and who has no proxy must not say so.
  assertEquals([host, address], ["evil.example", "192.0.2.1"]);
});

Deno.test("deno serve --parallel serves an application on every core", async () => {
  const heading = "## Several cores";
  await using gateway = await alone(
    (port, folder) =>
      fillIn(readBlock(DEPLOYMENT, "sh", heading), {
        "8000": String(port),
        "deno serve": `${Deno.execPath()} serve ${CONFIG}`,
        "/srv/app": folder,
      }).trim().split(" "),
    () => ({
      "app.ts": `export * from "${localPath("variables.ts")}";`,
      "serve.ts": readBlock(DEPLOYMENT, "ts", heading),
    }),
  );
  const { host, multiprocess } = await ask(gateway, "/");
  assertEquals([host, multiprocess], ["evil.example", true]);
});

Deno.test("The container has all that it runs", async () => {
  const text = readBlock(DEPLOYMENT, "dockerfile", "## A container");
  const file = fillIn(text, { [PROGRAM]: localPath("../../simple_server.ts") });
  const [, build = ""] = /^RUN deno (.*)$/m.exec(file) ?? [];
  const [, start = ""] = /^CMD (.*)$/m.exec(file) ?? [];
  const files = { "app.ts": `export * from "${localPath("variables.ts")}";` };
  const [, version] = /^FROM denoland\/deno:(.*)$/m.exec(file) ?? [];
  assertEquals(version, Deno.version.deno);
  await using gateway = await alone(
    (port) => [
      "/bin/sh",
      "-ec",
      `"$0" ${build}; exec "$0" "$@"`,
      Deno.execPath(),
      ...JSON.parse(start),
      `--port=${port}`,
    ],
    () => files,
  );
  const { host } = await ask(gateway, "/");
  assertEquals(host, "example.com");
});
