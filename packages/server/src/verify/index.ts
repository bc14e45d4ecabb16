export {
  type LogTransport,
  type Patience,
  type ServedObject,
  type VerifyUrlOptions,
  verifyUrl,
} from "./served/index.ts";
export type * from "./types.ts";
export { verifyDirectory } from "./verify-directory.ts";
export {
  type ReceiptContent,
  type ReceiptOptions,
  type ReceiptReport,
  verifyReceiptFile,
} from "./verify-receipt-file.ts";
