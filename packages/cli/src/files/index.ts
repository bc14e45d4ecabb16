export { fileError } from "./file-error.ts";
