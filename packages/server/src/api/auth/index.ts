export { type ApiKey, hashApiKey, makeApiKey, maskApiKeys, parseApiKey } from "./api-key.ts";
export { type Authentication, Authenticator } from "./authenticator.ts";
export { type Bootstrap, bootstrapAdmin } from "./bootstrap-key.ts";
export { EVERY, type Grant, seesTrail } from "./grant.ts";
export { type KeyRecord, type KeyState, keyCreated, keyFold } from "./key-state.ts";
export { type Access, access, type Role, roles } from "./roles.ts";
