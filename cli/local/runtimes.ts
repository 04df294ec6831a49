import type { ChildProcess } from "node:child_process";
import { subscribe, unsubscribe } from "node:diagnostics_channel";

/** Watches for the workerd processes that miniflare starts: it does not tell their ids itself. */
export function watchRuntimes(): { pids(): number[]; stop(): void } {
  const children = new Set<ChildProcess>();
  const onChild = (message: unknown) => children.add((message as { process: ChildProcess }).process);
  subscribe("child_process", onChild);
  return {
    pids: () =>
      [...children].flatMap((child) =>
        child.spawnfile?.includes("workerd") && child.exitCode === null && child.pid !== undefined
          ? [child.pid]
          : [],
      ),
    stop: () => void unsubscribe("child_process", onChild),
  };
}
