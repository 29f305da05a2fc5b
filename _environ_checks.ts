// Copyright 2026 the wsgiref authors. MIT license.
// This module is browser compatible.

import {
  type Check,
  predicatesOf,
  type WsgiConformanceCode,
} from "./_conformance.ts";
import type { Exchange } from "./_exchange.ts";
import { isDigits } from "./_grammar.ts";
import { isLatin1 } from "./_latin1.ts";
import { hasMethods, isPlainObject } from "./_object.ts";
import { isHeaderName } from "./headers.ts";
import type { WsgiEnviron } from "./types.ts";

/** A rule that the environ keeps, or breaks. */
interface EnvironCheck extends Check {
  /** Tells whether it is no environ at all. */
  isBadEnviron?(environ: unknown): boolean;
  /** Tells whether no variable may have this name. */
  isBadName?(name: string): boolean;
  /** Tells whether no CGI variable may have this text. */
  isBadText?(text: string): boolean;
  /** Tells whether this CGI variable may not have a value that is no string. */
  isBadValue?(value: unknown, name: string): boolean;
  /** Gives what is wrong with variables that are known by name. */
  findBad?(environ: WsgiEnviron): unknown[] | undefined;
}

const REQUIRED_VARIABLES = (
  "REQUEST_METHOD SERVER_NAME SERVER_PORT SERVER_PROTOCOL wsgi.version " +
  "wsgi.url_scheme wsgi.input wsgi.errors wsgi.multithread wsgi.multiprocess " +
  "wsgi.run_once"
).split(" ");
const OPTIONAL_VARIABLES =
  "AUTH_TYPE REMOTE_ADDR REMOTE_HOST REMOTE_IDENT REMOTE_USER".split(" ");
const UNPREFIXED_HEADERS = ["HTTP_CONTENT_TYPE", "HTTP_CONTENT_LENGTH"];
const FLAGS =
  "wsgi.multithread wsgi.multiprocess wsgi.run_once wsgi.input_terminated"
    .split(" ");
const FLAG_TYPES = ["boolean", "undefined"];
const INPUT_METHODS = ["read", "readline", "readlines", Symbol.asyncIterator];
const ERRORS_METHODS = ["write", "writelines", "flush"];

const NON_CGI_NAME_REGEXP = /[a-z-]/;
const EXTENSION_NAME_REGEXP = /^[a-z\d._]+$/;
const SCRIPT_NAME_REGEXP = /^(?:\/[^]+)?$/;
const PATH_REGEXP = /^(?:\/|$)/;
const SERVER_NAME_REGEXP =
  /^(?:\[[\w.~!$&'()*+,;=:%-]+\]|[\da-f:.]+|[\w.~!$&'()*+,;=%-]+)$/i;
const PROTOCOL_REGEXP = /^HTTP\/\d(?:\.\d)?$/;
const HOST_REGEXP =
  /^(?:\[[\w.~!$&'()*+,;=:%-]+\]|[\w.~!$&'()*+,;=%-]+)(?<port>:\d*)?$/;
const SCHEME_REGEXP = /^[a-z][a-z\d+.-]*$/i;

/** Whether a variable is an extension, which may have any value. */
function isExtension(name: string): boolean {
  return name.includes(".") && !name.startsWith("HTTP_");
}

function isScheme(value: unknown): boolean {
  return typeof value === "string" && SCHEME_REGEXP.test(value);
}

/** Whether a request has a target without a path, as this one. */
function isPathless(method: string, target: string): boolean {
  return method === "OPTIONS" && target === "*" ||
    method === "CONNECT" && !!HOST_REGEXP.exec(target)?.groups?.port;
}

/** A value, if something is wrong with it. */
function when(isBad: boolean, value: unknown): unknown[] | undefined {
  return isBad ? [value] : undefined;
}

/** A value, if it is a string of another form. Other types have their check. */
function malformed(
  value: unknown,
  form: RegExp | ((text: string) => boolean),
): unknown[] | undefined {
  if (typeof value !== "string") return;
  return when(
    !(form instanceof RegExp ? form.test(value) : form(value)),
    value,
  );
}

/** Looks for those of some variables that have such a value. */
function searchFor(
  names: string[],
  bad: unknown,
): (environ: WsgiEnviron) => unknown[] | undefined {
  return (environ) => {
    let found: unknown[] | undefined;
    for (const name of names) {
      if (environ[name] === bad) (found ??= []).push([name, bad]);
    }
    return found;
  };
}

/** Rules that are all for the server to keep. */
function forServer<Code extends WsgiConformanceCode>(
  checks: Record<Code, EnvironCheck>,
): Record<Code, EnvironCheck> {
  for (const code in checks) checks[code].side = "server";
  return checks;
}

/** What a server must give an application as its environ. */
export const ENVIRON_CHECKS = forServer({
  "environ-type": {
    clause: ["P011", "P012"],
    rule: "The environ must be a plain object that can be changed",
    remedy: "copy the variables into an object literal",
    isBadEnviron: (environ) =>
      !isPlainObject(environ) || Object.isFrozen(environ),
  },

  // Each variable
  "environ-string-range": {
    clause: ["P136", "P134", "P003"],
    rule: "The environ must only have characters U+0000 to U+00FF",
    remedy: "make the text bytes with encodeNativeString()",
    isBadName: (name) => !isLatin1(name),
    isBadText: (text) => !isLatin1(text),
  },
  "http-name": {
    clause: ["P044", "RFC 3875, 4.1.18"],
    severity: "warning",
    rule: "HTTP_ variables should be in upper case, dashes as underscores",
    remedy: 'use name.toUpperCase().replaceAll("-", "_")',
    isBadName: (name) =>
      name.startsWith("HTTP_") && NON_CGI_NAME_REGEXP.test(name),
  },
  "extension-name": {
    clause: ["P064", "P014"],
    severity: "warning",
    rule:
      "Extension variables should be named with lower case, digits, dots and underscores",
    remedy: "choose such a name, with a prefix of its own",
    isBadName: (name) => isExtension(name) && !EXTENSION_NAME_REGEXP.test(name),
  },
  "environ-value-type": {
    clause: ["P050", "P002", "P137"],
    rule: "A CGI variable must be a string",
    remedy: "convert it with String(), or delete it",
    // A variable that is required is missing if it is undefined.
    isBadValue: (value, name) =>
      value !== undefined || !REQUIRED_VARIABLES.includes(name),
  },

  // The variables of CGI
  "environ-missing": {
    clause: ["P034", "P013", "P036", "P042", "P052"],
    rule: "The environ must have all the variables that are always required",
    remedy: "set the variable",
    findBad: searchFor(REQUIRED_VARIABLES, undefined),
  },
  "request-method": {
    clause: ["P036", "RFC 9110, 9.1"],
    rule: "REQUEST_METHOD must be a token",
    remedy: "answer such a request 400",
    findBad: ({ REQUEST_METHOD: method }) => malformed(method, isHeaderName),
  },
  "script-name": {
    clause: ["P037"],
    rule: 'SCRIPT_NAME must be empty or begin with "/", and not be "/"',
    remedy: "let PATH_INFO have the slash of the root",
    findBad: ({ SCRIPT_NAME: script }) => malformed(script, SCRIPT_NAME_REGEXP),
  },
  "path-info": {
    clause: ["P038"],
    rule:
      'PATH_INFO must be empty or begin with "/", but for "OPTIONS *" and the host and port of CONNECT',
    remedy: "take the scheme and the host off the target",
    findBad: ({ PATH_INFO: path, REQUEST_METHOD: method }) =>
      malformed(
        path,
        (path) => PATH_REGEXP.test(path) || isPathless(method, path),
      ),
  },
  "path-missing": {
    clause: ["P037", "P038"],
    severity: "warning",
    rule: "SCRIPT_NAME and PATH_INFO should not both be empty",
    remedy: 'set PATH_INFO to "/"',
    findBad: ({ REQUEST_METHOD: method, SCRIPT_NAME = "", PATH_INFO = "" }) =>
      when(
        SCRIPT_NAME === "" && PATH_INFO === "" &&
          method !== "OPTIONS" && method !== "CONNECT",
        [SCRIPT_NAME, PATH_INFO],
      ),
  },
  "request-content-length": {
    clause: ["P041"],
    rule: "CONTENT_LENGTH must be decimal digits, or empty, or absent",
    remedy: "answer such a request 400",
    findBad: ({ CONTENT_LENGTH: length }) =>
      length === "" ? undefined : malformed(length, isDigits),
  },
  "server-name": {
    clause: ["P042"],
    rule: "SERVER_NAME must be the name or address of a host",
    remedy: "leave out the port and user information",
    findBad: ({ SERVER_NAME: name }) => malformed(name, SERVER_NAME_REGEXP),
  },
  "server-port": {
    clause: ["P042"],
    rule: "SERVER_PORT must be decimal digits",
    remedy: "set the default port of the scheme",
    findBad: ({ SERVER_PORT: port }) => malformed(port, isDigits),
  },
  "server-protocol": {
    clause: ["P043"],
    rule: "SERVER_PROTOCOL must be the HTTP version of the request",
    remedy: 'write it like "HTTP/1.1"',
    findBad: ({ SERVER_PROTOCOL: protocol }) =>
      malformed(protocol, PROTOCOL_REGEXP),
  },
  "http-host": {
    clause: ["P044", "RFC 9110, 7.2"],
    rule: "HTTP_HOST must be a host and an optional port",
    remedy: "answer such a request 400",
    findBad: ({ HTTP_HOST: host }) =>
      host === "" ? undefined : malformed(host, HOST_REGEXP),
  },
  "http-content": {
    clause: ["P044"],
    rule: "HTTP_CONTENT_TYPE and HTTP_CONTENT_LENGTH must not be there",
    remedy: "use the name without HTTP_",
    findBad: (environ) =>
      UNPREFIXED_HEADERS.filter((name) => name in environ)
        .map((name) => [name, environ[name]]),
  },
  "http-proxy": {
    clause: ["P044"],
    severity: "warning",
    rule: "HTTP_PROXY should not come from a request, as clients obey it",
    remedy: "drop the Proxy header",
    findBad: (environ) => when("HTTP_PROXY" in environ, environ.HTTP_PROXY),
  },
  "environ-empty": {
    clause: ["P049"],
    severity: "warning",
    rule: "AUTH_TYPE and the REMOTE_ variables should not be empty",
    remedy: "leave out what is not known",
    findBad: searchFor(OPTIONAL_VARIABLES, ""),
  },
  "http-transfer-encoding": {
    clause: ["P155"],
    severity: "warning",
    rule:
      "HTTP_TRANSFER_ENCODING should not be there unless wsgi.input ends by itself",
    remedy: "decode the body, and set wsgi.input_terminated",
    findBad: (environ) =>
      when(
        "HTTP_TRANSFER_ENCODING" in environ &&
          !environ["wsgi.input_terminated"],
        environ.HTTP_TRANSFER_ENCODING,
      ),
  },
  "https": {
    clause: ["P046"],
    severity: "warning",
    rule: 'HTTPS should not be on if wsgi.url_scheme is "http"',
    remedy: "take both from the connection",
    findBad: ({ HTTPS: https, "wsgi.url_scheme": scheme }) =>
      when(https === "on" && scheme === "http", https),
  },

  // The variables of WSGI
  "wsgi-version": {
    clause: ["P053"],
    rule: "wsgi.version must be [1, 0]",
    remedy: "set it to that",
    findBad: ({ "wsgi.version": version = [1, 0] }) =>
      when(
        !Array.isArray(version) || version.length !== 2 ||
          version[0] !== 1 || version[1] !== 0,
        version,
      ),
  },
  "url-scheme": {
    clause: ["P054"],
    rule: "wsgi.url_scheme must be the scheme of a URL, without a colon",
    remedy: 'set it to "http" or "https"',
    findBad: ({ "wsgi.url_scheme": scheme = "http" }) =>
      when(!isScheme(scheme), scheme),
  },
  "url-scheme-unusual": {
    clause: ["P054"],
    severity: "warning",
    rule: 'wsgi.url_scheme should be "http" or "https"',
    remedy: "set it to that of the connection",
    findBad: ({ "wsgi.url_scheme": scheme = "http" }) =>
      when(isScheme(scheme) && scheme !== "http" && scheme !== "https", scheme),
  },
  "wsgi-flag": {
    clause: ["P061", "P062", "P063"],
    rule:
      "wsgi.multithread, multiprocess, run_once and input_terminated must be booleans",
    remedy: "use true or false",
    findBad: (environ) =>
      FLAGS.filter((name) => !FLAG_TYPES.includes(typeof environ[name]))
        .map((name) => [name, environ[name]]),
  },
  "input-type": {
    clause: ["P065", "P055"],
    rule:
      "wsgi.input must have read(), readline(), readlines(), iteration and readable",
    remedy: "use a WsgiInput",
    findBad: ({ "wsgi.input": input }) =>
      when(
        input !== undefined &&
          !(hasMethods(input, INPUT_METHODS) && "readable" in input),
        input,
      ),
  },
  "errors-type": {
    clause: ["P065", "P056"],
    rule: "wsgi.errors must have write(), writelines() and flush()",
    remedy: "use a TextErrorStream",
    findBad: ({ "wsgi.errors": errors }) =>
      when(errors !== undefined && !hasMethods(errors, ERRORS_METHODS), errors),
  },
  "file-wrapper-type": {
    clause: ["P183", "P181"],
    rule: "wsgi.file_wrapper must be a function",
    remedy: "leave it out if there is none",
    findBad: (environ) =>
      when(
        "wsgi.file_wrapper" in environ &&
          typeof environ["wsgi.file_wrapper"] !== "function",
        environ["wsgi.file_wrapper"],
      ),
  },
});

const predicates = predicatesOf<EnvironCheck>(ENVIRON_CHECKS);
const ENVIRON_PREDICATES = predicates("isBadEnviron");
const NAME_PREDICATES = predicates("isBadName");
const TEXT_PREDICATES = predicates("isBadText");
const VALUE_PREDICATES = predicates("isBadValue");
const SEARCHES = predicates("findBad");

/** Names without fault, and whether they are extensions: most are met again. */
const knownNames = new Map<string, boolean>();

/** Checks the name of a variable. Tells whether it is an extension. */
function checkName(exchange: Exchange, name: string): boolean {
  const known = knownNames.get(name);
  if (known !== undefined) return known;
  const isExtensionName = isExtension(name);
  // Clients choose names: neither many nor long ones are kept.
  let isKept = knownNames.size < 256 && name.length < 64;
  for (const { code, isBad } of NAME_PREDICATES) {
    if (!isBad(name)) continue;
    isKept = false;
    exchange.report(code, name);
  }
  if (isKept) knownNames.set(name, isExtensionName);
  return isExtensionName;
}

/** Checks the environ. Tells whether it is one. */
export function checkEnviron(
  exchange: Exchange,
  environ: unknown,
): environ is WsgiEnviron {
  if (exchange.reportFirst(ENVIRON_PREDICATES, environ)) return false;
  const variables = environ as WsgiEnviron;
  for (const name in variables) {
    // Those of WSGI have checks of their own.
    if (name.startsWith("wsgi.") || checkName(exchange, name)) continue;
    checkValue(exchange, name, variables[name]);
  }
  for (const { code, isBad: findBad } of SEARCHES) {
    const found = findBad(variables);
    if (found === undefined) continue;
    for (const value of found) exchange.report(code, value);
  }
  return true;
}

/** Checks the value of a CGI variable. */
function checkValue(exchange: Exchange, name: string, value: unknown): void {
  if (typeof value === "string") {
    for (const { code, isBad } of TEXT_PREDICATES) {
      if (isBad(value)) exchange.report(code, [name, value]);
    }
  } else {
    for (const { code, isBad } of VALUE_PREDICATES) {
      if (isBad(value, name)) exchange.report(code, [name, value]);
    }
  }
}
