import SmilesDrawer from "smiles-drawer";
import { withoutInlineStyles } from "./inline_styles.ts";

/** Layout takes time that grows with the cube of the number of atoms; nobody reads larger molecules in a list. */
const LONGEST = 300;

/** Colours are those of the style sheet, so that one drawing serves light and dark. */
const ELEMENTS = ["C", "O", "N", "F", "CL", "BR", "I", "P", "S", "B", "SI", "H"];
const COLORS = Object.fromEntries([
  ["FOREGROUND", "currentColor"],
  ["BACKGROUND", "transparent"],
  ...ELEMENTS.map((element) => [element, element === "C" ? "currentColor" : `var(--atom-${element.toLowerCase()}, currentColor)`]),
]) as Record<string, string>;

// The layout of rings that bridge others goes on for seconds by default; after so many steps it hardly changes.
const LAYOUT = { kkMaxIteration: 500, kkMaxInnerIteration: 20 };

// With a scale the library cuts the picture close to the molecule instead of making it square.
const OPTIONS = { ...LAYOUT, bondThickness: 1.2, padding: 4, scale: 1, themes: { page: COLORS } };

/** A drawing of a molecule, in a new element; null where the text is no molecule, or too large a one to draw. */
export function drawMolecule(smiles: string): SVGSVGElement | null {
  if (smiles.trim() === "" || smiles.length > LONGEST || hasOpenRing(smiles)) return null;
  try {
    return withoutInlineStyles(() => {
      let drawing: SVGSVGElement | null = null;
      SmilesDrawer.parse(smiles, (tree) => {
        const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
        new SmilesDrawer.SvgDrawer(OPTIONS).draw(tree, svg, "page");
        drawing = finished(svg);
      }, () => {});
      return drawing;
    });
  } catch {
    // The parser takes some texts whose layout then fails.
    return null;
  }
}

/** Whether a ring number, outside of brackets, is opened and never closed. The library would leave the bond out. */
function hasOpenRing(smiles: string): boolean {
  const open = new Set<string>();
  for (const [number] of smiles.replace(/\[[^\]]*\]/g, "").matchAll(/%\d\d|\d/g)) {
    const name = number.replace("%", "");
    if (!open.delete(name)) open.add(name);
  }
  return open.size > 0;
}

/** Takes out what withoutInlineStyles left of the style element, and says the same in attributes. */
function finished(svg: SVGSVGElement): SVGSVGElement {
  for (const rest of svg.querySelectorAll("metadata")) rest.remove();
  for (const text of svg.querySelectorAll("text")) {
    text.setAttribute("font-family", "Arial, Helvetica, sans-serif");
    text.setAttribute("font-size", "11pt");
    text.setAttribute("fill", "currentColor");
  }
  for (const small of svg.querySelectorAll(".sub")) small.setAttribute("font-size", "3pt");
  // As attributes, so that a style sheet can make it smaller: without them a small molecule would be blown up.
  svg.setAttribute("width", svg.style.width);
  svg.setAttribute("height", svg.style.height);
  svg.removeAttribute("style");
  return svg;
}
