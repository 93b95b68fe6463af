import { expect, test } from "vitest";
import { fileOf, jsonlOf, tsvOf, txtOf } from "./lists.ts";
import { npyOf } from "./npy.ts";
import { parsedTable } from "./table.ts";
import { few, likelinessWord, percent } from "./words.ts";

const rows = [
  { text: "x = 1", columns: { ratio: 0, valid: true } },
  { text: "y = 2", columns: { ratio: 0.5, valid: null } },
];

test("lists as files", () => {
  expect(txtOf(rows)).toBe("x = 1\ny = 2\n");
  expect(tsvOf(rows)).toBe("ratio\tvalid\ttext\n0\ttrue\tx = 1\n0.5\t\ty = 2\n");
  expect(jsonlOf(rows)).toBe('{"ratio":0,"valid":true,"text":"x = 1"}\n{"ratio":0.5,"valid":null,"text":"y = 2"}\n');
  expect(txtOf([{ text: "a\nb\\c", columns: {} }])).toBe("a\\nb\\\\c\n");
  expect(fileOf(rows, "npy")).toBeNull();
});

test("codes as NumPy reads them", () => {
  const bytes = npyOf([
    [
      [1, 2, 3],
      [4, 5, 6],
    ],
  ]);
  const length = new DataView(bytes.buffer).getUint16(8, true);
  expect([...bytes.slice(0, 8)]).toEqual([0x93, 0x4e, 0x55, 0x4d, 0x50, 0x59, 1, 0]);
  expect((10 + length) % 64).toBe(0);
  const header = new TextDecoder().decode(bytes.slice(10, 10 + length));
  expect(header.trimEnd()).toBe("{'descr': '<f4', 'fortran_order': False, 'shape': (1, 2, 3), }");
  expect([...new Float32Array(bytes.buffer.slice(10 + length))]).toEqual([1, 2, 3, 4, 5, 6]);
});

test("a pasted table", () => {
  expect(parsedTable("text\tvalue\nCCO\t1.5\nC C\t-2\nbad\n")).toEqual({ texts: ["CCO", "C C"], values: [1.5, -2], skipped: 1, heading: true });
  expect(parsedTable('f(a, b), 3\n"x, ""y""",4\nCCO 5')).toEqual({ texts: ["f(a, b)", 'x, "y"', "CCO"], values: [3, 4, 5], skipped: 0, heading: false });
  expect(parsedTable('{"text": "a", "value": 1}')).toEqual({ texts: ["a"], values: [1], skipped: 0, heading: false });
});

test("figures in few digits and in words", () => {
  expect([few(0.8374), few(-12.34), few(-1234.6), few(null), few(45993407)]).toEqual(["0.84", "−12.3", "−1,235", "–", "4.6e7"]);
  expect([0.837, 0.995, 1, 0.99999, 0.002, 0].map(percent)).toEqual(["84 %", "99.5 %", "100 %", ">99.9 %", "0.2 %", "0 %"]);
  expect([0, 1.5, 3, 9].map(likelinessWord)).toEqual(["typical", "less typical", "unlikely", "very unlikely"]);
});
