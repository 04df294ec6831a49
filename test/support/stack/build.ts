import { buildWorkers } from "../../../cli/local/stack/build.ts";

/** Bundles the Workers once for all test files (vitest's globalSetup). */
export default async function setup(): Promise<void> {
  await buildWorkers();
}
