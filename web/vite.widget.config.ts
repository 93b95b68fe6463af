import { defineConfig } from "vite";

// The explorer's widget for notebooks: one module and one style sheet, which the Python package brings with it.
export default defineConfig({
  build: {
    outDir: "../python/tvae/static",
    emptyOutDir: true,
    target: "es2022",
    cssMinify: true,
    minify: true,
    lib: { entry: "src/widget/widget.ts", formats: ["es"], fileName: () => "widget.js", cssFileName: "widget" },
  },
});
