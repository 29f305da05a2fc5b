// Copyright 2026 the wsgiref authors. MIT license.

import { assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { until, within } from "./_limit.ts";

Deno.test("within() gives what a promise does, or says what did not come", async () => {
  assertEquals(await within("It comes", Promise.resolve(1), 1_000), 1);
  await assertRejects(
    () => within("It comes", Promise.reject(new TypeError("spam")), 1_000),
    TypeError,
    "spam",
  );
  await assertRejects(
    () => within("It comes", new Promise(() => {}), 10),
    Error,
    "It comes within 10 ms",
  );
});

Deno.test("until() waits until something holds, or says what did not", async () => {
  let count = 0;
  await until("It holds", () => ++count === 3, 1_000);
  assertEquals(count, 3);
  await assertRejects(
    () => until("It holds", () => false, 10),
    Error,
    "It holds within 10 ms",
  );
});

Deno.test({
  name:
    "a test that fails says so, though its server has a request that is stuck",
  timeout: 60_000,
  async fn() {
    const folder = await Deno.makeTempDir();
    const here = import.meta.url.replace(/[^/]*$/, "");
    try {
      await Deno.writeTextFile(
        `${folder}/stuck_test.ts`,
        `
          import { assertEquals } from "@std/assert";
          import { makeServer } from "${here}../simple_server.ts";
          import { Client } from "${here}_client.ts";

          Deno.test("stuck", async () => {
            const { promise: called, resolve } = Promise.withResolvers<void>();
            await using server = makeServer("127.0.0.1", 0, () => {
              resolve();
              return new Promise(() => {});
            }, { quiet: true });
            server.serveForever();
            using client = await Client.connect(server.serverPort);
            await client.send("GET / HTTP/1.1\\r\\nHost: h\\r\\n\\r\\n");
            await called;
            assertEquals("the answer", "the right answer");
          });
        `,
      );
      const { code, stdout } = await new Deno.Command(Deno.execPath(), {
        args: ["test", "-A", "--no-check", "--config=deno.json", folder],
        cwd: new URL("..", import.meta.url),
        env: { NO_COLOR: "1" },
        signal: AbortSignal.timeout(30_000),
      }).output();
      const output = new TextDecoder().decode(stdout);
      assertStringIncludes(output, "the right answer");
      assertStringIncludes(output, "0 passed | 1 failed");
      assertEquals(code, 1);
    } finally {
      await Deno.remove(folder, { recursive: true });
    }
  },
});
