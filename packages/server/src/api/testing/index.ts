export { type StartOptions, startApi, type TestApi } from "./start-api.ts";
