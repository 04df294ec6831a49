import type { ChildProcess } from "node:child_process";
import { subscribe, unsubscribe } from "node:diagnostics_channel";

/** Tells `with-setup.mjs` which runtimes to end if this process is killed. Does nothing without that parent. */
export function reportRuntimes(runtimes: readonly number[]): void {
  process.send?.({ runtimes });
}

/**
 * Tells of every workerd that miniflare starts, as soon as it runs: miniflare does not tell their process ids itself.
 * @returns stops watching
 */
export function watchRuntimes(onChange: (pids: readonly number[]) => void): () => void {
  const running = new Map<ChildProcess, number>();
  const onChild = (message: unknown) => {
    const { process: child } = message as { process: ChildProcess };
    child.once("spawn", () => {
      if (!child.spawnfile.includes("workerd") || child.pid === undefined) return;
      running.set(child, child.pid);
      onChange([...running.values()]);
    });
    child.once("exit", () => {
      if (running.delete(child)) onChange([...running.values()]);
    });
  };
  subscribe("child_process", onChild);
  return () => void unsubscribe("child_process", onChild);
}
