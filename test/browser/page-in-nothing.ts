import { visit } from "./page.ts";

/** The test provides these values, in a context with a browser's globals and without Node's. */
declare const deployment: string;
declare const token: string;
declare const report: (report: string) => Promise<void>;

void visit(deployment, token, (found) => report(JSON.stringify(found)));
