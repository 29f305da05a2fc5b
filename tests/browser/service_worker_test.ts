// Copyright 2026 the wsgiref authors. MIT license.

/** An application that the browser itself serves. */

import { assertEquals, assertStringIncludes } from "@std/assert";
import type { WsgiApplication } from "../../types.ts";
import { validator } from "../../validate.ts";
import { within } from "../_limit.ts";
import { installProgram, run } from "../_npm.ts";
import { installThis } from "../package/_package.ts";
import { requestsOf } from "../_client.ts";
import { errorsOf, serve } from "../_serving.ts";
import { withPage } from "./_chromium.ts";

/** The milliseconds that packages may take to be installed and bundled. */
const BUNDLE_LIMIT = 120_000;

/** The worker: the demo application, and one that reads what it is sent. */
const WORKER = `
  import { demoApp, toFetchHandler, validator } from "@wsgi/wsgiref";

  async function* capitals(input) {
    for await (const line of input) {
      const text = new TextDecoder().decode(line);
      yield new TextEncoder().encode(text.toUpperCase());
    }
  }

  function app(environ, startResponse) {
    if (environ.PATH_INFO !== "/capitals") {
      return demoApp(environ, startResponse);
    }
    startResponse("200 OK", [["Content-Type", "text/plain"]]);
    return capitals(environ["wsgi.input"]);
  }

  const handler = toFetchHandler(validator(app));
  addEventListener("fetch", (event) =>
    event.respondWith(handler(event.request))
  );
  addEventListener("activate", (event) => event.waitUntil(clients.claim()));
`;

const PAGE = `<!DOCTYPE html>
<title>Service worker</title>
<p></p>
<form method="post" action="/capitals" enctype="text/plain">
  <input name="text"><button>Send</button>
</form>
<script type="module">
  const { serviceWorker } = navigator;
  serviceWorker.oncontrollerchange = () =>
    document.querySelector("p").textContent = "It serves";
  await serviceWorker.register("/worker.js");
</script>
`;

/** Makes one file of the worker and what it imports. */
async function bundleWorker(): Promise<string> {
  const directory = await Deno.makeTempDir();
  try {
    await installThis(directory, {});
    const esbuild = await installProgram(directory, "esbuild");
    await Deno.writeTextFile(`${directory}/worker.js`, WORKER);
    const args = ["worker.js", "--bundle", "--platform=browser"];
    return await run(esbuild, args, directory);
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
}

Deno.test("toFetchHandler() serves an application in a service worker", async () => {
  const files: Partial<Record<string, [type: string, text: string]>> = {
    "/": ["text/html", PAGE],
    "/worker.js": [
      "text/javascript",
      await within(
        "The worker is bundled",
        bundleWorker(),
        BUNDLE_LIMIT,
      ),
    ],
  };
  const app: WsgiApplication = (environ, startResponse) => {
    const [type, text] = files[environ.PATH_INFO ?? ""] ?? ["text/plain", ""];
    startResponse("200 OK", [["Content-Type", type]]);
    return [new TextEncoder().encode(text)];
  };
  await using serving = serve("server", validator(app));
  await withPage(async (page) => {
    const origin = `http://127.0.0.1:${serving.port}`;
    await page.goto(origin);
    await page.getByText("It serves").waitFor();

    await page.getByRole("textbox").fill("spam");
    await page.getByRole("button").click();
    await page.getByText("TEXT=SPAM").waitFor();

    await page.goto(`${origin}/a%20b?c`);
    const text = await page.locator("body").innerText();
    assertStringIncludes(text, "Hello world!\n\n");
    assertStringIncludes(text, "\nPATH_INFO = '/a b'\n");
    assertStringIncludes(text, "\nQUERY_STRING = 'c'\n");
  });
  // None of these requests has left the browser.
  assertEquals(
    requestsOf(serving.log).filter((line) => /\/[ac]/.test(line)),
    [],
  );
  assertEquals(errorsOf(serving.log), []);
});
