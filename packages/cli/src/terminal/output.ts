import { styleText } from "node:util";

type Style = Parameters<typeof styleText>[0];

/** The part of a stream that an output needs; `process.stdout` is one. */
export interface OutputStream {
  readonly isTTY?: boolean;
  readonly columns?: number;
  readonly writableNeedDrain?: boolean;
  write(text: string | Uint8Array): boolean;
  once(event: "drain", listener: () => void): unknown;
}

const DEFAULT_COLUMNS = 100;

/** stdout or stderr. Colours only on a terminal, and not where NO_COLOR is set. */
export class Output {
  readonly #stream: OutputStream;
  readonly #colours: boolean;

  constructor(stream: OutputStream, env: Readonly<Record<string, string | undefined>>) {
    this.#stream = stream;
    this.#colours = stream.isTTY === true && (env["NO_COLOR"] ?? "") === "" && env["TERM"] !== "dumb";
  }

  get isTerminal(): boolean {
    return this.#stream.isTTY === true;
  }

  get columns(): number {
    return this.#stream.columns ?? DEFAULT_COLUMNS;
  }

  style(style: Style, text: string): string {
    return this.#colours ? styleText(style, text, { validateStream: false }) : text;
  }

  /** Writes text as it is. Await what it returns before writing much more: it resolves when the reader has caught up. */
  write(text: string | Uint8Array): Promise<void> | undefined {
    if (this.#stream.write(text)) return undefined;
    return new Promise((resolve) => {
      this.#stream.once("drain", resolve);
    });
  }

  line(text = ""): Promise<void> | undefined {
    return this.write(`${text}\n`);
  }

  /** One line of JSON. Control characters that JSON leaves alone are escaped, so that none reaches a terminal. */
  json(value: unknown): Promise<void> | undefined {
    return this.line(escapeJson(JSON.stringify(value)));
  }
}

/** The same JSON text without DEL, C1 controls and bidirectional overrides. */
export function escapeJson(text: string): string {
  return text.replaceAll(
    /[\u007f-\u009f\u200e\u200f\u202a-\u202e\u2066-\u2069]/g,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
}
