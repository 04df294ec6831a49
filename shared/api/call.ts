import type * as v from "valibot";
import type { RawBody, TextsSchema } from "./plan.ts";
import type { RouteName, ROUTES } from "./routes.ts";

type PlanOf<Route extends RouteName> = (typeof ROUTES)[Route];

type ReadBy<Answer> = Answer extends v.GenericSchema
  ? v.InferOutput<Answer>
  : Answer extends { readonly byAccept: { readonly "application/json": infer Json extends v.GenericSchema } }
    ? v.InferOutput<Json>
    : never;

/** Every JSON answer of a call that is no problem. */
export type AnswerOf<Route extends RouteName> =
  PlanOf<Route> extends { readonly answers: infer Answers } ? ReadBy<Answers[keyof Answers]> : never;

/** A name with a plus takes the rest of the path, slashes included. */
type ParamName<Path> = Path extends `${string}:${infer Name}/${infer Rest}`
  ? Name | ParamName<Rest>
  : Path extends `${string}:${infer Name}+`
    ? Name
    : Path extends `${string}:${infer Name}`
      ? Name
      : never;

/** Values that are sent as texts: a number or a flag as the call reads it. */
type Texts<Schema extends TextsSchema> = {
  readonly [Name in keyof v.InferInput<Schema>]:
    | v.InferOutput<Schema>[Name & keyof v.InferOutput<Schema>]
    | (undefined extends v.InferInput<Schema>[Name] ? undefined : never);
};

type Sent<Body> = Body extends v.GenericSchema
  ? v.InferInput<Body>
  : Body extends RawBody
    ? Uint8Array<ArrayBuffer>
    : never;

/** Input of a call, by its path and its plan. */
export type InputOf<Route extends RouteName> = ([ParamName<Route>] extends [never]
  ? unknown
  : { readonly params: Readonly<Record<ParamName<Route>, string | number>> }) &
  (PlanOf<Route> extends { readonly query: infer Query extends TextsSchema }
    ? object extends Texts<Query>
      ? { readonly query?: Texts<Query> }
      : { readonly query: Texts<Query> }
    : unknown) &
  (PlanOf<Route> extends { readonly body: infer Body } ? { readonly body: Sent<Body> } : unknown);

/** Method and path of a call: `GET /api/vdc/blocks/:blockNumber` of block 7 → `GET`, `/api/vdc/blocks/7`. A
 * name with a plus takes a path: `/log/tile/:level/:index+` → `/log/tile/0/x001/067`. */
export function addressOf(
  route: string,
  params: Readonly<Record<string, string | number>> = {},
): { readonly method: string; readonly path: string } {
  const [method = "", pattern = ""] = route.split(" ");
  const path = pattern.replaceAll(/:(\w+)(\+?)/g, (_, name: string, rest: string) => {
    const text = String(params[name] ?? "");
    return rest === "" ? encodeURIComponent(text) : text.split("/").map(encodeURIComponent).join("/");
  });
  return { method, path };
}
