// Copyright 2026 the wsgiref authors. MIT license.

/**
 * Asks for a name and a password: RFC 7617. It needs no hooks, as it only
 * decides who gets to the application.
 *
 * @module
 */

import { timingSafeEqual } from "@std/crypto/timing-safe-equal";
import type { WsgiApplication } from "@wsgi/wsgiref/types";
import { decodeNativeString, encodeNativeString } from "@wsgi/wsgiref/util";

/** Options for {@linkcode basicAuth}. */
export interface BasicAuthOptions {
  /** What the client is told to ask for. */
  realm: string;
  /** The password of each name. */
  passwords: ReadonlyMap<string, string>;
}

/** Digests are of one length, so that time tells nothing of a password. */
async function isSame(text: string, other: string): Promise<boolean> {
  const digest = (text: string) =>
    crypto.subtle.digest("SHA-256", new TextEncoder().encode(text));
  return timingSafeEqual(await digest(text), await digest(other));
}

function parseCredentials(value = ""): [name: string, password: string] {
  const [, encoded = ""] = /^basic +([\w+/]+=*)$/i.exec(value) ?? [];
  try {
    const [, name = "", password = ""] =
      /^([^:]*):(.*)$/s.exec(decodeNativeString(atob(encoded))) ?? [];
    return [name, password];
  } catch {
    return ["", ""];
  }
}

/** Lets those to an application who know a password. */
export function basicAuth(
  app: WsgiApplication,
  { realm, passwords }: BasicAuthOptions,
): WsgiApplication {
  return async (environ, startResponse) => {
    const [name, given] = parseCredentials(environ.HTTP_AUTHORIZATION);
    const password = passwords.get(name);
    if (!await isSame(given, password ?? "") || password === undefined) {
      startResponse("401 Unauthorized", [
        ["Content-Type", "text/plain"],
        ["WWW-Authenticate", `Basic realm="${realm}", charset="UTF-8"`],
      ]);
      return [new TextEncoder().encode("Who are you?\n")];
    }
    environ.AUTH_TYPE = "Basic";
    environ.REMOTE_USER = encodeNativeString(name);
    return app(environ, startResponse);
  };
}
