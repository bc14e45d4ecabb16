/** One thing that the doctor looked at. `fix` says what to do when it is not fine. */
export interface Check {
  readonly name: string;
  readonly state: "ok" | "warning" | "failed";
  readonly detail: string;
  readonly fix?: string;
}

export function ok(name: string, detail: string): Check {
  return { name, state: "ok", detail };
}

export function warning(name: string, detail: string, fix: string): Check {
  return { name, state: "warning", detail, fix };
}

export function failed(name: string, detail: string, fix: string): Check {
  return { name, state: "failed", detail, fix };
}
