import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";

const SHARED = join(import.meta.dirname, "../../../shared/vectors");
const FIXTURES = join(import.meta.dirname, "../fixtures");

/** Whether the folder of larger vector sets is there, beside the repository. A bare clone has the committed cases only. */
export const HAS_SHARED_VECTORS = existsSync(SHARED);

/** A file of that folder, where the folder is there. A missing file in it is an error. */
export function sharedVectorText(path: string): string {
  return readFileSync(join(SHARED, path), "utf8");
}

/** A published vector file of that folder. Undefined only where the whole folder is absent. */
export function vectors(path: string): unknown {
  return HAS_SHARED_VECTORS ? JSON.parse(sharedVectorText(path)) : undefined;
}

/** A committed case file of `test/fixtures`: there in every clone. */
export function fixture(name: string): unknown {
  return readJson(join(FIXTURES, name));
}

interface VectorSet {
  set: string;
  vectors: unknown;
}

/**
 * The committed cases, and the larger shared set where it is there; both in the layout of the shared file.
 * @param name of the fixture, which holds `{ source, licence, vectors }`
 * @param path of the shared file
 */
export function vectorSets(name: string, path: string): VectorSet[] {
  const committed = fixture(name) as { vectors: unknown };
  const shared = vectors(path);
  const sets = [{ set: `committed ${name}`, vectors: committed.vectors }];
  return shared === undefined ? sets : [...sets, { set: `shared ${path}`, vectors: shared }];
}

/** A suite without cases passes whatever the code does, so it is refused. */
export function some<Case>(cases: readonly Case[]): readonly Case[] {
  if (cases.length === 0) throw new Error("the vector suite is empty");
  return cases;
}

function readJson(path: string): unknown {
  return JSON.parse(readFileSync(path, "utf8"));
}
