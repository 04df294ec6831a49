import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";

const SHARED = join(import.meta.dirname, "../../../../shared/vectors");
const FIXTURES = join(import.meta.dirname, "../../fixtures");

/**
 * Tells whether the folder of larger vector sets exists beside the repository. A bare clone has the committed cases
 * only.
 */
export const HAS_SHARED_VECTORS = existsSync(SHARED);

/** Reads a file of that folder. Call it only if the folder exists. A missing file is an error. */
export function sharedVectorText(path: string): string {
  return readFileSync(join(SHARED, path), "utf8");
}

/** Reads a published vector file of that folder. Undefined only if the whole folder is missing. */
export function vectors(path: string): unknown {
  return HAS_SHARED_VECTORS ? JSON.parse(sharedVectorText(path)) : undefined;
}

/** Reads a committed case file of `test/fixtures`, which every clone has. */
export function fixture(name: string): unknown {
  return readJson(join(FIXTURES, name));
}

interface VectorSet {
  set: string;
  vectors: unknown;
}

/**
 * Returns the committed cases, and the larger shared set if it exists, both in the layout of the shared file.
 * @param name of the fixture, which holds `{ source, licence, vectors }`
 * @param path of the shared file
 */
export function vectorSets(name: string, path: string): VectorSet[] {
  const committed = fixture(name) as { vectors: unknown };
  const shared = vectors(path);
  const sets = [{ set: `committed ${name}`, vectors: committed.vectors }];
  return shared === undefined ? sets : [...sets, { set: `shared ${path}`, vectors: shared }];
}

/** Refuses an empty suite, which would pass whatever the code does. */
export function some<Case>(cases: readonly Case[]): readonly Case[] {
  if (cases.length === 0) throw new Error("the vector suite is empty");
  return cases;
}

function readJson(path: string): unknown {
  return JSON.parse(readFileSync(path, "utf8"));
}
