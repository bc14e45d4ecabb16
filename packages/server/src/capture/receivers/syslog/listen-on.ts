import type { Server } from "node:net";
import { EvidentError } from "@evident/core";
import type { ListenerParts } from "./listener.ts";

/** The failure to take an address, as a mistake in the configuration. */
export function addressRefused({ name, listen }: ListenerParts, cause: unknown): EvidentError {
  const why = cause instanceof Error ? cause.message : "";
  const problem = `\`${name}.listen\` ${listen.transport}://${listen.host}:${listen.port} cannot be used: ${why}`;
  const fix = "Stop what uses the address, or give another; ports below 1024 need a privilege.";
  return new EvidentError("config_invalid", problem, { cause, fix });
}

/** Resolves with the port that was taken. @throws EvidentError `config_invalid` */
export async function listenOn(server: Server, parts: ListenerParts): Promise<number> {
  const { host, port } = parts.listen;
  await new Promise<void>((resolve, reject) => {
    const refuse = (cause: unknown): void => reject(addressRefused(parts, cause));
    server.once("error", refuse);
    server.listen({ host, port }, () => {
      server.off("error", refuse);
      server.on("error", (cause) => parts.log.error({ receiver: parts.sender.name, err: cause }, "listening failed"));
      resolve();
    });
  });
  const address = server.address();
  return address === null || typeof address === "string" ? port : address.port;
}
