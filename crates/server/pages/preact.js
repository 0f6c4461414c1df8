// What the pages use of the vendored library.

export { html, render, useEffect, useRef, useState } from "./vendor/standalone.module.js";
