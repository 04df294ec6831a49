export const PROPERTIES: Readonly<Record<string, string>> = { x: "x" };
export const WITHOUT: Readonly<Record<string, string>> = {};
