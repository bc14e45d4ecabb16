import { closeSync, fdatasync, openSync, write } from "node:fs";
import { createServer, type IncomingMessage } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { promisify } from "node:util";
import type { ChildTask } from "./child-process.ts";

const writeAt = promisify(write);
const sync = promisify(fdatasync);

async function readBody(request: IncomingMessage): Promise<Buffer> {
  const parts: Buffer[] = [];
  for await (const part of request) parts.push(part as Buffer);
  return Buffer.concat(parts);
}

/** The plain way to take events over HTTP: read the body whole, write it to one file, fdatasync, answer. No check, no index. */
export const plainServerTask: ChildTask = async (text, tell) => {
  const { directory } = JSON.parse(text) as { readonly directory: string };
  const file = openSync(join(directory, "plain"), "w");
  let end = 0;
  const server = createServer((request, response) => {
    const take = async (): Promise<void> => {
      const body = await readBody(request);
      const at = end;
      end += body.length;
      for (let done = 0; done < body.length; ) {
        const { bytesWritten } = await writeAt(file, body, done, body.length - done, at + done);
        done += bytesWritten;
      }
      await sync(file);
      response.end("{}");
    };
    if (request.method === "POST") take().catch((cause: unknown) => response.destroy(cause as Error));
    else response.end('{"status":"ready","indexLag":0}');
  });
  await new Promise<void>((resolve) => {
    server.listen(0, "127.0.0.1", resolve);
  });
  tell(`http://127.0.0.1:${(server.address() as AddressInfo).port}`);
  await new Promise<void>((resolve) => {
    process.once("SIGTERM", resolve);
  });
  server.closeAllConnections();
  server.close();
  closeSync(file);
  return end;
};
