import type { TestApi } from "./start-api.ts";

/** One server-sent event. */
export interface TailEvent {
  readonly id: string;
  readonly name: string;
  readonly data: {
    readonly trail: string;
    readonly index: number;
    readonly entry: { readonly event?: { readonly id: string } };
  };
}

/** An open tail. */
export interface Follower {
  readonly answer: Response;
  /** Everything that came so far, as text. */
  text(): string;
  events(): readonly TailEvent[];
  /** Waits until so many events came. */
  until(count: number): Promise<readonly TailEvent[]>;
  /** Reads to the end of the stream. */
  rest(): Promise<string>;
  stop(): void;
}

function parse(text: string): TailEvent[] {
  return text
    .split("\n\n")
    .slice(0, -1)
    .filter((part) => part.includes("\ndata: "))
    .map((part) => {
      const field = (name: string): string => new RegExp(`^${name}: (.*)$`, "m").exec(part)?.[1] ?? "";
      return { id: field("id"), name: field("event"), data: JSON.parse(field("data")) as TailEvent["data"] };
    });
}

/** Opens `/v1/tail` and collects what comes. */
export async function follow(
  api: TestApi,
  query = "",
  { key, lastEventId }: { readonly key?: string; readonly lastEventId?: string } = {},
): Promise<Follower> {
  const abort = new AbortController();
  const answer = await api.fetch(`/v1/tail${query}`, {
    signal: abort.signal,
    ...(key === undefined ? {} : { key }),
    ...(lastEventId === undefined ? {} : { headers: { "last-event-id": lastEventId } }),
  });
  const reader = answer.body?.pipeThrough(new TextDecoderStream()).getReader();
  let text = "";
  const read = async (): Promise<boolean> => {
    const part = await reader?.read();
    text += part?.value ?? "";
    return part?.done === false;
  };
  return {
    answer,
    text: () => text,
    events: () => parse(text),
    async until(count) {
      while (parse(text).length < count && (await read()));
      return parse(text);
    },
    async rest() {
      while (await read());
      return text;
    },
    stop: () => abort.abort(),
  };
}
