// Copyright 2026 the wsgiref authors. MIT license.

/** Applications as people see them. */

import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import download from "../../examples/download.ts";
import events from "../../examples/events.ts";
import { fileServer } from "../../examples/file_server.ts";
import form from "../../examples/form.ts";
import { demoApp } from "../../simple_server.ts";
import { validator } from "../../validate.ts";
import { until } from "../_limit.ts";
import { errorsOf, serve } from "../_serving.ts";
import { withPage } from "./_chromium.ts";

/** Names that must be escaped, each with another character. */
const NAMES = ["<b>.txt", "a&lt;.txt", '"?#.txt', "50%25.txt", "é あ:.txt"];

Deno.test("demoApp() shows its greeting and the environ", async () => {
  await using serving = serve("server", validator(demoApp));
  await withPage(async (page) => {
    await page.goto(`http://127.0.0.1:${serving.port}/sp%20am?a=<b>`);
    const text = await page.locator("body").innerText();
    assertStringIncludes(text, "Hello world!\n\n");
    assertStringIncludes(text, "\nPATH_INFO = '/sp am'\n");
    assertStringIncludes(text, "\nQUERY_STRING = 'a=%3Cb%3E'\n");
  });
  assertEquals(errorsOf(serving.log), []);
});

Deno.test("fileServer() has links that lead to every file, and back", async () => {
  const directory = await Deno.makeTempDir();
  const longName = `${"long".repeat(50)}.txt`;
  try {
    await Deno.mkdir(`${directory}/Täg/empty`, { recursive: true });
    for (const name of [...NAMES, longName]) {
      await Deno.writeTextFile(`${directory}/Täg/${name}`, `This is ${name}`);
    }
    await using serving = serve("server", validator(fileServer(directory)));
    await withPage(async (page) => {
      const follow = (name: string) =>
        page.getByRole("link", { name, exact: true }).click();
      const root = `http://127.0.0.1:${serving.port}/`;
      const heading = page.getByRole("heading");

      await page.goto(root);
      assertEquals(await page.getByRole("link").allInnerTexts(), ["Täg/"]);
      await follow("Täg/");
      for (const name of NAMES) {
        await follow(name);
        await page.getByText(`This is ${name}`).waitFor();
        await page.goBack();
      }
      await follow("empty/");
      assertEquals(await heading.innerText(), "/Täg/empty/");
      await follow("../");
      assertEquals(await heading.innerText(), "/Täg/");
      // A long name is no reason to scroll sideways on a telephone.
      await page.setViewportSize({ width: 360, height: 640 });
      const isNarrow = "document.documentElement.scrollWidth <= innerWidth";
      assert(await page.evaluate(isNarrow));
      await follow("../");
      assertEquals(page.url(), root);
    });
    assertEquals(errorsOf(serving.log), []);
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
});

Deno.test("form() greets by the name that was typed in, also when loaded again", async () => {
  await using serving = serve("server", validator(form));
  await withPage(async (page) => {
    await page.goto(`http://127.0.0.1:${serving.port}/`);
    const heading = page.getByRole("heading");
    assertEquals(await heading.innerText(), "Hello, stranger!");
    const field = page.getByLabel("Your name");
    for (const name of ["Zoë", '<b>"あ"; &amp;']) {
      await field.fill(name);
      await page.getByRole("button").click();
      await page.getByText(`Hello, ${name}!`).waitFor();
      assertEquals(await field.inputValue(), name);
      await page.reload();
      assertEquals(await heading.innerText(), `Hello, ${name}!`);
    }
  });
  assertEquals(errorsOf(serving.log), []);
});

Deno.test("events() shows the time as it passes, and ends with the page", async () => {
  const signals: AbortSignal[] = [];
  await using serving = serve(
    "server",
    validator((environ, startResponse) => {
      const { PATH_INFO: path, "wsgiref.signal": signal } = environ;
      if (path === "/events" && signal) signals.push(signal);
      return events(environ, startResponse);
    }),
  );
  await withPage(async (page) => {
    await page.goto(`http://127.0.0.1:${serving.port}/`);
    const output = page.locator("output");
    await output.filter({ hasText: /Z$/ }).waitFor();
    const first = await output.innerText();
    await output.filter({ hasNotText: first }).waitFor();
    assert(await output.innerText() > first);
    assertEquals(signals.map((signal) => signal.aborted), [false]);
    await page.goto("about:blank");
    await until("The events end", () => signals[0]?.aborted === true);
  });
  assertEquals(errorsOf(serving.log), []);
});

Deno.test("download() is saved under its name", async () => {
  await using serving = serve("server", validator(download));
  await withPage(async (page) => {
    const saving = page.waitForEvent("download");
    const link = `<a href="http://127.0.0.1:${serving.port}/">Savings</a>`;
    await page.setContent(link);
    await page.getByRole("link").click();
    const saved = await saving;
    assertEquals(saved.suggestedFilename(), "Savings in €.csv");
    const text = await Deno.readTextFile(await saved.path());
    assertEquals(text.split("\r\n")[1], "1,1020.00,€");
  });
  assertEquals(errorsOf(serving.log), []);
});
