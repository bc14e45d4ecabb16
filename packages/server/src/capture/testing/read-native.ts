import { type AccessEvent, checkEvent } from "@evident/core";
import { type Adapter, AdaptStream, firstKey, frameInput, parseAdapterOptions, type Reading } from "../adapt/index.ts";

/** An input read by an adapter: every reading in order, and the events of them as the server's check leaves them. */
export interface NativeInput {
  readonly readings: readonly Reading[];
  readonly events: readonly AccessEvent[];
}

/** What tests may choose; 2026-11-25 is today unless they say otherwise. */
export interface ReadNativeOptions {
  readonly options?: Readonly<Record<string, unknown>>;
  readonly nowMs?: number;
  readonly lineBytes?: number;
}

/**
 * Reads a whole input as `evident ingest --format` does and checks every event against the schema.
 *
 * @throws Error naming the line and the problems of an event that the server would refuse
 */
export async function readNative(
  adapters: Adapter | readonly Adapter[],
  input: string | Uint8Array,
  { options = {}, nowMs = Date.parse("2026-11-25T12:00:00Z"), lineBytes = 16 << 20 }: ReadNativeOptions = {},
): Promise<NativeInput> {
  const all: readonly Adapter[] = "name" in adapters ? [adapters] : adapters;
  const stream = new AdaptStream({
    adapters: all,
    optionsOf: (adapter) => parseAdapterOptions(adapter, all.length === 1 ? options : {}),
    context: { nowMs: () => nowMs },
    source: "test",
    key: firstKey(""),
  });
  const readings: Reading[] = [];
  const framings = all.map(({ framing }) => framing);
  const bytes = typeof input === "string" ? Buffer.from(input) : input;
  for await (const lines of frameInput(piecesOf(bytes), framings, lineBytes)) readings.push(...stream.take(lines));
  readings.push(...stream.end());
  return { readings, events: readings.flatMap(toEvent) };
}

async function* piecesOf(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += 65_521) yield bytes.subarray(at, at + 65_521);
}

function toEvent(reading: Reading): readonly AccessEvent[] {
  if (reading.kind !== "event") return [];
  const value = JSON.parse(reading.json) as { origin: Record<string, unknown> };
  value.origin["tenant"] = "test";
  const checked = checkEvent(value);
  if (checked.ok) return [checked.event];
  const problems = checked.problems.map(({ field, problem }) => `${field} ${problem}`).join("; ");
  throw new Error(`line ${reading.line}: ${problems}`);
}
