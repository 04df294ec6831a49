import type { Sql } from "../../shared/durable-object/sqlite.ts";
import {
  afterAttempt,
  afterFinding,
  afterPost,
  ALERTS,
  owedPost,
  type AlertName,
  type AlertState,
  type Finding,
  type OwedPost,
} from "./alert-state.ts";

/** An alert that this check started or ended. */
export interface Change {
  readonly alert: AlertName;
  readonly firing: boolean;
  readonly summary: string;
}

export function judge(sql: Sql, findings: readonly Finding[], now: number): Change[] {
  return findings.flatMap((finding) => {
    const before = stateOf(sql, finding.alert);
    write(sql, finding.alert, afterFinding(before, finding, now));
    const { alert, firing, summary } = finding;
    return firing === (before?.firing ?? false) ? [] : [{ alert, firing, summary }];
  });
}

/** Returns the posts that are due now. Each is handed out once, and again only if it was not delivered. */
export function takeOwedPosts(sql: Sql, repeatSeconds: number, now: number): OwedPost[] {
  return ALERTS.flatMap((alert) => {
    const state = stateOf(sql, alert);
    if (state === undefined) return [];
    const owed = owedPost(alert, state, repeatSeconds * 1_000, now);
    if (owed === undefined) return [];
    write(sql, alert, afterAttempt(state, now));
    return [owed];
  });
}

export function notePost(sql: Sql, post: OwedPost, taken: boolean, now: number): void {
  const state = stateOf(sql, post.alert);
  if (state !== undefined) write(sql, post.alert, afterPost(state, post, taken, now));
}

/** Returns the state of every alert that was ever checked. */
export function alertStates(sql: Sql): (AlertState & { readonly alert: AlertName })[] {
  return ALERTS.flatMap((alert) => {
    const state = stateOf(sql, alert);
    return state === undefined ? [] : [{ ...state, alert }];
  });
}

function stateOf(sql: Sql, alert: AlertName): AlertState | undefined {
  const [row] = sql.exec<{ state: string }>("SELECT state FROM alert WHERE name = ?", alert).toArray();
  return row && (JSON.parse(row.state) as AlertState);
}

function write(sql: Sql, alert: AlertName, state: AlertState): void {
  sql.exec("INSERT OR REPLACE INTO alert (name, state) VALUES (?, ?)", alert, JSON.stringify(state));
}
