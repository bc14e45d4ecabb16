import type { AccessEvent } from "../../event/index.ts";
import { isGroupLike, isUserLike, methodOf, type OcsfClass } from "./ocsf-classes.ts";
import {
  actorOf,
  exactInteger,
  type Members,
  resourceOf,
  sessionOf,
  sourceOf,
  unlessEmpty,
  userOf,
} from "./ocsf-objects.ts";

type Resource = AccessEvent["resources"][number];

/** What an access was mainly to. */
export function targetOf({ resources }: AccessEvent): Resource {
  const target = resources.find(({ role }) => role === undefined || role === "target") ?? resources[0];
  if (target === undefined) throw new RangeError("an event has at least one resource");
  return target;
}

function named({ id, name }: Resource): { readonly uid: string; readonly name: string } {
  return { uid: id, name: name ?? id };
}

function accountOf(resource: Resource): Members {
  return { ...named(resource), uid_alt: resource.uid, type_id: 0, type: resource.type };
}

/** An agent is known of any request, whatever its protocol. */
function requestOf({ source, trace }: AccessEvent): Members | undefined {
  return source.userAgent === undefined ? undefined : { user_agent: source.userAgent, uid: trace?.requestId };
}

function httpCode({ outcome }: AccessEvent): number | undefined {
  return /^[1-5]\d\d$/.test(outcome.code ?? "") ? Number(outcome.code) : undefined;
}

function httpMembers(event: AccessEvent): Members {
  const { id, scope } = targetOf(event);
  const url = /^[a-z][a-z0-9+.-]*:\/\//i.test(id) ? { url_string: id } : { path: id, hostname: scope?.at(-1) };
  const code = httpCode(event);
  return {
    http_request: {
      ...requestOf(event),
      uid: event.trace?.requestId,
      http_method: methodOf(event),
      url,
    },
    http_response: code === undefined ? undefined : { code },
    traffic: unlessEmpty({
      bytes_in: exactInteger(event.impact?.bytesIn),
      bytes_out: exactInteger(event.impact?.bytesOut),
    }),
    dst_endpoint: { svc_name: event.origin.system },
  };
}

function datastoreMembers(event: AccessEvent): Members {
  const target = targetOf(event);
  const { type } = target;
  if (/bucket|blob|object|container/i.test(type))
    return { databucket: { ...named(target), type_id: 99, type }, type_id: 2 };
  if (/table|view|index|relation|column|collection/i.test(type)) return { table: named(target), type_id: 3 };
  return { database: { ...named(target), type_id: 99, type }, type_id: 1 };
}

function fileMembers(event: AccessEvent): Members {
  const { id, uid, name, type } = targetOf(event);
  const last = id.split(/[/\\]/).findLast((part) => part !== "");
  return { file: { name: name ?? last ?? id, path: id, uid, type_id: 0, type } };
}

function apiMembers({ action, origin, outcome, trace, resources }: AccessEvent): Members {
  const failed = outcome.status === "denied" || outcome.status === "failure";
  return {
    api: {
      operation: action.name,
      service: { name: origin.system },
      request: trace?.requestId === undefined ? undefined : { uid: trace.requestId },
      response: failed
        ? unlessEmpty({ code: exactInteger(outcome.code), error: outcome.code, error_message: outcome.reason })
        : undefined,
    },
    resources: resources.map(resourceOf),
  };
}

/** Names of what is given or taken: every resource that is neither the account nor the group. */
function privilegesOf({ action, resources }: AccessEvent): readonly string[] {
  const given = resources.filter((resource) => !isUserLike(resource) && !isGroupLike(resource)).map(({ id }) => id);
  return given.length === 0 ? [action.name] : given;
}

const entityTypes = [
  [/device|host|machine|instance/i, 1, "Device"],
  [/user|account|principal/i, 2, "User"],
  [/group|team/i, 3, "Group"],
  [/org/i, 4, "Organization"],
  [/policy|role/i, 5, "Policy"],
] as const;

function entityMembers(event: AccessEvent): Members {
  const target = targetOf(event);
  const [, typeId = 99, known] = entityTypes.find(([pattern]) => pattern.test(target.type)) ?? [];
  return { entity: { ...named(target), type_id: typeId, type: known ?? target.type } };
}

/** What a class has beyond the members of every event, required ones among them. */
export function classMembers(of: OcsfClass, event: AccessEvent): Members {
  const common = { actor: actorOf(event.actor), src_endpoint: sourceOf(event) };
  const request = { http_request: requestOf(event) };
  const account = event.resources.find(isUserLike) ?? targetOf(event);
  switch (of) {
    case "base":
      return {};
    case "authentication":
      return {
        ...common,
        ...request,
        user: userOf(event.actor, event.actor.groups),
        service: { name: event.origin.system },
        session: sessionOf(event.actor),
        is_mfa: event.actor.session?.mfa,
      };
    case "account":
      return { ...common, ...request, user: accountOf(account) };
    case "userAccess":
      return {
        ...common,
        ...request,
        user: accountOf(account),
        privileges: privilegesOf(event),
        resources: event.resources.map(resourceOf),
      };
    case "group": {
      const group = event.resources.find(isGroupLike) ?? targetOf(event);
      const member = event.resources.find(isUserLike);
      const isMembership = member !== undefined;
      return {
        ...common,
        ...request,
        group: named(group),
        user: isMembership ? accountOf(member) : undefined,
        privileges: isMembership ? undefined : privilegesOf(event),
      };
    }
    case "entity":
      return { ...common, ...request, ...entityMembers(event) };
    case "http":
      return { ...common, ...httpMembers(event) };
    case "web":
      return {
        ...common,
        ...request,
        web_resources: event.resources.map((resource) => ({ ...named(resource), type: resource.type })),
      };
    case "api":
      return { ...common, ...request, ...apiMembers(event) };
    case "datastore":
      return { ...common, ...request, ...datastoreMembers(event) };
    case "file":
      return { ...common, ...fileMembers(event) };
  }
}
