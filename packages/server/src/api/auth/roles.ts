/**
 * What a key may do (DESIGN §10). `producer` appends only; `reader` searches and reads; `auditor` reads all there is, entry bundles,
 * keys and (tenant `*`) the system trails among it, and changes nothing; `operator` makes, rotates and seals trails and sees the
 * server's state, but no events; `admin` may do everything and is the only one to make keys.
 */
export const roles = ["producer", "reader", "auditor", "operator", "admin"] as const;

export type Role = (typeof roles)[number];

/** Who a route is open to. Every route states one; a route without is refused. */
export type Access =
  /** Anyone: carries nothing of what is stored. */
  | { readonly kind: "public" }
  /** Keys with one of the roles. `everyTenant`: only keys of the tenant `*`. */
  | { readonly kind: "roles"; readonly roles: readonly Role[]; readonly everyTenant?: true }
  /** The same, or a direct connection from this machine. */
  | { readonly kind: "roles_or_loopback"; readonly roles: readonly Role[]; readonly everyTenant?: true };

export const access = {
  public: { kind: "public" },
  anyKey: { kind: "roles", roles },
  append: { kind: "roles", roles: ["producer", "admin"] },
  read: { kind: "roles", roles: ["reader", "auditor", "admin"] },
  /** What is said about events and their senders, but no event. */
  observe: { kind: "roles", roles: ["reader", "auditor", "operator", "admin"] },
  audit: { kind: "roles", roles: ["auditor", "admin"] },
  operate: { kind: "roles", roles: ["operator", "admin"] },
  administer: { kind: "roles", roles: ["admin"] },
  operateServer: { kind: "roles", roles: ["operator", "admin"], everyTenant: true },
  inspectServer: { kind: "roles", roles: ["auditor", "operator", "admin"], everyTenant: true },
  metrics: { kind: "roles_or_loopback", roles: ["reader", "auditor", "operator", "admin"], everyTenant: true },
} as const satisfies Record<string, Access>;
