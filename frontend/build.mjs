// Builds styles and scripts into app/web/static under names that carry a hash of their content, with a manifest of those names.
import { createHash } from "node:crypto";
import { mkdir, readFile, rm, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

import * as esbuild from "esbuild";
import * as sass from "sass";

const here = dirname(fileURLToPath(import.meta.url));
const out = join(here, "..", "app", "web", "static");
const manifest = {};

async function put(name, content) {
  const hash = createHash("sha256").update(content).digest("hex").slice(0, 12);
  const dot = name.lastIndexOf(".");
  const hashed = `${name.slice(0, dot)}.${hash}${name.slice(dot)}`;
  await writeFile(join(out, hashed), content);
  manifest[name] = hashed;
}

async function bundle(entry, name, options = {}) {
  const result = await esbuild.build({
    entryPoints: [join(here, entry)],
    bundle: true,
    minify: true,
    write: false,
    outfile: name,
    target: "es2020",
    legalComments: "inline",
    absWorkingDir: here,
    logLevel: "warning",
    ...options,
  });
  const main = result.outputFiles.find((file) => file.path.endsWith(name));
  await put(name, main.contents);
}

await rm(out, { recursive: true, force: true });
await mkdir(out, { recursive: true });
const css = sass.compile(join(here, "styles", "app.scss"), { style: "compressed", loadPaths: [here], quietDeps: true });
await put("app.css", Buffer.from(css.css));
await bundle("scripts/boot.js", "boot.js", { format: "iife" });
await bundle("scripts/app.js", "app.js", { format: "esm" });
await bundle("scripts/diagram.js", "diagram.js", { format: "esm" });
await bundle("styles/diagram.css", "diagram.css", { loader: { ".woff": "empty", ".woff2": "empty" } });
await put("mark.svg", await readFile(join(here, "images", "mark.svg")));
await writeFile(join(out, "manifest.json"), `${JSON.stringify(manifest, null, 2)}\n`);
console.log(Object.values(manifest).join("\n"));
