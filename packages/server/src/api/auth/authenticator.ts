import { matchesHash, parseApiKey } from "./api-key.ts";
import type { Grant } from "./grant.ts";
import type { KeyRecord, KeyState } from "./key-state.ts";

/** What an `Authorization` header came to. */
export type Authentication =
  | { readonly kind: "granted"; readonly grant: Grant }
  | { readonly kind: "none" }
  | { readonly kind: "refused"; readonly why: string };

const MAX_HEADER_LENGTH = 256;
/** Compared with when no key has the id, so that a refusal takes as long as with one. */
const NO_HASH = Buffer.alloc(32).toString("base64");

/** Answers who a request comes from, from the current key state: a key that was revoked or has expired is refused from then on. */
export class Authenticator {
  readonly #state: () => KeyState;
  readonly #nowMs: () => number;
  readonly #grants = new WeakMap<KeyRecord, Grant>();

  constructor(state: () => KeyState, nowMs: () => number) {
    this.#state = state;
    this.#nowMs = nowMs;
  }

  authenticate(header: string | undefined): Authentication {
    if (header === undefined) return { kind: "none" };
    const [scheme = "", text = "", ...rest] = header.slice(0, MAX_HEADER_LENGTH).trim().split(/ +/);
    if (scheme.toLowerCase() !== "bearer" || rest.length > 0)
      return { kind: "refused", why: "the scheme is not Bearer" };
    const key = parseApiKey(text);
    if (key === undefined) return { kind: "refused", why: "this is not an API key (evk_<id>_<secret>)" };
    const record = this.#record(key.id);
    const matches = matchesHash(key, record?.hash ?? NO_HASH);
    if (record === undefined || !matches) return { kind: "refused", why: "no such key" };
    const why = this.#whyInvalid(record);
    return why === undefined ? { kind: "granted", grant: this.#grantOf(record) } : { kind: "refused", why };
  }

  /** Whether a grant given earlier still holds; asked during long requests. */
  isValid(grant: Grant): boolean {
    const record = this.#record(grant.keyId);
    return record !== undefined && this.#whyInvalid(record) === undefined;
  }

  #record(id: string): KeyRecord | undefined {
    const { keys } = this.#state();
    return Object.hasOwn(keys, id) ? keys[id] : undefined;
  }

  #whyInvalid(record: KeyRecord): string | undefined {
    if (record.revoked !== undefined) return "the key was revoked";
    if (record.expires !== undefined && Date.parse(record.expires) <= this.#nowMs()) return "the key has expired";
    return undefined;
  }

  #grantOf(record: KeyRecord): Grant {
    const known = this.#grants.get(record);
    if (known !== undefined) return known;
    const { id, role, tenant, sources, trails, defaultTrail, name, expires } = record;
    const grant: Grant = {
      keyId: id,
      role,
      tenant,
      sources,
      trails,
      ...(defaultTrail === undefined ? {} : { defaultTrail }),
      ...(name === undefined ? {} : { name }),
      ...(expires === undefined ? {} : { expiresMs: Date.parse(expires) }),
    };
    this.#grants.set(record, grant);
    return grant;
  }
}
