import { copyFileSync, mkdirSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";

import { defineConfig, type Plugin } from "vite";

/** Put Swagger UI beside the page, so that the API's documentation at /docs needs no network. */
function swaggerUi(): Plugin {
  const from = dirname(createRequire(import.meta.url).resolve("swagger-ui-dist/package.json"));
  return {
    name: "swagger-ui",
    apply: "build",
    writeBundle({ dir = "dist" }) {
      mkdirSync(join(dir, "docs"), { recursive: true });
      for (const file of ["swagger-ui-bundle.js", "swagger-ui.css", "LICENSE"]) {
        copyFileSync(join(from, file), join(dir, "docs", file));
      }
    },
  };
}

export default defineConfig({
  base: "./",
  build: {
    target: "es2022",
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    chunkSizeWarningLimit: 1500,
    rolldownOptions: { input: ["index.html", "operations.html", "calibrate.html"] },
  },
  experimental: {
    // A page that is served two folders down, at /operations/calibrate/CAMERA, finds its files from there.
    renderBuiltUrl: (file, { hostId, hostType }) =>
      hostType === "html" && hostId.endsWith("calibrate.html") ? `../../${file}` : { relative: true },
  },
  plugins: [swaggerUi()],
  server: { proxy: { "/v1": "http://127.0.0.1:8000" } },
});
