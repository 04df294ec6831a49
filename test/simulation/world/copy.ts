/** More levels than any message has. A deeper or cyclic value is left to `structuredClone`. */
const DEEPEST = 32;

/**
 * Works like `structuredClone`, and is several times cheaper for JSON. The one difference: an object that appears in
 * two places becomes two objects, as in JSON.
 * @throws DataCloneError for a value that can't be sent, such as a function
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
