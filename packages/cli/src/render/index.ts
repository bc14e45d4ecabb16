export { hitColumns, hitLine, hitSentence, shortTime } from "./describe-hit.ts";
export { type Hit, parseHit, textAt } from "./hit.ts";
