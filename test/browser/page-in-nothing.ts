import { visit } from "./page.ts";

/** Given by the test, in a context that has what a browser has, and nothing of Node's. */
declare const deployment: string;
declare const token: string;
declare const report: (report: string) => Promise<void>;

void visit(deployment, token, (found) => report(JSON.stringify(found)));
