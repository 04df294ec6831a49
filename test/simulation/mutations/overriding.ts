/** Some members of `T`, with the same parameters as in `T`. */
type Members<T> = {
  readonly [Name in keyof T]?: T[Name] extends (...given: infer Given) => unknown
    ? (...given: Given) => unknown
    : T[Name];
};

/** Returns the target with some members replaced. All other members are the target's, with its methods bound to it. */
export function overriding<T extends object>(target: T, members: Members<T>): T {
  return new Proxy(target, {
    get(_, name) {
      if (Object.hasOwn(members, name)) return Reflect.get(members, name) as unknown;
      const value: unknown = Reflect.get(target, name, target);
      return typeof value === "function" ? (value.bind(target) as unknown) : value;
    },
  });
}
