// Copyright 2026 the wsgiref authors. MIT license.

import { WsgiInput } from "../util.ts";
import {
  type Cases,
  createEnviron,
  hello,
  invalid,
  MISSING,
  type Scenario,
  serve,
  startResponse,
} from "./_scenarios.ts";

/** A request with such variables. */
function request(variables: Record<string, unknown>): Scenario {
  return async (validate) => {
    await serve(validate(hello), createEnviron(variables));
  };
}

/** What breaks the rules of `_environ_checks.ts`, and what is next to that and legal. */
export const CASES = {
  "environ-type": {
    bad: {
      "a Map": (validate) =>
        void validate(hello)(invalid(new Map()), startResponse),
      "null": (validate) => void validate(hello)(invalid(null), startResponse),
      "an array": (validate) =>
        void validate(hello)(invalid([]), startResponse),
      "an instance of a class": (validate) =>
        void validate(hello)(
          Object.assign(new (class Environ {})(), createEnviron()),
          startResponse,
        ),
      "a frozen object": (validate) =>
        void validate(hello)(Object.freeze(createEnviron()), startResponse),
    },
    good: {
      "an object without a prototype": async (validate) => {
        const environ = Object.create(null);
        await serve(validate(hello), Object.assign(environ, createEnviron()));
      },
    },
  },
  "environ-string-range": {
    bad: {
      "a value beyond U+00FF": request({ PATH_INFO: "/\u0100" }),
      "a name beyond U+00FF": request({ "NAME_\u0100": "" }),
    },
    good: { "U+00FF": request({ PATH_INFO: "/\xff" }) },
  },
  "http-name": {
    bad: {
      "a dash": request({ "HTTP_X-A": "" }),
      "lower case": request({ HTTP_x: "" }),
    },
    good: { "another character of a token": request({ "HTTP_X.A!": "" }) },
  },
  "extension-name": {
    bad: {
      "upper case": request({ "app.Session": {} }),
      "a dash": request({ "x-app.session": {} }),
    },
    good: { "digits and underscores": request({ "app2.my_session": {} }) },
  },
  "environ-value-type": {
    bad: {
      "a number": request({ SERVER_PORT: 80 }),
      "undefined": request({ HTTP_ACCEPT: undefined }),
      "a number in a variable of any name": request({ "Path": 1 }),
    },
    good: {
      "an empty string": request({ HTTP_ACCEPT: "" }),
      "an object in an extension": request({ "app.session": {} }),
    },
  },
  "environ-missing": {
    bad: {
      "no REQUEST_METHOD": request({ REQUEST_METHOD: MISSING }),
      "no SERVER_NAME": request({ SERVER_NAME: MISSING }),
      "no SERVER_PORT": request({ SERVER_PORT: MISSING }),
      "no SERVER_PROTOCOL": request({ SERVER_PROTOCOL: MISSING }),
      "REQUEST_METHOD undefined": request({ REQUEST_METHOD: undefined }),
      "no wsgi.version": request({ "wsgi.version": MISSING }),
      "no wsgi.url_scheme": request({ "wsgi.url_scheme": MISSING }),
      "no wsgi.input": request({ "wsgi.input": MISSING }),
      "no wsgi.errors": request({ "wsgi.errors": undefined }),
      "no wsgi.multithread": request({ "wsgi.multithread": MISSING }),
      "no wsgi.multiprocess": request({ "wsgi.multiprocess": MISSING }),
      "no wsgi.run_once": request({ "wsgi.run_once": MISSING }),
    },
    good: {
      "no QUERY_STRING, CONTENT_TYPE and CONTENT_LENGTH": request({
        QUERY_STRING: MISSING,
        CONTENT_TYPE: MISSING,
        CONTENT_LENGTH: MISSING,
      }),
      "no SCRIPT_NAME": request({ SCRIPT_NAME: MISSING }),
      "no PATH_INFO": request({ SCRIPT_NAME: "/app", PATH_INFO: MISSING }),
    },
  },
  "request-method": {
    bad: {
      "a space": request({ REQUEST_METHOD: "G T" }),
      "an empty method": request({ REQUEST_METHOD: "" }),
    },
    good: {
      "an extension method": request({ REQUEST_METHOD: "M-SEARCH" }),
      "CONNECT": request({ REQUEST_METHOD: "CONNECT" }),
    },
  },
  "script-name": {
    bad: {
      "no slash": request({ SCRIPT_NAME: "app" }),
      "only a slash": request({ SCRIPT_NAME: "/" }),
    },
    good: {
      "a path": request({ SCRIPT_NAME: "/app" }),
      "a line break in a path": request({ SCRIPT_NAME: "/\n" }),
    },
  },
  "path-info": {
    bad: {
      "no slash": request({ PATH_INFO: "path" }),
      "a URL": request({ PATH_INFO: "http://localhost/" }),
      "* without OPTIONS": request({ PATH_INFO: "*" }),
      "a host and a port without CONNECT": request({
        PATH_INFO: "localhost:80",
      }),
      "CONNECT without a port": request({
        REQUEST_METHOD: "CONNECT",
        PATH_INFO: "localhost",
      }),
    },
    good: {
      "OPTIONS *": request({ REQUEST_METHOD: "OPTIONS", PATH_INFO: "*" }),
      "CONNECT host:port": request({
        REQUEST_METHOD: "CONNECT",
        PATH_INFO: "localhost:80",
      }),
      "two slashes": request({ PATH_INFO: "//host" }),
    },
  },
  "path-missing": {
    bad: {
      "both empty": request({ SCRIPT_NAME: "", PATH_INFO: "" }),
      "both absent": request({ SCRIPT_NAME: MISSING, PATH_INFO: MISSING }),
    },
    good: {
      "the application itself": request({
        SCRIPT_NAME: "/app",
        PATH_INFO: "",
      }),
      "OPTIONS": request({
        REQUEST_METHOD: "OPTIONS",
        SCRIPT_NAME: "",
        PATH_INFO: "",
      }),
      "CONNECT": request({
        REQUEST_METHOD: "CONNECT",
        SCRIPT_NAME: "",
        PATH_INFO: "",
      }),
    },
  },
  "request-content-length": {
    bad: {
      "a sign": request({ CONTENT_LENGTH: "+5" }),
      "spaces": request({ CONTENT_LENGTH: " 5 " }),
      "a list": request({ CONTENT_LENGTH: "5, 5" }),
    },
    good: {
      "digits": request({ CONTENT_LENGTH: "5" }),
      "an empty string": request({ CONTENT_LENGTH: "" }),
    },
  },
  "server-name": {
    bad: {
      "an empty name": request({ SERVER_NAME: "" }),
      "a slash": request({ SERVER_NAME: "a/b" }),
      "a port": request({ SERVER_NAME: "localhost:80" }),
    },
    good: {
      "an IPv6 address": request({ SERVER_NAME: "::1" }),
      "an IPv6 address in brackets": request({ SERVER_NAME: "[::1]" }),
      "an underscore": request({ SERVER_NAME: "my_host" }),
    },
  },
  "server-port": {
    bad: {
      "an empty port": request({ SERVER_PORT: "" }),
      "a name": request({ SERVER_PORT: "http" }),
    },
    good: { "digits": request({ SERVER_PORT: "8000" }) },
  },
  "server-protocol": {
    bad: {
      "an empty protocol": request({ SERVER_PROTOCOL: "" }),
      "lower case": request({ SERVER_PROTOCOL: "http/1.1" }),
      "more after it": request({ SERVER_PROTOCOL: "HTTP/1.1 x" }),
    },
    good: {
      "HTTP/1.1": request({ SERVER_PROTOCOL: "HTTP/1.1" }),
      "HTTP/2": request({ SERVER_PROTOCOL: "HTTP/2" }),
    },
  },
  "http-host": {
    bad: {
      "a path": request({ HTTP_HOST: "a/b" }),
      "user information": request({ HTTP_HOST: "user@a" }),
    },
    good: {
      "a port": request({ HTTP_HOST: "a:80" }),
      "an IPv6 address": request({ HTTP_HOST: "[::1]:80" }),
      "an empty host": request({ HTTP_HOST: "" }),
    },
  },
  "http-content": {
    bad: {
      "HTTP_CONTENT_TYPE": request({ HTTP_CONTENT_TYPE: "text/plain" }),
      "HTTP_CONTENT_LENGTH": request({ HTTP_CONTENT_LENGTH: "5" }),
    },
    good: {
      "CONTENT_TYPE": request({ CONTENT_TYPE: "text/plain" }),
      "HTTP_CONTENT_LANGUAGE": request({ HTTP_CONTENT_LANGUAGE: "en" }),
    },
  },
  "http-proxy": {
    bad: { "HTTP_PROXY": request({ HTTP_PROXY: "http://localhost" }) },
    good: { "HTTP_X_PROXY": request({ HTTP_X_PROXY: "http://localhost" }) },
  },
  "environ-empty": {
    bad: {
      "REMOTE_USER": request({ REMOTE_USER: "" }),
      "REMOTE_HOST": request({ REMOTE_HOST: "" }),
    },
    good: {
      "REMOTE_USER with a name": request({ REMOTE_USER: "me" }),
      "QUERY_STRING": request({ QUERY_STRING: "" }),
    },
  },
  "http-transfer-encoding": {
    bad: {
      "a body that does not end by itself": request({
        HTTP_TRANSFER_ENCODING: "chunked",
        "wsgi.input_terminated": false,
      }),
    },
    good: {
      "a body that ends by itself": request({
        HTTP_TRANSFER_ENCODING: "chunked",
        "wsgi.input_terminated": true,
      }),
    },
  },
  "https": {
    bad: { "http": request({ HTTPS: "on" }) },
    good: {
      "https": request({ HTTPS: "on", "wsgi.url_scheme": "https" }),
      "off": request({ HTTPS: "off" }),
    },
  },
  "wsgi-version": {
    bad: {
      "a string": request({ "wsgi.version": "1.0" }),
      "another major version": request({ "wsgi.version": [9, 0] }),
      "another minor version": request({ "wsgi.version": [1, 1] }),
      "one number": request({ "wsgi.version": [1] }),
      "three numbers": request({ "wsgi.version": [1, 0, 0] }),
    },
    good: { "[1, 0]": request({ "wsgi.version": [1, 0] }) },
  },
  "url-scheme": {
    bad: {
      "null": request({ "wsgi.url_scheme": null }),
      "a colon": request({ "wsgi.url_scheme": "http:" }),
    },
    good: { "https": request({ "wsgi.url_scheme": "https" }) },
  },
  "url-scheme-unusual": {
    bad: { "ftp": request({ "wsgi.url_scheme": "ftp" }) },
    good: { "http": request({ "wsgi.url_scheme": "http" }) },
  },
  "wsgi-flag": {
    bad: {
      "wsgi.multithread as a number": request({ "wsgi.multithread": 0 }),
      "wsgi.multiprocess as a number": request({ "wsgi.multiprocess": 1 }),
      "wsgi.run_once as a string": request({ "wsgi.run_once": "" }),
      "wsgi.input_terminated as a number": request({
        "wsgi.input_terminated": 1,
      }),
    },
    good: {
      "all true": request({
        "wsgi.multithread": true,
        "wsgi.multiprocess": true,
        "wsgi.run_once": true,
      }),
      "no wsgi.input_terminated": request({ "wsgi.input_terminated": MISSING }),
    },
  },
  "input-type": {
    bad: {
      "null": request({ "wsgi.input": null }),
      "a ReadableStream": request({ "wsgi.input": new ReadableStream() }),
      "no readable": request({
        "wsgi.input": {
          read() {},
          readline() {},
          readlines() {},
          [Symbol.asyncIterator]() {},
        },
      }),
    },
    good: { "a WsgiInput": request({ "wsgi.input": new WsgiInput(null) }) },
  },
  "errors-type": {
    bad: {
      "null": request({ "wsgi.errors": null }),
      "no flush()": request({
        "wsgi.errors": { write() {}, writelines() {} },
      }),
      "the console": request({ "wsgi.errors": console }),
    },
    good: {
      "the three methods": request({
        "wsgi.errors": { write() {}, writelines() {}, flush() {} },
      }),
    },
  },
  "file-wrapper-type": {
    bad: {
      "null": request({ "wsgi.file_wrapper": null }),
      "an object": request({ "wsgi.file_wrapper": {} }),
    },
    good: { "absent": request({ "wsgi.file_wrapper": MISSING }) },
  },
} satisfies Cases;
