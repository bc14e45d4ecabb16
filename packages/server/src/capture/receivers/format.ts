import { EvidentError } from "@evident/core";
import { type Adapter, adapterOptions } from "../adapt/index.ts";
import { findAdapters } from "../adapters/index.ts";

/** What a receiver reads its records with. */
export interface ReceiverFormat {
  readonly adapters: readonly Adapter[];
  readonly optionsOf: (adapter: Adapter) => Readonly<Record<string, unknown>>;
}

/**
 * The adapters that a receiver's configuration names.
 *
 * @param name of the receiver in the configuration: `receivers.syslog[0]`
 * @throws EvidentError `config_invalid` that names the key
 */
export function receiverFormat(
  name: string,
  { format, options }: { readonly format: string; readonly options: Readonly<Record<string, unknown>> },
): ReceiverFormat {
  const adapters = named(`${name}.format`, () => findAdapters(format));
  return { adapters, optionsOf: named(`${name}.options`, () => adapterOptions(adapters, options)) };
}

function named<Value>(key: string, read: () => Value): Value {
  try {
    return read();
  } catch (cause) {
    if (!(cause instanceof EvidentError)) throw cause;
    throw new EvidentError("config_invalid", `\`${key}\`: ${cause.message}`, { cause, fix: cause.fix });
  }
}
