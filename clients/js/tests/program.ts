// Uses the installed package from strict TypeScript. A line that is marked as an error and compiles fails the test.

import { io, type Socket } from "socket.io-client";
import { CANCELLED, DoorwardError, OFFLINE, UNSUPPORTED, canAutofill, canUsePasskeys, createDoorward } from "doorward-client";
import type { Doorward, State } from "doorward-client";
import type { ConnectError, ErrorAnswer, Me, Refreshed, Retry, SessionEnded, SignInCode } from "doorward-client/wire";

const doorward: Doorward = createDoorward({ io, url: "https://example.org/chat" });

export async function signIn(username: string): Promise<string> {
  try {
    if (!(await canUsePasskeys())) return UNSUPPORTED;
    if (await canAutofill()) await doorward.autofill(new AbortController().signal);
    await doorward.signIn({ username });
    const me: Me = await doorward.me();
    return me.user.displayName;
  } catch (error) {
    if (!(error instanceof DoorwardError)) throw error;
    const retry: Retry | undefined = error.retry;
    return error.code === CANCELLED || error.code === OFFLINE ? error.code : `${error.code} ${retry} ${error.retryAfter}`;
  }
}

export function connect(show: (state: State, code?: string) => void): Socket {
  const socket = doorward.connect("/", {
    token: async () => (await doorward.token()).token,
    onState: show,
  });
  socket.on("connect_error", (error: ConnectError<"room_full">) => console.log(error.data?.code === "room_full"));
  socket.on("session_ended", ({ code, retry }: SessionEnded) => console.log(code, retry));
  socket.on("exception", (answer: ErrorAnswer) => console.log(answer.details?.[0]?.path));
  return socket;
}

export async function account(): Promise<string[]> {
  const { passkeys, recoveryCodes } = await doorward.passkeys();
  const { codes } = await doorward.makeRecoveryCodes();
  const { sessions } = await doorward.sessions();
  const { ended } = await doorward.endOtherSessions();
  await doorward.renamePasskey(passkeys[0]!.id, "phone");
  console.log(recoveryCodes + ended, sessions.map((session) => session.device ?? "unknown"));
  return codes;
}

export function expiresAt(answer: Refreshed): string | null {
  if (answer.status === "ok") return answer.expiresAt;
  // @ts-expect-error a refusal has no expiry
  return answer.expiresAt;
}

export async function mistakes(): Promise<void> {
  // @ts-expect-error the user name is missing
  await doorward.signUp({});
  // @ts-expect-error the member is called `username`
  (await doorward.me()).user.userName;
  // @ts-expect-error `io` is missing
  createDoorward({ url: "https://example.org" });
  // @ts-expect-error there is no such state
  doorward.connect("/", { onState: (state) => state === "conected" });
  // @ts-expect-error a token is a string
  doorward.connect("/", { token: async () => 7 });
  // @ts-expect-error there is no such code
  const code: SignInCode = "user_taken";
  // @ts-expect-error there is no such export
  await import("doorward-client/src/proof.js");
  console.log(code);
}
