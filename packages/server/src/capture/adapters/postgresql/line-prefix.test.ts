import { describe, expect, it } from "vitest";
import { commonPrefixes, compilePrefix, prefixProblem } from "./line-prefix.ts";

const time = "2026-11-25 09:30:00.123 UTC";

describe("a log_line_prefix", () => {
  it.each([
    ["%u%d ", "nothing between %u and %d"],
    ["%u%q%a ", "nothing between %u and %a"],
    ["%l%x ", "nothing between %l and %x"],
    ["%u %d %u ", "%u twice"],
    ["%u %d %a %b %i ", "more than 4"],
  ])("whose values cannot be parted is refused: %s", (prefix, problem) => {
    expect(prefixProblem(prefix)).toContain(problem);
  });

  it("of common use is taken, and takes no time for a line that was made to fit it in many ways", () => {
    const own = "%m [%p] %c %l %v %e %q%u@%d %r %a ";
    expect([...commonPrefixes, own].filter((prefix) => prefixProblem(prefix) !== undefined)).toEqual([]);
    const startMs = performance.now();
    for (const prefix of ["%p %u %d %a %b ", "%p %u:%d:%a:%h:"])
      compilePrefix(prefix).read(`1 u d app backend LOG:  ${"a ".repeat(500)}${"a:".repeat(500)}`);
    expect(performance.now() - startMs).toBeLessThan(8_000);
  });

  it("may hold every escape that PostgreSQL knows, with padding", () => {
    const prefix = compilePrefix("%m|%n|%s|%a|%u|%d|%r|%h|%b|%-6p|%P|%i|%e|%c|%5l|%v|%x|%Q|%%|%q> ");
    const line = `${time}|1764063000.123|2026-11-25 09:29:00 UTC|my app|bob|shop|203.0.113.9(5432)|203.0.113.9|client backend|42    ||SELECT|42501|67a1.2a|    7|3/17|0|-88|%|> ERROR:  no`;
    expect(prefix.read(line)).toEqual({
      label: "ERROR",
      text: "no",
      fields: {
        time: "1764063000.123",
        sessionStart: "2026-11-25 09:29:00 UTC",
        application: "my app",
        user: "bob",
        database: "shop",
        host: "203.0.113.9",
        port: "5432",
        backendType: "client backend",
        pid: "42",
        commandTag: "SELECT",
        sqlState: "42501",
        sessionId: "67a1.2a",
        lineNumber: "7",
        virtualXid: "3/17",
        xid: "0",
        queryId: "-88",
      },
    });
  });

  it("stops at %q for processes without a session", () => {
    const prefix = compilePrefix("%m [%p] %q%u@%d ");
    expect(prefix.read(`${time} [7] LOG:  checkpoint starting`)).toMatchObject({ fields: { pid: "7" } });
    expect(prefix.read(`${time} [7] a b@c d LOG:  x`)).toMatchObject({ fields: { user: "a b", database: "c d" } });
    expect(prefix.read(`${time} [7] [unknown]@[unknown] LOG:  x`)).toEqual({
      fields: { time, pid: "7" },
      label: "LOG",
      text: "x",
    });
  });

  it("is matched literally, dots and brackets included", () => {
    const prefix = compilePrefix("(%p).*[x] ");
    expect(prefix.read("(1).*[x] LOG:  a")).toBeDefined();
    expect(prefix.read("(1)ab[x] LOG:  a")).toBeUndefined();
    expect(prefix.read("(1).*[x] LOG: one blank")).toBeUndefined();
  });

  it("does not let a name pass for another user's line", () => {
    const prefix = compilePrefix("%m [%p] %q%u@%d ");
    const forged = `${time} [1] admin@shop LOG:  connection authorized: user=admin database=shop@evil FATAL:  password authentication failed`;
    expect(prefix.read(forged)).toBe("ambiguous");
    const statement = `${time} [1] a@b LOG:  statement: select 'FATAL:  x'`;
    expect(prefix.read(statement)).toMatchObject({ label: "LOG", fields: { user: "a", database: "b" } });
    // An application calls itself what it likes.
    const named = compilePrefix("%a|%u|%d ");
    expect(named.read("x|admin|shop|bob|shop LOG:  x")).toBe("ambiguous");
  });

  it("leaves out what may end in two places, and parts mail addresses from databases with a warning", () => {
    const prefix = compilePrefix("%q%u@%d %a %i ");
    expect(prefix.read("a@b x y SELECT LOG:  x")).toBe("ambiguous");
    expect(compilePrefix("%u@%d(%p) %a/%i ").read("a@b(7) x/y/SELECT LOG:  x")).toEqual({
      fields: { user: "a", database: "b", pid: "7" },
      label: "LOG",
      text: "x",
    });
    expect(compilePrefix("%u@%d ").read("ann@example.com@shop LOG:  x")).toMatchObject({
      fields: { user: "ann@example.com", database: "shop" },
      isNameAssumed: true,
    });
  });
});
