#!/usr/bin/env -S deno run --allow-env
// Copyright 2026 the wsgiref authors. MIT license.

/**
 * A Hono application as a CGI script.
 *
 * @module
 */

import { CgiHandler, fromFetchHandler } from "@wsgi/wsgiref/handlers";
import { Hono } from "hono";

// The web server has put the script at a path of its own.
const app = new Hono().basePath(Deno.env.get("SCRIPT_NAME") ?? "/");

app.get("/hello/:name", (c) => c.text(`Hello, ${c.req.param("name")}!`));
app.post("/", async (c) => c.json(await c.req.parseBody()));

await new CgiHandler().run(fromFetchHandler(app.fetch));
