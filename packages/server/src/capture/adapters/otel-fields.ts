import { isObject, type JsonObject, type NativeEvent, splitAddress, textAt, textsAt, toText } from "../adapt/index.ts";

/** Attributes of a flattened record; those of the record itself, and those of its resource. */
export interface OtelAttributes {
  readonly own: JsonObject;
  readonly resource: JsonObject;
}

/** The first of the attributes that says something: newer semantic conventions before older ones. */
export function attribute(own: JsonObject, ...names: readonly string[]): string | undefined {
  for (const name of names) {
    const found = Object.hasOwn(own, name) ? toText(own[name]) : undefined;
    if (found !== undefined) return found;
  }
  return undefined;
}

/** Who acted: the user that the record names, else the service that wrote it. */
export function otelActor(
  { own, resource }: OtelAttributes,
  realm: string | undefined,
  warnings: string[],
): NativeEvent["actor"] {
  const service = serviceName(resource);
  const ns = realm ?? (service === undefined ? "otel" : `otel:${service}`);
  const session = { id: attribute(own, "session.id") };
  const user = attribute(own, "user.id", "enduser.id", "user.email", "user.name");
  if (user !== undefined) {
    const given = attribute(own, "access.actor.type");
    return {
      type: isActorType(given) ? given : "user",
      id: user,
      ns,
      name: attribute(own, "user.full_name", "user.name"),
      email: attribute(own, "user.email"),
      groups: textsAt(own, "user.roles"),
      session,
    };
  }
  if (attribute(own, "enduser.pseudo.id") !== undefined) {
    return { type: "anonymous", id: attribute(own, "enduser.pseudo.id") ?? "anonymous", ns, session };
  }
  if (service === undefined) {
    warnings.push("actor:default");
    return { type: "unknown", id: "unknown", ns, session };
  }
  // A request of a client that nobody named is not the service's own doing.
  if (isServerSide(own)) {
    warnings.push("actor:default");
    return { type: "unknown", id: "unknown", ns, session };
  }
  return { type: "service", id: service, ns: realm ?? "otel", session };
}

const actorTypes = new Set(["user", "service", "agent", "role", "system", "anonymous", "unknown"]);

function isActorType(text: string | undefined): text is NativeEvent["actor"]["type"] {
  return text !== undefined && actorTypes.has(text);
}

/** Attributes that only the side that answers a request has. */
function isServerSide(own: JsonObject): boolean {
  return attribute(own, "client.address", "http.client_ip", "http.route", "url.path", "http.target") !== undefined;
}

/** The service as it names itself, with its namespace. */
export function serviceName(resource: JsonObject): string | undefined {
  const name = attribute(resource, "service.name");
  const namespace = attribute(resource, "service.namespace");
  return name === undefined || namespace === undefined ? name : `${namespace}/${name}`;
}

/** What contains the resource, outermost first. */
export function otelScope({ own, resource }: OtelAttributes): readonly string[] {
  const parts = [
    attribute(resource, "cloud.account.id"),
    attribute(resource, "cloud.region"),
    attribute(resource, "k8s.cluster.name"),
    attribute(resource, "k8s.namespace.name"),
    attribute(resource, "deployment.environment.name", "deployment.environment"),
    serviceName(resource),
    attribute(own, "server.address", "net.peer.name", "http.host"),
  ];
  return parts.filter((part) => part !== undefined);
}

/** From where: the client that the record names, else the peer on the network, else the host that wrote it. */
export function otelSource({ own, resource }: OtelAttributes, warnings: string[]): NativeEvent["source"] {
  const peer = splitAddress(attribute(own, "network.peer.address", "net.sock.peer.addr", "net.peer.ip"));
  const named = attribute(own, "client.address", "http.client_ip", "source.address");
  const client = splitAddress(named);
  const ip = client?.ip ?? peer?.ip;
  const isPeer = ip !== undefined && ip === peer?.ip;
  // `client.address` may come from a header that anybody can write.
  if (ip !== undefined && !isPeer) warnings.push("ip:client");
  const port = attribute(own, isPeer ? "network.peer.port" : "client.port", "client.port", "source.port");
  return {
    ip,
    port: client?.port ?? peer?.port ?? toPort(port),
    ipTrust: ip === undefined ? undefined : isPeer ? "peer" : "client",
    via: ip !== undefined && peer !== undefined && !isPeer ? [peer.ip] : undefined,
    service: ip === undefined ? serviceName(resource) : undefined,
    host:
      named !== undefined && client === undefined
        ? named
        : ip === undefined
          ? attribute(resource, "host.name")
          : undefined,
    userAgent: attribute(own, "user_agent.original", "http.user_agent"),
  };
}

function toPort(text: string | undefined): number | undefined {
  const port = /^\d{1,5}$/.test(text ?? "") ? Number(text) : undefined;
  return port === undefined || port > 65_535 ? undefined : port;
}

const statuses = new Set(["success", "denied", "failure", "pending", "unknown"]);

/** How it ended: as the record says, else by the status of HTTP, gRPC or the database, else by an error. */
export function otelOutcome(own: JsonObject, logRecord: JsonObject, warnings: string[]): NativeEvent["outcome"] {
  const reason = attribute(own, "access.reason", "error.message", "exception.message");
  const given = attribute(own, "access.outcome")?.toLowerCase();
  const error = attribute(own, "error.type", "exception.type");
  const http = attribute(own, "http.response.status_code", "http.status_code");
  const grpc = attribute(own, "rpc.grpc.status_code", "rpc.response.status_code");
  const code = http ?? grpc ?? attribute(own, "db.response.status_code") ?? error;
  if (given !== undefined && statuses.has(given)) {
    return { status: given as NativeEvent["outcome"]["status"], code, reason };
  }
  const isHttp = /^[1-5]\d\d$/.test(http ?? "");
  if (isHttp) return { status: byHttp(Number(http)), code, reason };
  if (grpc !== undefined) return { status: byGrpc(grpc), code, reason };
  const sql = attribute(own, "db.response.status_code");
  if (sql !== undefined && /^(?:42501|28\w{3}|1045|1142|13|18)$/.test(sql)) return { status: "denied", code, reason };
  if (error !== undefined) return { status: "failure", code, reason };
  if (sql !== undefined && /^0+$/.test(sql)) return { status: "success", code };
  if (attribute(own, "db.response.returned_rows") !== undefined) return { status: "success", code };
  const severity = Number(toText(logRecord["severityNumber"]) ?? Number.NaN);
  // ERROR and FATAL begin at 17.
  if (severity >= 17) {
    warnings.push("outcome:severity");
    return { status: "failure", code, reason };
  }
  return { status: "unknown", code, reason };
}

function byHttp(status: number): NativeEvent["outcome"]["status"] {
  if (status === 401 || status === 403 || status === 407) return "denied";
  return status < 400 ? "success" : "failure";
}

function byGrpc(code: string): NativeEvent["outcome"]["status"] {
  if (code === "0" || code === "OK") return "success";
  return code === "7" || code === "16" || code === "PERMISSION_DENIED" || code === "UNAUTHENTICATED"
    ? "denied"
    : "failure";
}

/** How much was read or written. */
export function otelImpact(own: JsonObject): NativeEvent["impact"] {
  return {
    rows: attribute(own, "access.scope.rows", "db.response.returned_rows"),
    bytesIn: attribute(own, "http.request.body.size", "http.request_content_length"),
    bytesOut: attribute(own, "http.response.body.size", "http.response_content_length"),
    fields: textsAt(own, "access.scope.fields"),
  };
}

/** An own attribute that holds a list of texts, or one text. */
export function listAttribute(own: JsonObject, name: string): readonly string[] {
  const found = Object.hasOwn(own, name) ? own[name] : undefined;
  if (Array.isArray(found)) return textsAt(own, name);
  const one = isObject(found) ? undefined : textAt(own, name);
  return one === undefined ? [] : [one];
}
