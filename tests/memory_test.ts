// Copyright 2026 the wsgiref authors. MIT license.

import { assertEquals, assertGreater, assertLess } from "@std/assert";

const GIBIBYTE = 2 ** 30;
const MEBIBYTE = 2 ** 20;
/** Bare `Deno.serve` uses up to 85 MiB, as blocks wait to be collected. */
const LIMIT = 128 * MEBIBYTE;

const encoder = new TextEncoder();

// What is measured is read from /proc.
const options = { ignore: Deno.build.os !== "linux" };

/** Starts a server in a process of its own. */
async function startServer(): Promise<
  { process: Deno.ChildProcess; port: number; url: string }
> {
  const process = new Deno.Command(Deno.execPath(), {
    args: ["run", "--allow-net", "_memory_server.ts"],
    cwd: new URL(".", import.meta.url),
    stdout: "piped",
    stderr: "null",
  }).spawn();
  const lines = process.stdout.pipeThrough(new TextDecoderStream());
  const { value } = await lines.values().next();
  const port = Number(value);
  return { process, port, url: `http://127.0.0.1:${port}` };
}

/** The most memory that a process has used so far, in bytes. */
async function peakMemory({ pid }: Deno.ChildProcess): Promise<number> {
  const status = await Deno.readTextFile(`/proc/${pid}/status`);
  return 1024 * Number(/^VmHWM:\s+(\d+) kB$/m.exec(status)?.[1]);
}

/** The number of bytes that wait in the buffers of a TCP connection. */
async function queueSize(port: number, otherPort: number): Promise<number> {
  const ports = [port, otherPort].map((port) =>
    port.toString(16).toUpperCase().padStart(4, "0")
  );
  const table = await Deno.readTextFile("/proc/net/tcp");
  return table.split("\n")
    .map((line) => /:(\w{4}) \w+:(\w{4}) \w+ (\w+):(\w+)/.exec(line) ?? [])
    .filter(([, local = "", remote = ""]) =>
      local !== remote && ports.includes(local) && ports.includes(remote)
    )
    .flatMap(([, , , sending = "", received = ""]) => [sending, received])
    .reduce((sum, size) => sum + parseInt(size, 16), 0);
}

async function download(port: number): Promise<number> {
  const { body } = await fetch(`http://127.0.0.1:${port}/download`);
  let size = 0;
  for await (const chunk of body ?? []) size += chunk.length;
  return size;
}

async function upload(port: number): Promise<number> {
  const connection = await Deno.connect({ hostname: "127.0.0.1", port });
  const writer = connection.writable.getWriter();
  await writer.write(encoder.encode(
    `POST /upload HTTP/1.1\r\nHost: h\r\nConnection: close\r\nContent-Length: ${GIBIBYTE}\r\n\r\n`,
  ));
  const block = new Uint8Array(65_536);
  for (let size = 0; size < GIBIBYTE; size += block.length) {
    await writer.write(block);
  }
  const response = await new Response(connection.readable).text();
  return Number(response.split("\r\n\r\n")[1]);
}

/** How much more memory a server has used after a transfer than idle. */
async function measure(transfer: typeof download): Promise<number> {
  const { process, port, url } = await startServer();
  await using _process = process;
  await (await fetch(url)).text();
  const idle = await peakMemory(process);
  assertEquals(await transfer(port), GIBIBYTE);
  return await peakMemory(process) - idle;
}

for (const transfer of [download, upload]) {
  const name =
    `toFetchHandler() has flat memory in the ${transfer.name} of 1 GiB`;
  Deno.test(name, options, async () => {
    let used = Infinity;
    // On a busy machine, garbage is collected late: not each time, though.
    for (let attempt = 0; attempt < 4 && used >= LIMIT; attempt++) {
      used = Math.min(used, await measure(transfer));
    }
    assertLess(used, LIMIT);
  });
}

Deno.test(
  "toFetchHandler() stops asking for a client that stops reading",
  options,
  async () => {
    const { process, port, url } = await startServer();
    await using _process = process;
    using connection = await Deno.connect({ hostname: "127.0.0.1", port });
    await connection.write(
      encoder.encode("GET /endless HTTP/1.1\r\nHost: h\r\n\r\n"),
    );
    let asked = -1;
    let unchanged = 0;
    while (unchanged < 5) {
      await new Promise((resolve) => setTimeout(resolve, 100));
      const before = asked;
      asked = Number(await (await fetch(url)).text());
      unchanged = asked === before ? unchanged + 1 : 0;
    }
    assertGreater(asked, 0);
    const queued = await queueSize(port, connection.localAddr.port);
    assertGreater(queued, 0);
    assertLess(asked - queued, MEBIBYTE);
  },
);
