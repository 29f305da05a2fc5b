// Copyright 2026 the wsgiref authors. MIT license.

/** Chromium without a window, as Debian packages it. */

import { chromium, type Page } from "playwright-core";
import { within } from "../_limit.ts";

/** The milliseconds that the browser may take to start, or to end. */
const BROWSER_LIMIT = 30_000;

/** The milliseconds that a page may take for one thing. */
const PAGE_LIMIT = 10_000;

/** The milliseconds that everything that is done with a page may take. */
const LIMIT = 60_000;

/** Opens an empty page, and closes it with its browser in the end. */
export async function withPage(use: (page: Page) => Promise<void>) {
  const browser = await chromium.launch({
    executablePath: "/usr/bin/chromium",
    args: [
      "--headless",
      "--no-sandbox",
      "--disable-gpu",
      "--disable-quic",
      "--no-first-run",
      "--disable-background-networking",
      "--disable-component-update",
      "--disable-sync",
    ],
    timeout: BROWSER_LIMIT,
  });
  try {
    const page = await browser.newPage({
      viewport: { width: 720, height: 480 },
    });
    page.setDefaultTimeout(PAGE_LIMIT);
    await within("The page does what it should", use(page), LIMIT);
  } finally {
    await within("The browser ends", browser.close(), BROWSER_LIMIT);
  }
}
