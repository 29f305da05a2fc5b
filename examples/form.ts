// Copyright 2026 the wsgiref authors. MIT license.

/**
 * Asks for a name by a form, and knows it again by a cookie.
 *
 * ```sh
 * deno run -N -R simple_server.ts examples/form.ts
 * ```
 *
 * Then open http://127.0.0.1:8000/.
 *
 * @module
 */

import { escape } from "@std/html/entities";
import { getCookies, setCookie } from "@std/http/cookie";
import { RequestError } from "@wsgi/wsgiref/handlers";
import type { WsgiApplication, WsgiEnviron } from "@wsgi/wsgiref/types";
import { requestUri } from "@wsgi/wsgiref/util";

/** The name in the cookie of a request. */
function readName(environ: WsgiEnviron): string {
  const headers = new Headers({ Cookie: environ.HTTP_COOKIE ?? "" });
  try {
    return decodeURIComponent(getCookies(headers).name ?? "");
  } catch {
    // There is no cookie, or this application has not written it.
    return "";
  }
}

/** The name that a form was sent with. */
async function receiveName(environ: WsgiEnviron): Promise<string> {
  const { CONTENT_TYPE: type = "", "wsgi.input": input } = environ;
  const headers = { "Content-Type": type };
  try {
    const form = await new Response(input.readable, { headers }).formData();
    const name = form.get("name");
    // A file has the name of a field, too.
    return typeof name === "string" ? name.slice(0, 100).toWellFormed() : "";
  } catch (error) {
    // A body that is too large, or broken off, is one already.
    if (error instanceof RequestError) throw error;
    throw new RequestError("Cannot read the form", 400, { cause: error });
  }
}

/** Greets whoever has given a name. */
const form: WsgiApplication = async (environ, startResponse) => {
  if (environ.REQUEST_METHOD === "POST") {
    const uri = requestUri(environ, { includeQuery: false });
    const headers = new Headers({ Location: uri });
    setCookie(headers, {
      name: "name",
      value: encodeURIComponent(await receiveName(environ)),
      httpOnly: true,
      sameSite: "Lax",
    });
    // A page that is loaded again must not send the form again.
    startResponse("303 See Other", [...headers]);
    return [];
  }
  const name = escape(readName(environ));
  startResponse("200 OK", [
    ["Content-Type", "text/html; charset=utf-8"],
    ["Cache-Control", "no-store"],
  ]);
  return [new TextEncoder().encode(`<!DOCTYPE html>
<html lang="en">
<title>Hello</title>
<h1>Hello, ${name || "stranger"}!</h1>
<form method="post">
  <label>Your name: <input name="name" value="${name}" required></label>
  <button>Greet me</button>
</form>
`)];
};

export default form;
