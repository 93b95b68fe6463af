/** A square grey image, row by row; 0 is black, 255 white. */
export interface GreyImage {
  side: number;
  pixels: Uint8Array;
}

const BLACK = "!".charCodeAt(0);
const WHITE = "a".charCodeAt(0);
const LEVELS = WHITE - BLACK;

/** Row numbers have two digits. */
const MOST_ROWS = 100;

/**
 * The image that a text of rows like "00 down ! ! a" is, the right way up whatever its direction; null where it is none.
 * The rule is that of tvae/validity/image_text.cpp.
 */
export function imageOf(text: string): GreyImage | null {
  const lines = text.split("\n", MOST_ROWS + 1);
  const side = lines.length;
  const up = lines[0]!.slice(2, 6) === " up ";
  if (up) lines.reverse();
  if (side > MOST_ROWS) return null;
  const pixels = new Uint8Array(side * side);
  for (const [row, line] of lines.entries()) {
    const start = `${String(row).padStart(2, "0")} ${up ? "up" : "down"}`;
    if (line.length !== start.length + 2 * side || !line.startsWith(start)) return null;
    for (let column = 0; column < side; column++) {
      const symbol = line.charCodeAt(start.length + 2 * column + 1);
      if (line[start.length + 2 * column] !== " " || symbol < BLACK || symbol > WHITE) return null;
      // The darkest grey that the symbol stands for.
      pixels[row * side + column] = Math.floor(((symbol - BLACK) * 255 + LEVELS - 1) / LEVELS);
    }
  }
  return { side, pixels };
}

/** Draws an image pixel for pixel; the style sheet makes it larger. */
export function drawImage(canvas: HTMLCanvasElement, { side, pixels }: GreyImage): void {
  canvas.width = side;
  canvas.height = side;
  const context = canvas.getContext("2d");
  if (!context) return;
  const image = context.createImageData(side, side);
  pixels.forEach((grey, k) => image.data.set([grey, grey, grey, 255], 4 * k));
  context.putImageData(image, 0, 0);
}

/** A sentence about an image, for readers who don't see it. */
export function describeImage({ side, pixels }: GreyImage): string {
  const lit = pixels.reduce((count, grey) => count + (grey >= 128 ? 1 : 0), 0);
  return `Image of ${side} by ${side} pixels, ${Math.round((100 * lit) / pixels.length)}% of them bright`;
}
