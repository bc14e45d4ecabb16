import type { Op } from "@evident/core";

const verbs: Readonly<Record<string, Op>> = Object.fromEntries(
  (
    [
      [
        "READ",
        "get head read select decrypt view download retrieve fetch filter validate estimate preview simulate detect count test check verify evaluate show poll receive watch compare inspect",
      ],
      ["LIST", "list describe lookup search query scan find discover aggregated aggregate enumerate"],
      [
        "CREATE",
        "create run allocate generate import register insert add provision request initiate restore issue clone build purchase subscribe claim build new make submit open launch",
      ],
      [
        "UPDATE",
        "update modify put set attach associate tag enable change replace reset patch edit rename assign apply move activate resume disable detach disassociate untag deactivate suspend rotate upgrade cancel stop start reboot restart resize unassign transition promote mark undelete recover extend merge swap pause archive unarchive label",
      ],
      ["WRITE", "upload copy send publish write append post deliver complete ingest"],
      ["DELETE", "delete terminate remove deregister purge drop destroy empty release unsubscribe abort wipe trash"],
      ["EXECUTE", "invoke execute converse call predict exec process connect"],
      ["AUTH", "assume login authenticate federate signin"],
      ["LOGOUT", "logout signout"],
      ["GRANT", "authorize grant share allow approve accept invite bind"],
      ["REVOKE", "revoke deny unshare reject leave unbind"],
      ["EXPORT", "export"],
      ["CONFIGURE", "configure"],
    ] satisfies readonly (readonly [Op, string])[]
  ).flatMap(([op, words]) => words.split(" ").map((word) => [word, op] as const)),
);

const WORDS = /[A-Z]?[a-z]+|[A-Z]+(?![a-z])/g;
/** Words before the verb that say how, not what. */
const adverbs = new Set(["batch", "admin", "bulk", "transact", "async", "force"]);

/** The verb that a name in camelCase, snake_case or with dots begins with, in small letters: "get" of `GetObject`. */
export function leadingVerb(name: string): string {
  for (const [word] of name.matchAll(WORDS)) {
    const small = word.toLowerCase();
    if (!adverbs.has(small)) return small;
  }
  return "";
}

/** What the verb at the beginning of an API's method name means; undefined for a verb that is not known. */
export function opOfVerb(name: string): Op | undefined {
  const verb = leadingVerb(name);
  return Object.hasOwn(verbs, verb) ? verbs[verb] : undefined;
}
