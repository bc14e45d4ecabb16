import type { ActionFacts, DefinedAction } from "../catalogue/index.ts";
import type { Action, Actor, EventDraft, Impact, Outcome, Resource } from "../event/index.ts";

/** The access that a request is, to be completed by its handler. Everything is optional; each call returns the context. */
export interface AccessContext {
  /** Id that the event will have. */
  readonly id: string;
  /** Who acts, instead of what the middleware's `actor` says. */
  actor(actor: Actor): AccessContext;
  /** What is done, where method and route do not tell it. */
  action(action: Partial<Action>): AccessContext;
  /** An action of the catalogue with its resource and detail. */
  perform<Detail>(action: DefinedAction<Detail>, facts: ActionFacts<Detail>): AccessContext;
  /** Names what is accessed. The first call replaces the resource made from the route; later ones add. */
  resource(...resources: readonly Resource[]): AccessContext;
  label(...labels: readonly string[]): AccessContext;
  /** Adds members to `detail`. */
  detail(members: Readonly<Record<string, unknown>>): AccessContext;
  /** Scope of the access: rows, objects. */
  impact(impact: Impact): AccessContext;
  /** What changed: the fields that differ and, with the client's `digestKey`, keyed digests of both values; never the values. */
  changes(before: unknown, after: unknown): AccessContext;
  /** How it ended, where the status does not tell it. */
  outcome(outcome: Outcome): AccessContext;
  /** Records nothing for this request. */
  skip(): void;
}

/** What a handler said about its access. */
export interface Said {
  actor?: Actor;
  action?: Partial<Action>;
  resources: Resource[];
  labels: string[];
  detail?: Record<string, unknown>;
  impact?: Impact;
  /** Values whose digests are still to be made. */
  changed?: { readonly before: unknown; readonly after: unknown };
  outcome?: Outcome;
  isSkipped: boolean;
}

/** A context that collects what is said into `said`. */
export function makeContext(id: string): { readonly context: AccessContext; readonly said: Said } {
  const said: Said = { resources: [], labels: [], isSkipped: false };
  const context: AccessContext = {
    id,
    actor: (actor) => say({ actor }),
    action: (action) => say({ action: { ...said.action, ...action } }),
    perform: (action, facts) => {
      const { labels = [], ...draft }: Pick<EventDraft, "action" | "resources" | "detail" | "labels"> =
        action.describe(facts);
      said.resources.push(...draft.resources);
      said.labels.push(...labels);
      return say({ action: draft.action, detail: { ...said.detail, ...draft.detail } });
    },
    resource: (...resources) => {
      said.resources.push(...resources);
      return context;
    },
    label: (...labels) => {
      said.labels.push(...labels);
      return context;
    },
    detail: (members) => say({ detail: { ...said.detail, ...members } }),
    impact: (impact) => say({ impact: { ...said.impact, ...impact } }),
    changes: (before, after) => say({ changed: { before, after } }),
    outcome: (outcome) => say({ outcome }),
    skip: () => void say({ isSkipped: true }),
  };
  const say = (members: Partial<Said>): AccessContext => {
    Object.assign(said, members);
    return context;
  };
  return { context, said };
}
