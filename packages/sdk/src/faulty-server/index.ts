export { type Exchange, type FaultyServer, refuse, startFaultyServer, storeAll } from "./faulty-server.ts";
