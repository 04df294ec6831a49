import type { Sql } from "../../shared/durable-object/sqlite.ts";
import {
  ALERTS,
  type AlertChange,
  type AlertCheck,
  type AlertName,
  type AlertState,
  type DuePost,
} from "../../shared/objects/alerts.ts";
import { afterAttempt, afterCheck, afterPost, duePost } from "./alert-state.ts";

/** Returns the alerts that these checks started or ended. */
export function recordAlerts(sql: Sql, checks: readonly AlertCheck[], now: number): AlertChange[] {
  return checks.flatMap((check) => {
    const before = stateOf(sql, check.alert);
    write(sql, check.alert, afterCheck(before, check, now));
    const { alert, firing, summary } = check;
    return firing === (before?.firing ?? false) ? [] : [{ alert, firing, summary }];
  });
}

/** Returns the posts that are due. Each is handed out once, and again only if it was not delivered. */
export function takeDuePosts(sql: Sql, repeatSeconds: number, now: number): DuePost[] {
  return ALERTS.flatMap((alert) => {
    const state = stateOf(sql, alert);
    if (state === undefined) return [];
    const due = duePost(alert, state, repeatSeconds * 1_000, now);
    if (due === undefined) return [];
    write(sql, alert, afterAttempt(state, now));
    return [due];
  });
}

export function recordPost(sql: Sql, post: DuePost, accepted: boolean, now: number): void {
  const state = stateOf(sql, post.alert);
  if (state !== undefined) write(sql, post.alert, afterPost(state, post, accepted, now));
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
