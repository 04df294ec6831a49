import { buildWorkers } from "../../cli/local/build.ts";

/** Bundles the Workers once for all test files (vitest's globalSetup). */
export default function setup(): Promise<void> {
  return buildWorkers();
}
