import type { Impact } from "../event/index.ts";
import { diffFields } from "./diff-fields.ts";

/** What changed, for `impact`: names of the fields that differ, and digests where there are any. */
export function changesOf(
  before: unknown,
  after: unknown,
  digest: (value: unknown) => string | undefined,
): Pick<Impact, "fields" | "before" | "after"> {
  const fields = diffFields(before, after);
  const [beforeDigest, afterDigest] = [digest(before), digest(after)];
  return {
    ...(fields.length === 0 ? {} : { fields }),
    ...(beforeDigest === undefined ? {} : { before: beforeDigest }),
    ...(afterDigest === undefined ? {} : { after: afterDigest }),
  };
}
