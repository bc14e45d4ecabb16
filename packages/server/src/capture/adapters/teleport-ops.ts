import type { Op } from "@evident/core";
import { lookUp } from "../adapt/index.ts";

/** Events whose last word does not say what was done. */
const exact: Readonly<Record<string, Op>> = {
  auth: "AUTH",
  "user.login": "AUTH",
  "user.logout": "LOGOUT",
  "user.password_change": "UPDATE",
  "headless.login": "AUTH",
  "bot.join": "AUTH",
  "instance.join": "AUTH",
  "device.authenticate": "AUTH",
  "device.authenticate.confirm": "AUTH",
  "device.enroll": "CREATE",
  "device.token.spent": "AUTH",
  "saml.idp.auth": "AUTH",
  "recovery_code.used": "AUTH",
  "cert.create": "AUTH",
  "cert.generation_mismatch": "AUTH",
  "join_token.create": "CREATE",
  "workload_identity.generate": "AUTH",
  "spiffe.svid.issued": "AUTH",
  "session.start": "EXECUTE",
  "session.join": "EXECUTE",
  "session.leave": "LOGOUT",
  "session.end": "LOGOUT",
  "session.data": "OTHER",
  "session.connect": "AUTH",
  "session.rejected": "AUTH",
  "session.command": "EXECUTE",
  "session.network": "EXECUTE",
  "session.process_exit": "OTHER",
  "session.recording.access": "READ",
  "client.disconnect": "LOGOUT",
  exec: "EXECUTE",
  subsystem: "EXECUTE",
  port: "EXECUTE",
  "x11-forward": "EXECUTE",
  sftp_summary: "OTHER",
  "db.session.start": "AUTH",
  "db.session.end": "LOGOUT",
  "db.session.malformed_packet": "OTHER",
  "db.session.query": "EXECUTE",
  "db.session.query.failed": "EXECUTE",
  "db.session.postgres.function": "EXECUTE",
  "db.session.mysql.init_db": "READ",
  "db.session.mysql.create_db": "CREATE",
  "db.session.mysql.drop_db": "DELETE",
  "db.session.permissions.update": "GRANT",
  "db.session.user.create": "CREATE",
  "db.session.user.deactivate": "UPDATE",
  "app.session.start": "AUTH",
  "app.session.end": "LOGOUT",
  "app.session.request": "EXECUTE",
  "windows.desktop.session.start": "EXECUTE",
  "windows.desktop.session.end": "LOGOUT",
  "desktop.clipboard.send": "WRITE",
  "desktop.clipboard.receive": "EXPORT",
  "desktop.directory.share": "GRANT",
  "desktop.directory.read": "READ",
  "desktop.directory.write": "WRITE",
  "access_request.create": "CREATE",
  "access_request.update": "UPDATE",
  "access_request.review": "UPDATE",
  "access_request.search": "LIST",
  "access_list.member.create": "GRANT",
  "access_list.member.update": "UPDATE",
  "access_list.member.delete": "REVOKE",
  "access_list.member.delete_all_members": "REVOKE",
  "access_list.review": "UPDATE",
  "secreports.audit.query.run": "READ",
  "unknown.event": "UNKNOWN",
};

const words: Readonly<Record<string, Op>> = {
  create: "CREATE",
  created: "CREATE",
  create_card: "CREATE",
  add: "CREATE",
  generated: "CREATE",
  generate: "CREATE",
  upsert: "WRITE",
  update: "UPDATE",
  updated: "UPDATE",
  update_card: "UPDATE",
  update_info: "UPDATE",
  change: "UPDATE",
  rotate: "UPDATE",
  enable: "CONFIGURE",
  disable: "CONFIGURE",
  delete: "DELETE",
  deleted: "DELETE",
  delete_card: "DELETE",
  remove: "DELETE",
  revoke: "REVOKE",
  run: "EXECUTE",
  execute: "EXECUTE",
  start: "EXECUTE",
  end: "LOGOUT",
  access: "READ",
  get: "READ",
  read: "READ",
  list: "LIST",
  write: "WRITE",
};

const kubeVerbs: Readonly<Record<string, Op>> = {
  get: "READ",
  list: "LIST",
  watch: "LIST",
  create: "CREATE",
  update: "UPDATE",
  patch: "UPDATE",
  delete: "DELETE",
  deletecollection: "DELETE",
  GET: "READ",
  HEAD: "READ",
  POST: "CREATE",
  PUT: "UPDATE",
  PATCH: "UPDATE",
  DELETE: "DELETE",
};

const httpMethods: Readonly<Record<string, Op>> = {
  GET: "READ",
  HEAD: "READ",
  POST: "CREATE",
  PUT: "WRITE",
  PATCH: "UPDATE",
  DELETE: "DELETE",
};

/** First words of statements. What a function called by a SELECT does, they do not say. */
const keywords: Readonly<Record<string, Op>> = {
  SELECT: "READ",
  SHOW: "READ",
  TABLE: "READ",
  EXPLAIN: "READ",
  INSERT: "CREATE",
  UPDATE: "UPDATE",
  REPLACE: "WRITE",
  MERGE: "WRITE",
  DELETE: "DELETE",
  TRUNCATE: "DELETE",
  CREATE: "CREATE",
  ALTER: "UPDATE",
  DROP: "DELETE",
  GRANT: "GRANT",
  REVOKE: "REVOKE",
  CALL: "EXECUTE",
  DO: "EXECUTE",
  SET: "CONFIGURE",
};

/** What an event did as far as its name says it. */
export function teleportOp(event: string): Op | undefined {
  return lookUp(exact, event) ?? lookUp(words, event.slice(event.lastIndexOf(".") + 1));
}

/** What a request to a Kubernetes API server did. */
export function kubeOp(verb: string | undefined, path: string): Op | undefined {
  if (/\/pods\/[^/]+\/(?:exec|attach|portforward|proxy)(?:$|[/?])/.test(path)) return "EXECUTE";
  return lookUp(kubeVerbs, verb);
}

/** What an HTTP request did. */
export function httpOp(method: string | undefined): Op | undefined {
  return lookUp(httpMethods, method?.toUpperCase());
}

/** What a statement does by its first word; undefined when that says nothing. */
export function statementOp(statement: string): Op | undefined {
  const word = /^[\s(]*([A-Za-z]{2,10})\b/.exec(statement.slice(0, 200))?.[1];
  return lookUp(keywords, word?.toUpperCase());
}
