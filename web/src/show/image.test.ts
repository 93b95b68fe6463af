import { describe, expect, it } from "vitest";
import { describeImage, imageOf } from "./image.ts";

const DOWN = "00 down ! a\n01 down 1 A";

describe("image", () => {
  it("is read row by row", () => {
    const image = imageOf(DOWN)!;
    expect(image.side).toBe(2);
    // 1 and A stand for 16 and 32 of 64 levels of grey.
    expect([...image.pixels]).toEqual([0, 255, 64, 128]);
    expect(describeImage(image)).toBe("Image of 2 by 2 pixels, 50% of them bright");
  });

  it("is turned the right way up", () => {
    const up = "01 up 1 A\n00 up ! a";
    expect([...imageOf(up)!.pixels]).toEqual([...imageOf(DOWN)!.pixels]);
  });

  it("is none of anything else", () => {
    const others = [
      "",
      "00 down !\n",
      "00 down ! a",
      "00 down ! a\n02 down 1 A",
      "00 down ! a\n01 up 1 A",
      "00 down ! b\n01 down 1 A",
      "00 down !  a\n01 down 1 A",
      "00 up ! a\n01 up 1 A",
      "<img src=x onerror=alert(1)>",
      "\n".repeat(100_000),
      "x".repeat(100_000),
    ];
    for (const text of others) expect(imageOf(text)).toBeNull();
  });

  it("may have one pixel, and a hundred rows", () => {
    expect([...imageOf("00 down a")!.pixels]).toEqual([255]);
    const rows = (count: number) =>
      Array.from({ length: count }, (_, k) => `${String(k).padStart(2, "0")} down${" !".repeat(count)}`).join("\n");
    expect(imageOf(rows(100))!.side).toBe(100);
    expect(imageOf(rows(101))).toBeNull();
  });
});
