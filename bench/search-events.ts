/** A seeded stream of entry lines of about 650 bytes, shaped like a company's access log over 90 days. */
export interface EventStream {
  /** The line of entry `index`; the same seed and index always give the same line. */
  line(this: void, index: number): string;
  readonly startMs: number;
  readonly endMs: number;
}

const firstNames =
  "alice bob carol dave erin frank grace heidi ivan judy mallory niaj olivia peggy rupert sybil trent victor walter".split(
    " ",
  );
const actions =
  "invoice.read invoice.update customer.read customer.export report.run table.select table.update object.get object.put object.list role.assign login session.refresh user.create key.rotate".split(
    " ",
  );
const ops = [
  "READ",
  "UPDATE",
  "READ",
  "EXPORT",
  "EXECUTE",
  "READ",
  "UPDATE",
  "READ",
  "CREATE",
  "LIST",
  "GRANT",
  "AUTH",
  "AUTH",
  "CREATE",
  "CONFIGURE",
];
const kinds = ["api", "http", "datastore", "auth", "iam"];
const types = ["invoice", "customer", "table", "bucket", "report", "account"];
const agents = [
  "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/153.0 Safari/537.36",
  "Mozilla/5.0 (Macintosh; Intel Mac OS X 15_3) AppleWebKit/605.1.15 Version/19.1 Safari/605.1.15",
  "aws-cli/2.31.2 Python/3.13.1 Linux/6.12",
  "evident-sdk/0.1 node/26.10.0",
  "curl/8.14.1",
];
const reasons = ["policy denied the request", "token expired", "multi-factor required", "no matching grant"];

/** A small counter-based generator (splitmix32): one state per event, so events can be made in any order. */
function generator(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x9e3779b9) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 16), 0x85ebca6b);
    mixed = Math.imul(mixed ^ (mixed >>> 13), 0xc2b2ae35);
    return ((mixed ^ (mixed >>> 16)) >>> 0) / 4294967296;
  };
}

function hex(random: () => number, digits: number): string {
  let text = "";
  while (text.length < digits)
    text += Math.floor(random() * 0x10000)
      .toString(16)
      .padStart(4, "0");
  return text.slice(0, digits);
}

function uuid(random: () => number, atMs: number): string {
  const time = atMs.toString(16).padStart(12, "0");
  return `${time.slice(0, 8)}-${time.slice(8)}-7${hex(random, 3)}-8${hex(random, 3)}-${hex(random, 12)}`;
}

function time(ms: number): string {
  return `${new Date(ms).toISOString().slice(0, -1)}000000Z`;
}

/** The user of rank `rank`; rank 0 is the busiest. */
export function userId(rank: number): string {
  return `${firstNames[rank % firstNames.length]}.${rank}@example.com`;
}

/**
 * @param count events over the whole span; arrival is in order of time but for a jitter of seconds
 * @param users distinct actors, zipf-like: the busiest has about a hundredth of all events
 */
export function makeEvents(count: number, seed = 1, users = 20_000): EventStream {
  const endMs = Date.UTC(2026, 2, 31);
  const startMs = endMs - 90 * 86_400_000;
  const stepMs = (endMs - startMs) / count;
  return {
    startMs,
    endMs,
    line(index) {
      const random = generator(seed * 7919 + index * 2654435761);
      const receivedMs = Math.floor(startMs + index * stepMs);
      const atMs = receivedMs - Math.floor(random() * 5_000);
      const rank = Math.floor(users ** random()) - 1;
      const user = userId(rank);
      const action = Math.floor(random() * actions.length);
      const type = types[Math.floor(random() * types.length)];
      const object = Math.floor(200_000 ** random());
      const denied = random() < 0.02;
      const failed = !denied && random() < 0.01;
      const outcome = denied
        ? { status: "denied", code: "403", reason: reasons[Math.floor(random() * reasons.length)] }
        : failed
          ? { status: "failure", code: "500" }
          : { status: "success", code: "200" };
      const entry = {
        v: 1,
        kind: "event",
        received: time(receivedMs),
        sent: Buffer.from(hex(random, 32), "hex").toString("base64url"),
        event: {
          v: 1,
          id: uuid(random, atMs),
          time: { occurred: time(atMs), precision: "ms", basis: "event" },
          actor: {
            type: "user",
            id: user,
            ns: "okta",
            session: { id: hex(generator(rank + Math.floor(index / 50_000)), 12) },
          },
          action: { op: ops[action], name: actions[action], kind: kinds[action % kinds.length] },
          resources: [{ type, id: `${type}/${object}`, scope: [`eu-${rank % 4}`] }],
          outcome,
          source: {
            ip: `10.${rank % 200}.${(rank >> 3) % 250}.${1 + (index % 3)}`,
            service: "billing",
            userAgent: agents[rank % agents.length],
          },
          trace: { requestId: `req-${hex(random, 16)}` },
          origin: { tenant: "acme", source: `billing-${rank % 3}`, system: "billing", adapter: "sdk" },
          ...(index % 10 === 3
            ? { detail: { note: `ticket ${hex(random, 6)} opened by ${firstNames[rank % 7]}` } }
            : {}),
        },
      };
      return JSON.stringify(entry);
    },
  };
}
