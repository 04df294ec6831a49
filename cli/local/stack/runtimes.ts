import type { ChildProcess } from "node:child_process";
import { subscribe, unsubscribe } from "node:diagnostics_channel";

/** Sends `with-setup.mjs` the runtimes to end if this process is killed. Does nothing without that parent. */
export function reportRuntimes(runtimes: readonly number[]): void {
  process.send?.({ runtimes });
}

/**
 * Reports every workerd that miniflare starts, as soon as it runs. Miniflare itself does not report process ids.
 * @returns a function that ends the watch
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
