/**
 * Checks that the schema read the whole value unchanged. valibot reads an array as an object without members, and drops a
 * member `__proto__` of a record.
 */
export function isReadWhole(given: unknown, read: unknown): boolean {
  if (given === read || !isObject(given) || !isObject(read)) return true;
  if (Array.isArray(given) !== Array.isArray(read)) return false;
  return Object.entries(given).every(
    ([name, member]) => Object.hasOwn(read, name) && isReadWhole(member, Reflect.get(read, name)),
  );
}

export function isObject(value: unknown): value is object {
  return typeof value === "object" && value !== null;
}
