/** Deeper than any message: what is nested more, or refers to itself, is left to `structuredClone`. */
const DEEPEST = 32;

/**
 * As `structuredClone`, and several times cheaper for JSON. It differs in one thing: an object that stands in two places is
 * two objects in the copy, as it would be in JSON.
 * @throws DataCloneError for what can't be sent, such as a function
 */
export function copyOf<T>(value: T): T {
  return copy(value, 0) as T;
}

function copy(value: unknown, depth: number): unknown {
  if (typeof value !== "object" || value === null)
    return typeof value === "function" || typeof value === "symbol" ? structuredClone(value) : value;
  if (depth >= DEEPEST) return structuredClone(value);
  const prototype: unknown = Object.getPrototypeOf(value);
  if (Array.isArray(value) && prototype === Array.prototype) {
    const copied: unknown[] = [];
    for (let i = 0; i < value.length; i++) copied.push(copy(value[i], depth + 1));
    return copied;
  }
  if (prototype !== Object.prototype && prototype !== null) return structuredClone(value);
  const copied: Record<string, unknown> = {};
  for (const key of Object.keys(value)) {
    if (key === "__proto__") return structuredClone(value);
    copied[key] = copy((value as Record<string, unknown>)[key], depth + 1);
  }
  return copied;
}
