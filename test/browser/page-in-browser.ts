import { visit } from "./page.ts";

declare const location: { readonly href: string };
declare const document: { title: string };

const deployment = new URL(location.href).searchParams.get("deployment") ?? "";
await visit(deployment, async (report) => {
  document.title = report.error === undefined ? "done" : "failed";
  await fetch("/report", { method: "POST", body: JSON.stringify(report) });
});
