import type { AccessEvent, Op } from "../../event/index.ts";

/** The classes of OCSF 1.8 that entries are exported as. */
export const ocsfClasses = {
  base: { uid: 0, name: "Base Event", category: 0, categoryName: "Uncategorized" },
  account: { uid: 3001, name: "Account Change", category: 3, categoryName: "Identity & Access Management" },
  authentication: { uid: 3002, name: "Authentication", category: 3, categoryName: "Identity & Access Management" },
  entity: { uid: 3004, name: "Entity Management", category: 3, categoryName: "Identity & Access Management" },
  userAccess: { uid: 3005, name: "User Access Management", category: 3, categoryName: "Identity & Access Management" },
  group: { uid: 3006, name: "Group Management", category: 3, categoryName: "Identity & Access Management" },
  http: { uid: 4002, name: "HTTP Activity", category: 4, categoryName: "Network Activity" },
  web: { uid: 6001, name: "Web Resources Activity", category: 6, categoryName: "Application Activity" },
  api: { uid: 6003, name: "API Activity", category: 6, categoryName: "Application Activity" },
  datastore: { uid: 6005, name: "Datastore Activity", category: 6, categoryName: "Application Activity" },
  file: { uid: 6006, name: "File Hosting Activity", category: 6, categoryName: "Application Activity" },
} as const;

export type OcsfClass = keyof typeof ocsfClasses;

/** Which class an event is, and which of its activities. 0 is unknown, 99 any other. */
export interface OcsfActivity {
  readonly of: OcsfClass;
  readonly id: number;
  readonly name: string;
}

type Activities = Partial<Record<Op, readonly [id: number, name: string]>>;

const changes: Activities = {
  CREATE: [1, "Create"],
  READ: [2, "Read"],
  LIST: [2, "Read"],
  UPDATE: [3, "Update"],
  WRITE: [3, "Update"],
  CONFIGURE: [3, "Update"],
  DELETE: [4, "Delete"],
};

const byOp: Readonly<Record<Exclude<OcsfClass, "base" | "http">, Activities>> = {
  account: { CREATE: [1, "Create"], DELETE: [6, "Delete"] },
  authentication: { AUTH: [1, "Logon"], LOGOUT: [2, "Logoff"] },
  entity: changes,
  userAccess: { GRANT: [1, "Assign Privileges"], REVOKE: [2, "Revoke Privileges"] },
  group: { GRANT: [1, "Assign Privileges"], REVOKE: [2, "Revoke Privileges"] },
  web: { EXPORT: [7, "Export"] },
  api: changes,
  datastore: {
    READ: [1, "Read"],
    UPDATE: [2, "Update"],
    WRITE: [5, "Write"],
    CREATE: [6, "Create"],
    DELETE: [7, "Delete"],
    LIST: [8, "List"],
  },
  file: {
    CREATE: [1, "Upload"],
    WRITE: [1, "Upload"],
    READ: [2, "Download"],
    EXPORT: [2, "Download"],
    UPDATE: [3, "Update"],
    DELETE: [4, "Delete"],
    GRANT: [12, "Share"],
    REVOKE: [13, "Unshare"],
  },
};

const methods: Readonly<Record<string, readonly [id: number, name: string]>> = {
  CONNECT: [1, "Connect"],
  DELETE: [2, "Delete"],
  GET: [3, "Get"],
  HEAD: [4, "Head"],
  OPTIONS: [5, "Options"],
  POST: [6, "Post"],
  PUT: [7, "Put"],
  TRACE: [8, "Trace"],
  PATCH: [9, "Patch"],
};

type Resource = AccessEvent["resources"][number];

/** Whether a resource is an account that can be given something. */
export function isUserLike({ type }: Resource): boolean {
  return /(?:^|[^a-z])(?:user|account|principal|member|serviceaccount|service_account|login)s?(?:$|[^a-z])/i.test(type);
}

/** Whether a resource is a group of accounts. */
export function isGroupLike({ type }: Resource): boolean {
  return /(?:^|[^a-z])(?:group|team)s?(?:$|[^a-z])/i.test(type);
}

/** HTTP method that an action's name begins with. */
export function methodOf({ action }: AccessEvent): string | undefined {
  const [word = ""] = action.name.split(" ", 1);
  return /^[A-Z]{3,16}$/.test(word) ? word : undefined;
}

function iamClass({ action: { op }, resources }: AccessEvent): OcsfClass {
  const hasUser = resources.some(isUserLike);
  if (op === "GRANT" || op === "REVOKE") {
    if (resources.some(isGroupLike)) return "group";
    return hasUser ? "userAccess" : "entity";
  }
  const isRead = op === "READ" || op === "LIST";
  return hasUser && !isRead ? "account" : "entity";
}

function classOf(event: AccessEvent): OcsfClass {
  const { kind, op } = event.action;
  if (kind === "iam") return iamClass(event);
  if (kind === "auth" || op === "AUTH" || op === "LOGOUT") return "authentication";
  switch (kind) {
    case "datastore":
      return "datastore";
    case "file":
      return "file";
    case "http":
      return op === "EXPORT" ? "web" : "http";
    case "api":
    case "process":
    case "tool":
    case "other":
      return op === "EXPORT" ? "web" : "api";
  }
}

/** The class and activity of an event, from the kind and the operation of its action and the types of its resources. */
export function ocsfActivity(event: AccessEvent): OcsfActivity {
  const { op } = event.action;
  const of = classOf(event);
  const asOther = (): OcsfActivity =>
    op === "UNKNOWN" ? { of, id: 0, name: "Unknown" } : { of, id: 99, name: event.action.name };
  if (of === "base") return asOther();
  if (of === "http") {
    const [id, name] = methods[methodOf(event) ?? ""] ?? [];
    return id === undefined || name === undefined ? asOther() : { of, id, name };
  }
  const isMember = of === "group" && event.resources.some(isUserLike);
  if (isMember) return op === "GRANT" ? { of, id: 3, name: "Add User" } : { of, id: 4, name: "Remove User" };
  const [id, name] = byOp[of][op] ?? [];
  return id === undefined || name === undefined ? asOther() : { of, id, name };
}
