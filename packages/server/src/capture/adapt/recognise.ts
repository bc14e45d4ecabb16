import type { Adapter } from "./adapter.ts";
import { frameInput } from "./frame-input.ts";
import { NativeRecord } from "./native-record.ts";

const LINE_BYTES = 1 << 20;

/** The adapter that recognises the first record of an input by its beginning; undefined when none does. */
export async function recognise(start: Uint8Array, adapters: readonly Adapter[]): Promise<Adapter | undefined> {
  const input = async function* (): AsyncGenerator<Uint8Array> {
    yield start;
  };
  const framings = adapters.map(({ framing }) => framing);
  for await (const [line] of frameInput(input(), framings, LINE_BYTES)) {
    if (line?.kind !== "text") return undefined;
    const record = new NativeRecord(line.line, line.text, "");
    return adapters.find((adapter) => adapter.recognises(record));
  }
  return undefined;
}
