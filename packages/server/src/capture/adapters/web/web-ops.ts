import type { Op } from "@evident/core";

/** What an HTTP method does, WebDAV and CalDAV included. */
const ops: Readonly<Record<string, Op>> = {
  GET: "READ",
  HEAD: "READ",
  POST: "CREATE",
  PUT: "WRITE",
  PATCH: "UPDATE",
  DELETE: "DELETE",
  // RFC 9110: about the exchange itself, no resource is read or changed.
  OPTIONS: "OTHER",
  TRACE: "OTHER",
  CONNECT: "OTHER",
  ACL: "GRANT",
  BASELINE_CONTROL: "CONFIGURE",
  BIND: "CREATE",
  CHECKIN: "UPDATE",
  CHECKOUT: "UPDATE",
  COPY: "CREATE",
  LINK: "UPDATE",
  LOCK: "UPDATE",
  MKCALENDAR: "CREATE",
  MKCOL: "CREATE",
  MOVE: "UPDATE",
  PROPFIND: "LIST",
  PROPPATCH: "UPDATE",
  PURGE: "DELETE",
  QUERY: "READ",
  REPORT: "LIST",
  SEARCH: "LIST",
  SUBSCRIBE: "UPDATE",
  UNBIND: "DELETE",
  UNLINK: "UPDATE",
  UNLOCK: "UPDATE",
  UNSUBSCRIBE: "UPDATE",
};

/** The operation of a method; undefined for one that is unknown. */
export function opOfMethod(method: string): Op | undefined {
  return Object.hasOwn(ops, method) ? ops[method] : undefined;
}
