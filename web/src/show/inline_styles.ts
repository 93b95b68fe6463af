/**
 * Runs a library that draws with style elements and style attributes on a page whose content security policy forbids
 * both. While it runs, a style attribute is set through the object model, which the policy allows and which has the same
 * effect; a style element becomes an element that does nothing. `draw` must be done when it returns.
 */
export function withoutInlineStyles<Result>(draw: () => Result): Result {
  const { setAttributeNS } = Element.prototype;
  const createElementNS = document.createElementNS;
  Element.prototype.setAttributeNS = function (this: Element, space, name, value) {
    if (name === "style" && "style" in this) (this as SVGElement).style.cssText = value;
    else setAttributeNS.call(this, space, name, value);
  };
  document.createElementNS = ((space: string, name: string) =>
    createElementNS.call(document, space, name === "style" ? "metadata" : name)) as typeof createElementNS;
  try {
    return draw();
  } finally {
    Element.prototype.setAttributeNS = setAttributeNS;
    // The document has the method from its prototype again.
    Reflect.deleteProperty(document, "createElementNS");
  }
}
