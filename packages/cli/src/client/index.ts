export { type FollowAsk, followEntries } from "./event-stream.ts";
export { type Answer, type Ask, connectionError, HttpClient, parseJson, readAll } from "./http-client.ts";
export { type Connection, clientFlags, openClient, readConnection } from "./open-client.ts";
export { parseLine, parseList, parseMembers, strangeAnswer } from "./parse-answer.ts";
export { problemError } from "./problem-error.ts";
export { type SearchAsk, searchPages } from "./search-pages.ts";
