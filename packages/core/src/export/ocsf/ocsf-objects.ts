import { type AccessEvent, timeMs } from "../../event/index.ts";
import { parseAddress } from "../../predicate/index.ts";

/** A JSON object being put together; members that are undefined are left out of the text. */
export type Members = Readonly<Record<string, unknown>>;

/** The object, or undefined where it would be empty. */
export function unlessEmpty(members: Members): Members | undefined {
  return Object.values(members).some((value) => value !== undefined) ? members : undefined;
}

/** A decimal text as a JSON number where a double holds it exactly. */
export function exactInteger(text: string | undefined): number | undefined {
  const value = Number(text ?? Number.NaN);
  return Number.isSafeInteger(value) ? value : undefined;
}

type Actor = AccessEvent["actor"];
type Party = Pick<Actor, "type" | "id" | "ns" | "name" | "email">;

/** `type_id` of a user object; 99 with the name of ours where the standard has none. */
const userTypes: Readonly<Record<Party["type"], readonly [id: number, name: string]>> = {
  user: [1, "User"],
  system: [3, "System"],
  service: [4, "Service"],
  agent: [99, "agent"],
  role: [99, "role"],
  anonymous: [99, "anonymous"],
  unknown: [0, "Unknown"],
};

/** A party as a `user` object. Its namespace, which makes the id unique, stands as its account. */
export function userOf(party: Party, groups?: readonly string[]): Members {
  const [typeId, type] = userTypes[party.type];
  return {
    uid: party.id,
    name: party.name,
    email_addr: party.email,
    type_id: typeId,
    type,
    account: { uid: party.ns },
    groups: groups?.map((name) => ({ name })),
  };
}

/** The `session` object, with the public id of the credential. */
export function sessionOf({ session, credential }: Actor): Members | undefined {
  return unlessEmpty({
    uid: session?.id,
    created_time: session?.created === undefined ? undefined : timeMs(session.created),
    is_mfa: session?.mfa,
    issuer: session?.issuer,
    credential_uid: credential?.id,
  });
}

/** The `actor` object: a role as `iam_role`, anyone else as `user`. */
export function actorOf(actor: Actor): Members {
  const isRole = actor.type === "role";
  return {
    user: isRole ? undefined : userOf(actor, actor.groups),
    iam_role: isRole ? { uid: actor.id, name: actor.name ?? actor.id } : undefined,
    session: sessionOf(actor),
  };
}

/** Addresses of the forwarding chain; what is none stays in `unmapped`. */
export function addressesOf(via: readonly string[] | undefined): readonly string[] | undefined {
  const found = via?.filter((text) => parseAddress(text) !== undefined);
  return found === undefined || found.length === 0 ? undefined : found;
}

/** The `src_endpoint` object; `name: "unknown"` where the source of the access is not known, since some classes require one. */
export function sourceOf({ source }: AccessEvent): Members {
  const { geo } = source;
  const endpoint = unlessEmpty({
    ip: source.ip,
    port: source.port,
    svc_name: source.service,
    hostname: source.host,
    intermediate_ips: addressesOf(source.via),
    location:
      geo && unlessEmpty({ country: geo.country, region: geo.region, city: geo.city, lat: geo.lat, long: geo.lon }),
    autonomous_system: geo && unlessEmpty({ number: exactInteger(geo.asn), name: geo.org }),
  });
  const isNamed = [source.ip, source.service, source.host].some((value) => value !== undefined);
  return isNamed ? (endpoint ?? {}) : { ...endpoint, name: "unknown" };
}

/** `role_id` of a resource. */
const resourceRoles = {
  target: [1, "Target"],
  affected: [3, "Affected"],
  related: [4, "Related"],
} as const;

/** One `resource_details` object. */
export function resourceOf(resource: AccessEvent["resources"][number]): Members {
  const [roleId, role] = resourceRoles[resource.role ?? "target"];
  return {
    uid: resource.id,
    uid_alt: resource.uid,
    name: resource.name,
    type: resource.type,
    namespace: resource.scope?.join("/"),
    role_id: roleId,
    role,
  };
}
