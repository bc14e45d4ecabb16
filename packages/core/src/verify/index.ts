export { type ReceiptVerdict, verifyReceipt } from "./verify-receipt.ts";
