import { existsSync } from "node:fs";
import { type RunningPostgres, startPostgres } from "@evident/testkit";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type NativeInput, readNative } from "../../testing/index.ts";
import { postgresql } from "./postgresql.ts";

const linePrefix = "%m [%p] %c %l %v %e %q%u@%d %r %a ";
const logging = {
  logging_collector: "on",
  log_destination: "stderr,csvlog,jsonlog",
  log_filename: "server.log",
  log_line_prefix: linePrefix,
  log_timezone: "UTC",
  log_connections: "on",
  log_disconnections: "on",
};

/** What was run, and what the event of it must say: operation, name, objects, outcome, SQLSTATE. */
type Run = readonly [sql: string, op: string, name: string, objects: string, outcome: string, code?: string];

const asSuperuser: readonly Run[] = [
  ["create table public.t (id int primary key, name text)", "CREATE", "CREATE TABLE", "table:public.t", "success"],
  ["create table public.t (id int)", "CREATE", "CREATE TABLE", "table:public.t", "failure", "42P07"],
  [
    "insert into public.t values (1, 'top secret'), (2, E'top \\'secret')",
    "CREATE",
    "INSERT",
    "relation:public.t",
    "success",
  ],
  ["insert into public.t values (1, 'top secret')", "CREATE", "INSERT", "relation:public.t", "failure", "23505"],
  ["update public.t set name = 'top secret' where id = 2", "UPDATE", "UPDATE", "relation:public.t", "success"],
  ["select id / (id - 1) from public.t", "READ", "SELECT", "relation:public.t", "failure", "22012"],
  ["select 'top secret'::int from public.t", "READ", "SELECT", "relation:public.t", "failure", "22P02"],
  ["select * from public.missing", "READ", "SELECT", "relation:public.missing", "failure", "42P01"],
  ["selec 'top secret'", "UNKNOWN", "statement", "database:postgres", "failure", "42601"],
  ["create role bob login password 'top secret'", "CREATE", "CREATE ROLE", "role:bob", "success"],
  ["alter role bob password 'top secret'", "UPDATE", "ALTER ROLE", "role:bob", "success"],
  ["grant pg_read_all_settings to bob", "GRANT", "GRANT ROLE", "role:pg_read_all_settings role:bob", "success"],
  [
    "create view public.v as select * from public.t",
    "CREATE",
    "CREATE VIEW",
    "view:public.v relation:public.t",
    "success",
  ],
  [
    "with gone as (delete from public.t where id = 2 returning *) select * from gone",
    "DELETE",
    "SELECT",
    "relation:public.t",
    "success",
  ],
  [
    "select name -- top secret\n\n from public.v where name <> $q$top\n\nsecret$q$",
    "READ",
    "SELECT",
    "relation:public.v",
    "success",
  ],
  ["copy public.t to '/top/secret/place'", "EXPORT", "COPY TO", "relation:public.t", "failure", "58P01"],
  ["do $$ begin raise exception 'top \"secret\"'; end $$", "EXECUTE", "DO", "database:postgres", "failure", "P0001"],
  ["truncate public.t", "DELETE", "TRUNCATE TABLE", "table:public.t", "success"],
  ["set work_mem = '8MB'", "CONFIGURE", "SET", "parameter:work_mem", "success"],
];

/** Runs statements as `application`, in order, and goes on after failures. */
async function runAll(
  server: RunningPostgres,
  runs: readonly (readonly [sql: string, ...rest: unknown[]])[],
): Promise<void> {
  const client = await server.connect({ application_name: "shop" });
  for (const [sql] of runs) await client.query(sql).catch(() => undefined);
  await client.query("select * from public.t where name = $1", ["top secret"]);
  await client.end();
}

/** What another user may not do, and logins that fail. */
async function runDenied(server: RunningPostgres): Promise<void> {
  const bob = await server.connect({ user: "bob", password: "top secret" });
  await bob.query("select * from public.t").catch(() => undefined);
  await bob.query("set role pg_read_all_settings");
  await bob.query("select 1");
  await bob.end();
  for (const config of [{ user: "bob", password: "wrong secret" }, { user: "nobody" }, { database: "missing" }]) {
    await server.connect(config).catch(() => undefined);
  }
}

function brief({ events }: NativeInput): readonly (readonly unknown[])[] {
  return events.map(({ actor, action, resources, outcome }) => {
    const objects = resources.map(({ type, id }) => `${type.slice("pg.".length)}:${id}`).join(" ");
    return [
      actor.id,
      action.op,
      action.name,
      objects,
      outcome.status,
      ...(outcome.code === undefined ? [] : [outcome.code]),
    ];
  });
}

/** Without the events of the starter, which asks by the Unix socket whether the server is ready. */
async function readFormat(server: RunningPostgres, ending: ".log" | ".csv" | ".json"): Promise<NativeInput> {
  const { readings, events } = await readNative(postgresql, server.readLog(ending), { options: { linePrefix } });
  return { readings, events: events.filter(({ source }) => source.ip === "127.0.0.1") };
}

describe("a real PostgreSQL 18 with log_statement", () => {
  let server: RunningPostgres | undefined;

  beforeAll(async () => {
    server = await startPostgres({ settings: { ...logging, log_statement: "all", log_duration: "on" } });
    await runAll(server, asSuperuser);
    await runDenied(server);
    await server.stop();
  });
  afterAll(async () => await server?.[Symbol.asyncDispose]());

  describe.each([".log", ".csv", ".json"] as const)("whose log is %s", (ending) => {
    let input: NativeInput = { readings: [], events: [] };

    beforeAll(async () => {
      if (server !== undefined) input = await readFormat(server, ending);
    });

    it("is read whole, and gives an event for everything that was run", () => {
      expect(input.readings.filter(({ kind }) => kind === "unreadable")).toEqual([]);
      expect(brief(input)).toEqual([
        ["postgres", "AUTH", "connection authorized", "database:postgres", "success"],
        ...asSuperuser.map(([, ...expected]) => ["postgres", ...expected]),
        ["postgres", "READ", "SELECT", "relation:public.t", "success"],
        ["postgres", "LOGOUT", "disconnection", "database:postgres", "success"],
        ["bob", "AUTH", "connection authorized", "database:postgres", "success"],
        ["bob", "READ", "SELECT", "relation:public.t", "denied", "42501"],
        ["bob", "CONFIGURE", "SET", "parameter:role", "success"],
        ["bob", "READ", "SELECT", "database:postgres", "success"],
        ["bob", "LOGOUT", "disconnection", "database:postgres", "success"],
        ["bob", "AUTH", "connection refused", "database:postgres", "denied", "28P01"],
        ["nobody", "AUTH", "connection refused", "database:postgres", "denied", "28P01"],
        ["postgres", "AUTH", "connection authorized", "database:missing", "failure", "3D000"],
      ]);
      expect(input.events.find(({ actor }) => actor.actingAs !== undefined)).toMatchObject({
        actor: { id: "bob", actingAs: { type: "role", id: "pg_read_all_settings" } },
        detail: { statement: "select ?" },
      });
    });

    it("leaves no literal, password or parameter in any event", () => {
      const stored = input.readings.flatMap((reading) => (reading.kind === "event" ? [reading.json] : [])).join("\n");
      expect(stored.match(/.{0,40}secret.{0,40}/gi)).toBeNull();
    });

    it("says from where, in which session and when", () => {
      for (const { source, actor, time, origin } of input.events) {
        expect(source).toMatchObject({ ip: "127.0.0.1", ipTrust: "peer" });
        expect(actor.session?.id).toMatch(/^[0-9a-f]+\.[0-9a-f]+$/);
        expect(time).toMatchObject({ precision: "ms", basis: "event", tz: "stated" });
        expect(origin.nativeId).toMatch(/^[0-9a-f]+\.[0-9a-f]+\/\d+$/);
      }
      expect(new Set(input.events.map(({ id }) => id)).size).toBe(input.events.length);
    });
  });
});

const debian = "/usr/lib/postgresql/15";
const hasPgaudit = existsSync(`${debian}/lib/pgaudit.so`);

// Only where Debian's postgresql-15-pgaudit is installed, and only in the long form of the tests.
describe.skipIf(!hasPgaudit || process.env["EVIDENT_SOAK"] !== "1").each(["off", "on"])(
  "a real PostgreSQL 15 with pgaudit, log_rows %s",
  (rows) => {
    it("gives an event for every access, with its outcome", async () => {
      const audit = { shared_preload_libraries: "pgaudit", "pgaudit.log": "all", "pgaudit.log_parameter": "on" };
      const settings = { ...logging, ...audit, "pgaudit.log_relation": "on", "pgaudit.log_rows": rows };
      await using server = await startPostgres({ binDir: `${debian}/bin`, settings });
      const setUp = await server.connect();
      await setUp.query("create extension pgaudit");
      await setUp.end();
      const runs = asSuperuser.filter(([sql]) => !sql.startsWith("with ") && !sql.startsWith("do "));
      await runAll(server, runs);
      await runDenied(server);
      await server.stop();
      const inputs = await Promise.all(
        ([".log", ".csv", ".json"] as const).map((ending) => readFormat(server, ending)),
      );
      const [first] = inputs;
      if (first === undefined) throw new Error("there is no log");
      for (const input of inputs) {
        expect(brief(input)).toEqual(brief(first));
        expect(input.readings.filter(({ kind }) => kind === "unreadable")).toEqual([]);
        const stored = input.readings.flatMap((reading) => (reading.kind === "event" ? [reading.json] : [])).join("\n");
        expect(stored.match(/.{0,40}secret.{0,40}/gi)).toBeNull();
      }
      const found = brief(first).map((each) => each.join(" "));
      const isRow = rows === "on";
      expect(found).toEqual(
        expect.arrayContaining([
          "postgres CREATE CREATE TABLE table:public.t success",
          "postgres CREATE CREATE TABLE table:public.t failure 42P07",
          `postgres CREATE INSERT table:public.t ${isRow ? "success" : "unknown"}`,
          `postgres CREATE INSERT ${isRow ? "relation" : "table"}:public.t failure 23505`,
          `postgres READ SELECT ${isRow ? "relation" : "table"}:public.t failure 22012`,
          "postgres CREATE CREATE ROLE role:bob success",
          "postgres GRANT GRANT ROLE role:pg_read_all_settings role:bob success",
          "postgres DELETE TRUNCATE TABLE table:public.t success",
          "bob READ SELECT relation:public.t denied 42501",
          "bob AUTH connection refused database:postgres denied 28P01",
        ]),
      );
    });
  },
);
