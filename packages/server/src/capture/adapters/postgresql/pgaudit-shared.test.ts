import type { AccessEvent } from "@evident/core";
import { beforeAll, describe, expect, it } from "vitest";
import { hasSharedData, measurePrecision, type NativeInput, readNative, readShared } from "../../testing/index.ts";
import { postgresql } from "./postgresql.ts";

/** A log as the server would have written it, and for each of its lines the line of the file it comes from. */
interface Log {
  readonly text: string;
  readonly lineOf: readonly number[];
}

/** Whether a quote of the row is open. */
function isOpen(text: string): boolean {
  return (text.split('"').length - 1) % 2 === 1;
}

/**
 * pgaudit's regression output holds its rows as notices that psql shows. Each becomes a message of a server log: `\connect` begins a
 * session of that user, further lines are indented by a tab.
 */
function toServerLog(output: string): Log {
  const lines: string[] = [];
  const lineOf: number[] = [];
  let user = "postgres";
  let pid = 100;
  let held = "";
  let heldAt = 0;
  for (const [index, line] of output.split("\n").entries()) {
    const connected = /^\\connect - (\S+?);?$/.exec(line)?.[1];
    if (connected !== undefined) {
      user = connected === ":current_user" ? "postgres" : connected;
      pid += 1;
    }
    if (held !== "") held += `\n\t${line}`;
    else if (/^(?:NOTICE|WARNING): {2}AUDIT: |^ERROR: {2}/.test(line)) {
      held = line;
      heldAt = index + 1;
    }
    if (held === "" || isOpen(held)) continue;
    const at = new Date(Date.UTC(2026, 0, 1) + index).toISOString();
    const time = `${at.slice(0, 10)} ${at.slice(11, 23)} UTC`;
    for (const part of `${time} [${pid}] ${user}@regress ${held}`.split("\n")) {
      lines.push(part);
      lineOf.push(heldAt);
    }
    held = "";
  }
  return { text: `${lines.join("\n")}\n`, lineOf };
}

interface More {
  readonly rows?: string;
  readonly fields?: readonly string[];
  readonly actingAs?: string;
  /** Whether the resources are of the whole cluster. */
  readonly cluster?: true;
}

type Label = readonly [
  line: number,
  who: string,
  op: string,
  name: string,
  resources: readonly string[],
  outcome: string,
  more?: More,
];

/** Labelled by hand from the file's lines. The server's address is not in it, so there is no source. */
const labels: readonly Label[] = [
  [45, "postgres", "CREATE", "CREATE ROLE", ["pg.role:regress_auditor"], "success", { cluster: true }],
  [62, "postgres", "CONFIGURE", "ALTER ROLE", ["pg.role:regress_user1"], "success", { cluster: true }],
  [81, "regress_user1", "DELETE", "DROP TABLE", ["pg.table:public.test"], "success"],
  [486, "regress_user1", "READ", "SELECT", ["pg.table:public.account"], "unknown"],
  [502, "regress_user1", "UPDATE", "UPDATE", ["pg.table:public.account"], "unknown", { fields: ["password"] }],
  [534, "regress_user1", "READ", "SELECT", ["pg.table:public.account", "pg.table:public.account_role_map"], "unknown"],
  [684, "postgres", "CREATE", "CREATE SCHEMA", ["pg.schema:test"], "success"],
  [688, "postgres", "EXPORT", "SELECT", ["pg.table:public.account"], "unknown"],
  [704, "postgres", "WRITE", "INSERT", ["pg.table:test.account_copy"], "unknown"],
  [720, "postgres", "EXECUTE", "EXECUTE", ["pg.prepared-statement:pgclassstmt"], "success"],
  [813, "postgres", "CREATE", "CREATE TABLE", ["pg.table:public.test"], "success"],
  [
    982,
    "postgres",
    "UPDATE",
    "ALTER TABLE",
    ["pg.table-column:public.test.description", "pg.table:public.test"],
    "success",
  ],
  [1045, "postgres", "EXECUTE", "EXECUTE", ["pg.function:public.int_add"], "unknown"],
  [
    1066,
    "postgres",
    "UPDATE",
    "ALTER DATABASE",
    ["pg.database:contrib_regression_pgaudit"],
    "success",
    { cluster: true },
  ],
  [1078, "postgres", "GRANT", "GRANT", ["pg.table:public.t", "pg.role:regress_alice related"], "success"],
  [
    1197,
    "postgres",
    "GRANT",
    "GRANT ROLE",
    ["pg.role:regress_user1", "pg.role:regress_user2 related"],
    "success",
    { cluster: true },
  ],
  [1265, "postgres", "OTHER", "VACUUM", ["pg.relation:t"], "success", { actingAs: "regress_alice" }],
  [1409, "postgres", "CREATE", "INSERT", ["pg.table:public.test2"], "success", { rows: "1", fields: ["id", "name"] }],
  [1833, "postgres", "EXPORT", "COPY", ["pg.relation:account"], "success"],
  [
    1849,
    "postgres",
    "CREATE",
    "CREATE TABLE AS",
    ["pg.table:test.account_copy", "pg.relation:account related"],
    "success",
  ],
  [2516, "regress_user1", "READ", "SELECT", ["pg.table:public.account"], "success", { rows: "3" }],
  [2570, "postgres", "CREATE", "CREATE USER MAPPING", ["pg.server:fdw_server"], "success"],
  [
    2621,
    "postgres",
    "READ",
    "SELECT",
    ["pg.property-graph:public.graph_test", "pg.table:public.graph_vertex"],
    "unknown",
  ],
];

function resourcesOf(event: AccessEvent): readonly string[] {
  return event.resources.map(({ type, id, role }) => `${type}:${id}${role === undefined ? "" : ` ${role}`}`);
}

describe.skipIf(!hasSharedData)("pgaudit's regression output (../shared/data/pgaudit)", () => {
  let log: Log = { text: "", lineOf: [] };
  let input: NativeInput = { readings: [], events: [] };
  const linePrefix = "%m [%p] %u@%d ";

  beforeAll(async () => {
    log = toServerLog(readShared("pgaudit/pgaudit_expected.out").toString());
    input = await readNative(postgresql, log.text, { options: { linePrefix } });
  });

  it("is read whole: every row is in an event, merged into one, or no access", () => {
    const counts = { event: 0, merged: 0, skipped: 0, unreadable: 0 };
    for (const { kind } of input.readings) counts[kind] += 1;
    const rows = [...log.text.matchAll(/\[(\d+)\] .*AUDIT: (?:SESSION|OBJECT),(\d+),(\d+),([A-Z]+),([^,]+),/g)];
    const closing = /^(?:BEGIN|COMMIT|DEALLOCATE|CLOSE CURSOR)$/;
    const accesses = rows.filter(({ 5: command = "" }) => !closing.test(command));
    const distinct = new Set(accesses.map((row) => row.slice(1).join(" ")));
    expect(rows).toHaveLength(415);
    // Two errors are events of their own: the file has no STATEMENT lines to join them by.
    expect(counts).toEqual({
      event: distinct.size + 2,
      merged: accesses.length - distinct.size,
      skipped: rows.length - accesses.length,
      unreadable: 0,
    });
    expect(counts.event).toBe(368);
  });

  it.each(labels.map((label) => ({ title: `${label[0]}: ${label[1]} ${label[3]}`, label })))(
    "line $title",
    ({ label }) => {
      const [line, actor, op, name, resources, outcome, more = {}] = label;
      const found = input.readings.filter(({ kind }) => kind === "event");
      const at = found.findIndex((reading) => log.lineOf[reading.line - 1] === line);
      const event = input.events[at];
      if (event === undefined) throw new Error("no event begins there");
      expect([event.actor.id, event.action.op, event.action.name, resourcesOf(event), event.outcome.status]).toEqual([
        actor,
        op,
        name,
        resources,
        outcome,
      ]);
      expect(event.actor).toMatchObject({ type: "user", ns: "pg:postgresql" });
      expect(event.resources[0]?.scope).toEqual(more.cluster === true ? ["postgresql"] : ["postgresql", "regress"]);
      expect(event.impact?.rows).toBe(more.rows);
      expect(event.impact?.fields).toEqual(more.fields);
      expect(event.actor.actingAs?.id).toBe(more.actingAs);
      expect(event.source).toEqual({});
    },
  );

  it("keeps no password, no parameter and no literal", () => {
    const stored = input.readings.flatMap((reading) => (reading.kind === "event" ? [reading.json] : [])).join("\n");
    const secrets = ["secret", "HASH1", "HASH2", "password2", "md565cb", "yada", "'"];
    expect(secrets.filter((secret) => stored.includes(secret))).toEqual([]);
  });

  it("is as precise as the page says, with errorsLogged too", async () => {
    const precision = { actor: 100, operation: 97, resource: 99.2, scope: 100, outcome: 77.2, source: 0 };
    expect(measurePrecision(input.events)).toEqual(precision);
    const options = { linePrefix, errorsLogged: true };
    // Of the last statement of each session nothing more is said.
    const sure = await readNative(postgresql, log.text, { options });
    expect(measurePrecision(sure.events)).toEqual({ ...precision, outcome: 97.3 });
  });
});

describe.skipIf(!hasSharedData)("crowdsec's failed logins (../shared/data/crowdsec)", () => {
  it.each([
    ["crowdsec/pgsql-user-enum/pgsql-user-enum.log", 6],
    ["crowdsec/supabase-docker-pgsql-logs/supabase-docker-pgsql-logs.log", 3],
  ])("%s: user, database, address and time are what its parser expects", async (path, count) => {
    const assertions = readShared(path.replace(/[^/]*$/, "parser.assert")).toString();
    const parsed = (index: number, name: string): string | undefined => {
      const start = `results["s01-parse"]["crowdsecurity/supabase-docker-pgsql"][${index}].Evt.Parsed["${name}"] == `;
      const line = assertions.split("\n").find((each) => each.startsWith(start));
      return line === undefined ? undefined : (JSON.parse(line.slice(start.length)) as string);
    };
    const { readings, events } = await readNative(postgresql, readShared(path));
    expect([readings.length, events.length]).toEqual([count, count]);
    for (const [index, event] of events.entries()) {
      const time = parsed(index, "timestamp")?.replace(" ", "T");
      expect(event).toMatchObject({
        time: { occurred: `${time}000000Z`, precision: "ms", tz: "stated" },
        actor: { type: "user", id: parsed(index, "pgsql_target_user") },
        action: { op: "AUTH", kind: "auth" },
        resources: [{ type: "pg.database", id: parsed(index, "pgsql_dbname"), scope: ["postgresql"] }],
        outcome: { status: "denied" },
        source: { ip: parsed(index, "source_ip"), ipTrust: "peer" },
        native: { pid: parsed(index, "PID") },
      });
    }
    expect(measurePrecision(events)).toEqual({
      actor: 100,
      operation: 100,
      resource: 100,
      scope: 100,
      outcome: 100,
      source: 100,
    });
  });
});
