// Copyright 2026 the wsgiref authors. MIT license.

/**
 * Keeps data of each client in a store, found by a signed cookie.
 *
 * @module
 */

import { getCookies, setCookie } from "@std/http/cookie";
import { middleware } from "@wsgi/wsgiref/middleware";
import type { WsgiApplication, WsgiEnviron } from "@wsgi/wsgiref/types";

/**
 * The data of a client. The application may change it until it calls
 * `startResponse()`, as the cookie is a header.
 */
export type Session = Record<string, unknown>;

/** Where sessions are kept, such as a database. */
export interface SessionStore {
  get(id: string): Promise<Session | undefined>;
  set(id: string, session: Session): Promise<void>;
}

/** Options for {@linkcode sessions}. */
export interface SessionsOptions {
  /** An HMAC key, to sign the cookies with. */
  key: CryptoKey;
  store: SessionStore;
}

const VARIABLE = "sessions.session";

/** Gives the session of a request. */
export function sessionOf(environ: WsgiEnviron): Session {
  return environ[VARIABLE] as Session;
}

/** The id in the cookie of a request, if this server has signed it. */
async function findId(
  environ: WsgiEnviron,
  key: CryptoKey,
): Promise<string | undefined> {
  try {
    const headers = new Headers({ Cookie: environ.HTTP_COOKIE ?? "" });
    const [id = "", signature = ""] = (getCookies(headers).session ?? "")
      .split(".");
    const bytes = Uint8Array.fromBase64(signature, { alphabet: "base64url" });
    const data = new TextEncoder().encode(id);
    if (await crypto.subtle.verify("HMAC", key, bytes, data)) return id;
  } catch {
    // What no server has written is no session.
  }
}

async function cookieOf(id: string, key: CryptoKey): Promise<string> {
  const data = new TextEncoder().encode(id);
  const bytes = new Uint8Array(await crypto.subtle.sign("HMAC", key, data));
  const signature = bytes.toBase64({
    alphabet: "base64url",
    omitPadding: true,
  });
  const headers = new Headers();
  setCookie(headers, {
    name: "session",
    value: `${id}.${signature}`,
    path: "/",
    httpOnly: true,
    sameSite: "Lax",
  });
  return headers.get("Set-Cookie") as string;
}

/** Gives each request to an application its session. */
export function sessions(
  app: WsgiApplication,
  { key, store }: SessionsOptions,
): WsgiApplication {
  return middleware(app, async (environ) => {
    const known = await findId(environ, key);
    const session = (known && await store.get(known)) || {};
    const before = JSON.stringify(session);
    environ[VARIABLE] = session;
    return {
      start({ headers }) {
        // What one client is sent is not for the cache of another.
        headers.addHeader("Vary", "Cookie");
        if (JSON.stringify(session) === before) return;
        // It is stored before the client can come back with the cookie.
        return (async () => {
          const id = known ?? crypto.randomUUID();
          await store.set(id, session);
          headers.addHeader("Set-Cookie", await cookieOf(id, key));
        })();
      },
    };
  });
}
