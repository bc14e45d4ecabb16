import { describe, expect, it } from "vitest";
import { parseSql } from "./parse-sql.ts";

/** `op name objects`, related ones with a tilde. */
function brief(sql: string): readonly string[] | undefined {
  return parseSql(sql)?.map(({ op, name, objects }) => {
    const named = objects.map(({ type, id, role }) => `${role === "related" ? "~" : ""}${type}:${id}`);
    return [op, name, ...named].join(" ");
  });
}

describe("parseSql", () => {
  it.each([
    ["select * from users u join public.orders o on true", "READ SELECT relation:users relation:public.orders"],
    [
      "select * from a where exists (select 1 from b) union select * from c",
      "READ SELECT relation:a relation:b relation:c",
    ],
    ["with t as (select * from t) select * from t", "READ SELECT relation:t"],
    ["with recursive t as (select 1 union select * from t) select * from t", "READ SELECT"],
    ["with g as (delete from q returning *) select * from g, r", "DELETE SELECT relation:q ~relation:r"],
    ["select 1", "READ SELECT"],
    ["select f.g(1), pg_catalog.now()", "READ SELECT function:f.g"],
    ["select a.* into n from a", "CREATE SELECT INTO table:n ~relation:a"],
    ["insert into t(a) select x from s", "CREATE INSERT relation:t ~relation:s"],
    ["insert into t(a) values (1) on conflict (a) do update set b = 1", "WRITE INSERT relation:t"],
    ['update only "T".x set a = 1 from z', 'UPDATE UPDATE relation:"T".x ~relation:z'],
    ["delete from t using u where true", "DELETE DELETE relation:t ~relation:u"],
    ["merge into t using s on true when matched then delete", "WRITE MERGE relation:t ~relation:s"],
    ["copy t(a) from stdin", "WRITE COPY FROM relation:t"],
    ["copy t to program 'x'", "EXPORT COPY TO PROGRAM relation:t"],
    ["copy (select * from z) to stdout", "EXPORT COPY TO relation:z"],
    ["truncate a, s.b", "DELETE TRUNCATE TABLE table:a table:s.b"],
    ["create table a as select * from b", "CREATE CREATE TABLE AS table:a ~relation:b"],
    ["create view v as select * from w", "CREATE CREATE VIEW view:v ~relation:w"],
    ["create index i on t(a)", "CREATE CREATE INDEX index:i ~relation:t"],
    ["create procedure s.p() language sql as ''", "CREATE CREATE PROCEDURE procedure:s.p"],
    ["create aggregate s.a(int) (sfunc = f, stype = int)", "CREATE CREATE AGGREGATE aggregate:s.a"],
    ["drop table a.b, c cascade", "DELETE DROP TABLE table:a.b table:c"],
    ["drop function f(int), public.g(text)", "DELETE DROP FUNCTION function:f function:public.g"],
    ["alter table x rename column a to b", "UPDATE ALTER TABLE table:x"],
    ["alter function f(int) owner to joe", "UPDATE ALTER FUNCTION function:f"],
    ["comment on table s.t is 'x'", "UPDATE COMMENT table:s.t"],
    ["create role x password 'y'", "CREATE CREATE ROLE role:x"],
    ["alter role x set work_mem = 1", "CONFIGURE ALTER ROLE role:x"],
    ["grant select on a.b, c to joe, public", "GRANT GRANT table:a.b table:c ~role:joe ~role:public"],
    ["revoke all on all tables in schema s from joe", "REVOKE REVOKE schema:s ~role:joe"],
    ["grant a to b", "GRANT GRANT ROLE role:a ~role:b"],
    ["set search_path to a", "CONFIGURE SET parameter:search_path"],
    ["show work_mem", "READ SHOW parameter:work_mem"],
    ["alter system set x = 1", "CONFIGURE ALTER SYSTEM"],
    ["call a.f(1)", "EXECUTE CALL procedure:a.f"],
    ["do $$ begin end $$", "EXECUTE DO"],
    ["explain delete from q", "READ EXPLAIN relation:q"],
    ["explain analyze delete from q", "DELETE EXPLAIN relation:q"],
    ["declare c cursor for select * from t", "READ DECLARE CURSOR relation:t"],
    ["vacuum s.t", "OTHER VACUUM relation:s.t"],
  ])("%s", (sql, expected) => {
    expect(brief(sql)).toEqual([expected]);
  });

  it("reads every statement of a text, also those within CREATE SCHEMA", () => {
    expect(brief("delete from a; select 1; commit")).toEqual([
      "DELETE DELETE relation:a",
      "READ SELECT",
      "OTHER COMMIT",
    ]);
    expect(brief("create schema foo grant select on s.t to joe")).toEqual([
      "CREATE CREATE SCHEMA schema:foo",
      "GRANT GRANT table:s.t ~role:joe",
    ]);
  });

  it("says which role is taken, and that it is given up", () => {
    const roleOf = (sql: string): unknown => parseSql(sql)?.[0]?.role;
    expect(roleOf("set role bob")).toEqual({ to: "bob", isLocal: false });
    expect(roleOf("set local role 'bob'")).toEqual({ to: "bob", isLocal: true });
    expect(roleOf("reset role")).toEqual({ isLocal: false });
    expect(roleOf("set role none")).toEqual({ isLocal: false });
  });

  it("gives nothing for what is no SQL, too long or too deep", () => {
    expect(parseSql("selec * from t")).toBeUndefined();
    expect(parseSql("  ")).toBeUndefined();
    expect(parseSql(`select ${"(".repeat(9_000)}1${")".repeat(1)}`)).toBeUndefined();
    expect(parseSql(`select ${"1+".repeat(20_000)}1`)).toBeUndefined();
    expect(brief("select * from __proto__.constructor")).toEqual(["READ SELECT relation:__proto__.constructor"]);
  });
});
