import python from "highlight.js/lib/languages/python";
import { createLowlight } from "lowlight";
import type { Span } from "./pieces.ts";

type Node = ReturnType<ReturnType<typeof createLowlight>["highlight"]>["children"][number];

const lowlight = createLowlight({ python });

/** Longer texts are not lines of code that anybody reads; they stay plain. */
const LONGEST = 20_000;

/** What the highlighter's many classes are here. What is not named stays plain. */
const KINDS: Record<string, string> = {
  "hljs-keyword": "keyword",
  "hljs-literal": "keyword",
  "hljs-string": "string",
  "hljs-subst": "",
  "hljs-number": "number",
  "hljs-comment": "comment",
  "hljs-built_in": "name",
  "hljs-type": "name",
  "hljs-title": "title",
  "hljs-meta": "title",
};

/** Which parts of a Python text are keywords, strings and so on. Colours are a matter of the style sheet. */
export function pythonSpans(code: string): Span[] {
  const spans: Span[] = [];
  if (code.length > LONGEST) return spans;
  let place = 0;
  const walk = (nodes: readonly Node[], kind: string) => {
    for (const node of nodes) {
      if (node.type === "text") {
        if (kind) spans.push({ start: place, end: place + node.value.length, kind });
        place += node.value.length;
      } else if (node.type === "element") {
        const classes = node.properties.className;
        const name = Array.isArray(classes) ? String(classes[0]) : "";
        walk(node.children as Node[], KINDS[name] ?? kind);
      }
    }
  };
  walk(lowlight.highlight("python", code).children, "");
  return spans;
}
