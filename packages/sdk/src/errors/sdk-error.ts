/** A wrong use of the SDK that shows at once: a setting, or a detail that its action does not allow. Recording never throws it. */
export class SdkError extends Error {
  readonly code: "config_invalid" | "spool_failed" | "invalid_detail";
  readonly fix: string;

  constructor(code: SdkError["code"], message: string, fix: string, options?: { readonly cause?: unknown }) {
    super(`${message}. ${fix}`, options);
    this.name = "SdkError";
    this.code = code;
    this.fix = fix;
  }
}
