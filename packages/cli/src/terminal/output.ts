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
  #isWholeWanted = false;

  constructor(stream: OutputStream, env: Readonly<Record<string, string | undefined>>) {
    this.#stream = stream;
    this.#colours = stream.isTTY === true && (env["NO_COLOR"] ?? "") === "" && env["TERM"] !== "dumb";
  }

  /** Says that a reader who leaves early has less than was asked for: the exit code must not be 0 then. */
  wantWhole(): void {
    this.#isWholeWanted = true;
  }

  get isWholeWanted(): boolean {
    return this.#isWholeWanted;
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

/** The same JSON text without control characters, bidirectional overrides and what is invisible: JSON leaves most of them alone. */
export function escapeJson(text: string): string {
  return text.replaceAll(
    /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu,
    // Above U+FFFF these are two escapes, one for each half.
    (character) => [...unitsOf(character)].map((unit) => `\\u${unit.toString(16).padStart(4, "0")}`).join(""),
  );
}

function* unitsOf(text: string): Generator<number> {
  for (let at = 0; at < text.length; at += 1) yield text.charCodeAt(at);
}
