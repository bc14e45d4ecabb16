import { type NativeInput, readNative } from "../../testing/index.ts";
import { postgresql } from "./postgresql.ts";

const linePrefix = "%m [%p] %v %q%u@%d/%a/%r ";
/** What the lines of `line` are read with. */
export const options = { linePrefix, cluster: "orders-db" };
let second = 0;

/** A line of session `pid` of bob in the database shop, in transaction 3/`xact`. */
export function line(label: string, text: string, { pid = 7, xact = 1, user = "bob" } = {}): string {
  second += 1;
  const time = new Date(Date.UTC(2026, 10, 25, 9) + second * 10).toISOString();
  const head = `${time.slice(0, 10)} ${time.slice(11, 23)} UTC [${pid}] 3/${xact}`;
  return `${head} ${user}@shop/psql/203.0.113.9(5432) ${label}:  ${text}`;
}

/** Reads lines of a log. */
export async function read(
  lines: readonly string[],
  more: Readonly<Record<string, unknown>> = {},
): Promise<NativeInput> {
  return await readNative(postgresql, `${lines.join("\n")}\n`, { options: { ...options, ...more } });
}

/** What became of which line, in the order in which it is known. */
export function kinds(readings: NativeInput["readings"]): string {
  return readings.map(({ kind, line: at }) => `${at} ${kind}`).join(", ");
}
