// Copyright 2026 the wsgiref authors. MIT license.
/** A cookie, and whom browsers send it to. */
export interface Cookie {
  name: string;
  value: string;
  expires?: Date | number;
  maxAge?: number;
  domain?: string;
  path?: string;
  secure?: boolean;
  httpOnly?: boolean;
  partitioned?: boolean;
  sameSite?: "Strict" | "Lax" | "None";
  unparsed?: string[];
}
export declare function getCookies(
  headers: Headers,
): Partial<Record<string, string>>;
export declare function setCookie(headers: Headers, cookie: Cookie): void;
