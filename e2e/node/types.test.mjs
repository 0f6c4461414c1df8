// Checks the types of `doorward-client` in a strict TypeScript project, as after `npm install`.

import assert from "node:assert/strict";
import { cp, mkdir, readFile, readdir, rm, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { after, test } from "node:test";
import { fileURLToPath } from "node:url";

import { LIMIT, freshFolder, run } from "../doorward.mjs";

const path = (relative) => fileURLToPath(new URL(relative, import.meta.url));
const PACKAGE = path("../../clients/js");
const MODULES = path("../node_modules");
const tsc = (args, options) => run([join(MODULES, "typescript/bin/tsc"), ...args], process.execPath, options);

const folder = await freshFolder();
after(() => rm(folder, { recursive: true, force: true }));

test("the types match the sources", LIMIT, async () => {
  const made = join(folder, "types");
  const { code, stdout } = await tsc(["--project", PACKAGE, "--outDir", made, "--pretty", "false"]);
  assert.equal(code, 0, stdout);
  await cp(join(PACKAGE, "src/wire.d.ts"), join(made, "wire.d.ts"));

  const files = (await readdir(made)).sort();
  const stale = "the types are stale: run `npm run types` in clients/js";
  assert.deepEqual((await readdir(join(PACKAGE, "types"))).sort(), files, stale);
  for (const file of files) {
    const [is, was] = await Promise.all([made, join(PACKAGE, "types")].map((of) => readFile(join(of, file), "utf8")));
    assert.equal(was, is, stale);
  }
});

test("a strict TypeScript project compiles against the installed package", LIMIT, async (t) => {
  const packed = await run(["pack", "--silent", "--pack-destination", folder], "npm", { cwd: PACKAGE });
  assert.equal(packed.code, 0, packed.stderr);
  const modules = join(folder, "node_modules");
  const own = join(modules, "doorward-client");
  await mkdir(own, { recursive: true });
  for (const name of await readdir(MODULES)) {
    if (!name.startsWith(".")) await symlink(join(MODULES, name), join(modules, name));
  }
  const archive = join(folder, packed.stdout.trim());
  const unpacked = await run(["-xzf", archive, "-C", own, "--strip-components", "1"], "tar");
  assert.equal(unpacked.code, 0, unpacked.stderr);
  await cp(join(PACKAGE, "tests/program.ts"), join(folder, "program.ts"));
  await writeFile(join(folder, "package.json"), '{ "type": "module" }\n');

  for (const [module, moduleResolution] of [["Node16", "Node16"], ["NodeNext", "NodeNext"], ["ESNext", "Bundler"]]) {
    const compilerOptions = {
      module,
      moduleResolution,
      strict: true,
      exactOptionalPropertyTypes: true,
      noUncheckedIndexedAccess: true,
      skipLibCheck: false,
      noEmit: true,
      target: "ES2022",
      lib: ["ES2022", "DOM"],
      types: [],
    };
    await writeFile(join(folder, "tsconfig.json"), JSON.stringify({ compilerOptions, files: ["program.ts"] }));

    const { code, stdout } = await tsc(["--project", folder, "--pretty", "false"]);

    assert.deepEqual([code, stdout], [0, ""], moduleResolution);
  }
});

test("the installed package runs", LIMIT, async () => {
  const program = 'import * as all from "doorward-client"; console.log(Object.keys(all).join(" "))';
  const { stdout, stderr } = await run(["--input-type=module", "--eval", program], process.execPath, { cwd: folder });

  assert.equal(stdout, "CANCELLED DoorwardError OFFLINE UNSUPPORTED canAutofill canUsePasskeys createDoorward\n", stderr);
});
