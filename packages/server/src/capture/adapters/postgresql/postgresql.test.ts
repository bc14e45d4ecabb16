import { describe, expect, it } from "vitest";
import { kinds, line, read } from "./make-log.ts";

describe("statements of the log", () => {
  it("become events with who, what, where and how it ended; literals are gone", async () => {
    const { events, readings } = await read([
      line("LOG", "statement: update public.orders set state = 'paid'\n\twhere id = 17"),
      line("LOG", "duration: 1.500 ms"),
    ]);
    expect(kinds(readings)).toBe("3 merged, 1 event");
    expect(events[0]).toMatchObject({
      actor: { type: "user", id: "bob", ns: "pg:orders-db" },
      action: { op: "UPDATE", name: "UPDATE", kind: "datastore" },
      resources: [{ type: "pg.relation", id: "public.orders", scope: ["orders-db", "shop"] }],
      outcome: { status: "success" },
      source: { ip: "203.0.113.9", port: 5432, ipTrust: "peer", userAgent: "psql" },
      impact: { fields: ["state"] },
      origin: { system: "orders-db", nativeVersion: "stderr" },
      detail: { statement: "update public.orders set state = ? where id = ?", durationMs: "1.500" },
    });
    expect(JSON.stringify(events[0])).not.toContain("paid");
  });

  it("are joined to their error, with its DETAIL, CONTEXT and STATEMENT", async () => {
    const { events, readings } = await read([
      line("LOG", "statement: insert into t values ('secret')"),
      line("ERROR", 'duplicate key value violates unique constraint "t_pkey"'),
      line("DETAIL", "Key (id)=(secret) already exists."),
      line("STATEMENT", "insert into t values ('secret')"),
    ]);
    expect(kinds(readings)).toBe("2 merged, 3 merged, 4 merged, 1 event");
    expect(events[0]).toMatchObject({
      outcome: { status: "failure", reason: 'duplicate key value violates unique constraint "t_pkey"' },
    });
    expect(JSON.stringify(events[0])).not.toContain("secret");
  });

  it("are not joined to the error of another session or transaction", async () => {
    const statement = "select * from s.t";
    const { events } = await read([
      line("LOG", `statement: ${statement}`),
      line("ERROR", "permission denied for table t", { pid: 8 }),
      line("STATEMENT", statement, { pid: 8 }),
      line("ERROR", "permission denied for table t", { xact: 2 }),
      line("STATEMENT", statement, { xact: 2 }),
    ]);
    expect(events.map(({ outcome }) => outcome.status)).toEqual(["denied", "unknown", "denied"]);
  });

  it("that have no error are a success only where that is certain", async () => {
    const lines = [line("LOG", "statement: select 1"), line("LOG", "statement: select 2")];
    const statuses = async (more: object): Promise<unknown> =>
      (await read(lines, { ...more })).events.map(({ outcome }) => outcome.status);
    expect(await statuses({})).toEqual(["unknown", "unknown"]);
    expect(await statuses({ errorsLogged: true })).toEqual(["success", "unknown"]);
  });

  it("with parameters keep none of their values, with EXECUTE they say what was prepared", async () => {
    const { events } = await read([
      line("LOG", "execute s1: select * from s.t where a = $1"),
      line("DETAIL", "Parameters: $1 = 'secret'"),
      line("LOG", "statement: execute p('secret')"),
      line("DETAIL", "prepare: prepare p as delete from s.t where a = $1"),
    ]);
    expect(events.map(({ action, resources }) => [action.op, action.name, resources[0]?.id])).toEqual([
      ["READ", "SELECT", "s.t"],
      ["DELETE", "EXECUTE", "s.t"],
    ]);
    expect(JSON.stringify(events)).not.toContain("secret");
  });

  it("in one text are one event each; transactions are no access", async () => {
    const { events, readings } = await read([
      line("LOG", "statement: begin"),
      line("LOG", "statement: delete from s.a; insert into s.b values (1)"),
    ]);
    expect(kinds(readings)).toBe("1 skipped, 2 event, 2 event");
    expect(events.map(({ id }) => id)[1]).toBe(`${events[0]?.id}/1`);
    expect(events.map(({ action }) => action.op)).toEqual(["DELETE", "CREATE"]);
  });

  it("that PostgreSQL cannot read say so", async () => {
    const { events } = await read([
      line("ERROR", 'syntax error at or near "hunter2" at character 27'),
      line("STATEMENT", "alter user bob password hunter2"),
    ]);
    expect(events[0]).toMatchObject({
      action: { op: "UNKNOWN" },
      resources: [{ type: "pg.database", id: "shop" }],
      outcome: { status: "failure", reason: 'syntax error at or near "?"' },
      origin: { warnings: ["op:default", "resource:default"] },
    });
    expect(JSON.stringify(events[0])).not.toContain("hunter2");
  });

  it("after SET ROLE say as whom, until the role is given up or rolled back", async () => {
    const { events } = await read([
      line("LOG", "statement: set role auditor"),
      line("LOG", "statement: select 1", { xact: 2 }),
      line("LOG", "statement: reset role", { xact: 3 }),
      line("LOG", "statement: select 2", { xact: 4 }),
      line("LOG", "statement: set local role auditor", { xact: 5 }),
      line("LOG", "statement: select 3", { xact: 5 }),
      line("LOG", "statement: select 4", { xact: 6 }),
    ]);
    const acting = events.map(({ actor }) => actor.actingAs?.id ?? "");
    expect(acting).toEqual(["", "auditor", "auditor", "", "", "auditor", ""]);
  });
});

describe("rows of pgaudit", () => {
  const audit = (ids: string, what: string, sql: string, more = "<none>"): string =>
    line("LOG", `AUDIT: SESSION,${ids},${what},"${sql}",${more}`);

  it("of one statement are one event; with the statement's own line, too", async () => {
    const sql = "select * from a, b where x = 'secret'";
    const { events, readings } = await read([
      line("LOG", `statement: ${sql}`),
      audit("4,1", "READ,SELECT,TABLE,public.a", sql),
      audit("4,1", "READ,SELECT,TABLE,public.b", sql),
      line("LOG", "duration: 2.000 ms"),
    ]);
    expect(kinds(readings)).toBe("4 merged, 2 event, 3 merged, 1 merged");
    expect(events[0]).toMatchObject({
      action: { op: "READ", name: "SELECT", kind: "datastore" },
      resources: [
        { type: "pg.table", id: "public.a", scope: ["orders-db", "shop"] },
        { type: "pg.table", id: "public.b" },
      ],
      outcome: { status: "success" },
      detail: { class: "READ", statementId: "4", auditTypes: ["SESSION"], durationMs: "2.000" },
    });
    expect(JSON.stringify(events)).not.toContain("secret");
  });

  it("take the error of their statement, and only of it", async () => {
    const sql = "select * from a";
    const { events } = await read([
      audit("4,1", "READ,SELECT,TABLE,public.a", sql),
      line("ERROR", "division by zero"),
      line("STATEMENT", sql),
      audit("5,1", "READ,SELECT,TABLE,public.a", sql),
      // Privileges are checked before the row is written.
      line("ERROR", "permission denied for table a"),
      line("STATEMENT", sql),
      audit("6,1", "READ,SELECT,TABLE,public.a", sql),
      line("ERROR", 'relation "z" does not exist'),
      line("STATEMENT", "select * from z"),
    ]);
    expect(events.map(({ outcome, resources }) => [outcome.status, resources[0]?.id])).toEqual([
      ["failure", "public.a"],
      ["unknown", "public.a"],
      ["denied", "a"],
      ["unknown", "public.a"],
      ["failure", "z"],
    ]);
  });

  it("that a function raised are not believed, nor those that were cut", async () => {
    const { readings } = await read([
      audit("4,1", "READ,SELECT,TABLE,public.a", "select"),
      line("CONTEXT", "PL/pgSQL function inline_code_block line 1 at RAISE"),
      line("LOG", 'AUDIT: SESSION,1,1,READ,SELECT,TABLE,public.a,"select'),
      line("LOG", "connection authorized: user=admin database=shop"),
      line("CONTEXT", "PL/pgSQL function inline_code_block line 1 at RAISE"),
    ]);
    expect(readings.map(({ kind }) => kind)).toEqual(Array.from({ length: 5 }, () => "unreadable"));
  });

  it("without a process id in the prefix are not joined to anything", async () => {
    const at = "2026-11-25 09:30:00.123 UTC ";
    const row = `${at}LOG:  AUDIT: SESSION,1,1,READ,SELECT,TABLE,public.a,select,<none>`;
    const { events } = await read([row, `${at}ERROR:  no`, `${at}STATEMENT:  select`, row], { linePrefix: "%m " });
    expect(events).toHaveLength(3);
  });
});

describe("logins", () => {
  const received = line("LOG", "connection received: host=203.0.113.9 port=5432");
  const authenticated = line(
    "LOG",
    'connection authenticated: identity="bob" method=scram-sha-256 (/etc/pg_hba.conf:91)',
  );
  const authorized = line(
    "LOG",
    "connection authorized: user=bob database=shop application_name=psql SSL enabled (protocol=TLSv1.3, cipher=X, bits=256)",
  );

  it("are one event of up to three messages, and an end", async () => {
    const { events, readings } = await read([
      received,
      authenticated,
      authorized,
      line("LOG", "disconnection: session time: 0:00:01.000 user=bob database=shop host=203.0.113.9 port=5432"),
    ]);
    expect(kinds(readings)).toBe("1 merged, 2 merged, 3 event, 4 event");
    expect(events).toMatchObject([
      {
        action: { op: "AUTH", kind: "auth" },
        outcome: { status: "success" },
        detail: { method: "scram-sha-256", identity: "bob", tls: "protocol=TLSv1.3, cipher=X, bits=256" },
      },
      { action: { op: "LOGOUT" }, detail: { sessionTime: "0:00:01.000" } },
    ]);
  });

  it("that fail are denied or a failure, with the cause", async () => {
    const { events } = await read([
      received,
      line("FATAL", 'password authentication failed for user "bob"'),
      line("DETAIL", 'Role "bob" does not exist.'),
      line("LOG", "connection received: host=203.0.113.9 port=5433", { pid: 8 }),
      authorized.replace("[7]", "[8]"),
      line("FATAL", 'database "shop" does not exist', { pid: 8 }),
    ]);
    expect(events).toMatchObject([
      { action: { op: "AUTH" }, outcome: { status: "denied" }, detail: { cause: 'Role "bob" does not exist.' } },
      { action: { op: "AUTH" }, outcome: { status: "failure", reason: 'database "shop" does not exist' } },
    ]);
  });

  it("that nobody completes are no access, and so is what the server says of itself", async () => {
    const { readings } = await read([
      received,
      "2026-11-25 09:30:00.123 UTC [1]  LOG:  checkpoint starting: time",
      line("FATAL", "terminating connection due to administrator command"),
      line("WARNING", "there is no transaction in progress"),
    ]);
    expect(kinds(readings)).toBe("1 skipped, 2 skipped, 3 skipped, 4 skipped");
  });
});
