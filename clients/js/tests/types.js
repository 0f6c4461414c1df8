// What must not pass the type checker: a line marked as an error that is none is an error.

import { createDoorward } from "../src/index.js";

/** @param {Parameters<typeof createDoorward>[0]["io"]} io */
export async function mistakes(io) {
  const doorward = createDoorward({ io });
  // @ts-expect-error a user name is wanted
  await doorward.signUp({});
  // @ts-expect-error it is called `username`
  (await doorward.me()).user.userName;
  // @ts-expect-error there is no such state
  doorward.connect("/", { onState: (state) => state === "conected" });

  /** @type {import("../src/wire.js").SignInCode} */
  let code = "username_taken";
  // @ts-expect-error there is no such code
  code = "user_taken";
  return code;
}
