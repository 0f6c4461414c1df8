// Lets a session expire while its page is open.

import { after, test } from "node:test";

import { LIMIT, startDoorward } from "../doorward.mjs";
import { launch, open, signIn, signUp } from "./support.mjs";

const server = await startDoorward({ settings: { SESSION__LIFETIME: "4s" } });
after(() => server.stop());

const browser = await launch();
after(() => browser.close());

test("the page reports an expired session, and redirects to the sign-in", LIMIT, async (t) => {
  const one = await open(browser, t, `${server.url}/`);
  const { page } = one;
  await signUp(one, "expires");

  await page.getByTestId("banner").filter({ hasText: "Your session has ended" }).waitFor();
  await signIn(one);

  await page.getByTestId("whoami").filter({ hasText: "expires" }).waitFor();
});
