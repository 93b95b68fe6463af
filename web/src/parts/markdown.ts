// The parts of Markdown that model cards are written in. What is not known stays as it was written.

export type Block =
  | { kind: "heading" | "paragraph" | "code"; text: string }
  | { kind: "list"; items: string[] }
  | { kind: "table"; rows: string[][] };

/** Without what only marks up: emphasis, addresses of links, comments. */
function plain(text: string): string {
  return text
    .replace(/!?\[([^\]]*)\]\([^)]*\)/g, "$1")
    .replace(/\*\*([^*]+)\*\*/g, "$1")
    .trim();
}

export function blocksOf(source: string): Block[] {
  const body = source.replace(/^---\n[\s\S]*?\n---\n/, "").replace(/<!--[\s\S]*?-->/g, "");
  const blocks: Block[] = [];
  const lines = body.split("\n");
  for (let i = 0; i < lines.length; i++) {
    const line = lines[i]!;
    if (line.startsWith("```")) {
      const end = lines.findIndex((other, j) => j > i && other.startsWith("```"));
      const last = end < 0 ? lines.length : end;
      blocks.push({ kind: "code", text: lines.slice(i + 1, last).join("\n") });
      i = last;
    } else if (/^#+ /.test(line)) {
      blocks.push({ kind: "heading", text: plain(line.replace(/^#+ /, "")) });
    } else if (line.startsWith("|")) {
      const rows: string[][] = [];
      for (; i < lines.length && lines[i]!.startsWith("|"); i++) {
        const cells = lines[i]!.replace(/^\||\|\s*$/g, "").split("|").map(plain);
        if (!cells.every((cell) => /^:?-*:?$/.test(cell)) || cells.every((cell) => cell === "")) rows.push(cells);
      }
      i--;
      blocks.push({ kind: "table", rows });
    } else if (/^\s*[-*] /.test(line)) {
      const items: string[] = [];
      for (; i < lines.length && lines[i]!.trim() !== ""; i++) {
        if (/^\s*[-*] /.test(lines[i]!)) items.push(plain(lines[i]!.replace(/^\s*[-*] /, "")));
        else items[items.length - 1] += " " + plain(lines[i]!);
      }
      blocks.push({ kind: "list", items });
    } else if (line.trim() !== "") {
      const paragraph: string[] = [];
      for (; i < lines.length && lines[i]!.trim() !== "" && !/^(#+ |\||```)/.test(lines[i]!); i++) paragraph.push(lines[i]!);
      i--;
      blocks.push({ kind: "paragraph", text: plain(paragraph.join(" ")) });
    }
  }
  return blocks;
}
