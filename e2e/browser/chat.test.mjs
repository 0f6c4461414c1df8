// Lets two browsers chat, also while one of them loses the server.

import assert from "node:assert/strict";
import { after, test } from "node:test";

import { LIMIT, run, startDoorward } from "../doorward.mjs";
import { askForAccount, launch, open, screenshot, state } from "./support.mjs";

const server = await startDoorward();
after(() => server.stop());

const browser = await launch();
after(() => browser.close());

/** Opens the page of the chat as a user with an account. */
async function enter(t, name, options) {
  const someone = await open(browser, t, `${server.url}/?next=/chat`, options);
  await askForAccount(someone, name);
  await state(someone.page, "connected");
  return someone;
}

/** Opens a room of two users in both browsers. */
async function conversation(t, one, other) {
  const [ann, bob] = [await enter(t, one), await enter(t, other)];
  await ann.page.getByTestId("chat-create-open").click();
  await ann.page.locator("#chat-create").fill("Tea");
  await ann.page.getByTestId("chat-create-submit").click();
  await invite(ann.page, other);
  await bob.page.getByTestId("chat-invitation-accept").click();
  await bob.page.getByTestId("chat-input").waitFor();
  await ann.page.getByTestId("chat-member").filter({ hasText: other }).waitFor();
  return [ann, bob];
}

async function invite(page, name) {
  await page.locator(".members summary").click();
  await page.locator("#chat-invite").fill(name);
  await page.getByTestId("chat-invite-submit").click();
  await page.getByRole("status").filter({ hasText: "Invited." }).waitFor();
}

async function say(page, text) {
  await page.getByTestId("chat-input").fill(text);
  await page.getByTestId("chat-send").click();
}

/** Waits until the page shows exactly these messages. */
async function shows(page, texts) {
  const read = () => page.locator("[data-testid=chat-message] .text").allTextContents();
  try {
    await page.waitForFunction(
      (texts) => {
        const shown = [...document.querySelectorAll("[data-testid=chat-message] .text")];
        return JSON.stringify(shown.map((one) => one.textContent)) === JSON.stringify(texts);
      },
      texts,
    );
  } catch {
    assert.deepEqual(await read(), texts);
  }
}

test("two browsers chat, and messages are shown as text", LIMIT, async (t) => {
  const [ann, bob] = await conversation(t, "ann", "bob");
  const injection = "<img src=x onerror=alert(1)> & **bold**";

  await say(ann.page, injection);
  await bob.page.getByTestId("chat-input").pressSequentially("hello");
  await ann.page.getByTestId("chat-typing").filter({ hasText: "bob" }).waitFor();
  await bob.page.getByTestId("chat-input").press("Enter");

  for (const { page } of [ann, bob]) {
    await shows(page, [injection, "hello"]);
    assert.equal(await page.locator(".messages img").count(), 0);
  }
  await screenshot(ann.page, "chat");
  await ann.page.getByTestId("chat-edit").click();
  await ann.page.getByTestId("chat-edit-text").fill("edited");
  await ann.page.getByTestId("chat-edit-save").click();
  await shows(bob.page, ["edited", "hello"]);
  await bob.page.getByTestId("chat-remove").click();
  await shows(ann.page, ["edited", "This message was deleted."]);
  // A reload keeps the room, the messages and the members.
  await ann.page.reload();
  await shows(ann.page, ["edited", "This message was deleted."]);
  await ann.page.locator(".members summary").click();
  assert.equal(await ann.page.getByTestId("chat-member").count(), 2);
  assert.deepEqual([ann.complaints, bob.complaints], [[], []]);
});

test("an invitation appears at once in all tabs, and is accepted or declined", LIMIT, async (t) => {
  const [mia, noah] = [await enter(t, "mia"), await enter(t, "noah")];
  const tab = await noah.context.newPage();
  await tab.goto(`${server.url}/chat`);
  await state(tab, "connected");
  await mia.page.getByTestId("chat-create-open").click();
  await mia.page.locator("#chat-create").fill("Tea");
  await mia.page.getByTestId("chat-create-submit").click();
  await mia.page.getByTestId("chat-input").waitFor();

  await invite(mia.page, "noah");
  const invitation = tab.getByTestId("chat-invitation").filter({ hasText: "Tea" }).filter({ hasText: "mia" });
  await invitation.waitFor();
  await noah.page.getByTestId("chat-invitation-decline").click();
  await invitation.waitFor({ state: "detached" });
  assert.equal(await noah.page.getByTestId("chat-room").count(), 0);
  await mia.page.locator(".members summary").click();
  await invite(mia.page, "noah");
  // It is also there after a reload.
  await tab.reload();
  await screenshot(tab, "chat-invitation");
  await tab.getByTestId("chat-invitation-accept").click();

  await tab.getByRole("heading", { name: "Tea" }).waitFor();
  await noah.page.getByTestId("chat-room").filter({ hasText: "Tea" }).waitFor();
  assert.equal(await noah.page.getByTestId("chat-invitation").count(), 0);
  await mia.page.getByTestId("chat-member").filter({ hasText: "noah" }).waitFor();
  assert.deepEqual([mia.complaints, noah.complaints], [[], []]);
});

test("messages that were missed or written during an outage arrive once and in order", LIMIT, async (t) => {
  const [ann, bob] = await conversation(t, "carol", "dave");
  const network = await networkOf(bob.page);
  await bob.page.reload();
  await state(bob.page, "connected");
  await say(bob.page, "one");
  await shows(ann.page, ["one"]);

  network.down();
  await state(bob.page, "reconnecting");
  await say(ann.page, "two");
  await say(ann.page, "three");
  await say(bob.page, "four");
  await bob.page.getByTestId("chat-waiting").filter({ hasText: "four" }).waitFor();
  // Actions that are not queued report an error.
  await bob.page.locator(".members summary").click();
  await bob.page.getByTestId("chat-leave").click();
  await bob.page.getByTestId("chat-leave-sure").click();
  await bob.page.getByTestId("chat-remove").click();
  for (const place of [".members", "[data-testid=chat-message]"]) {
    await bob.page.locator(`${place} [role=alert]`).filter({ hasText: "cannot be reached" }).waitFor();
  }
  await ann.page.locator("[data-testid=chat-member][data-online=false]").filter({ hasText: "dave" }).waitFor();
  network.up();

  await state(bob.page, "connected");
  for (const { page } of [ann, bob]) await shows(page, ["one", "two", "three", "four"]);
  assert.equal(await bob.page.getByTestId("chat-waiting").count(), 0);
});

test("a user is online until the last tab closes, and reads in all tabs", LIMIT, async (t) => {
  const [ann, bob] = await conversation(t, "erin", "frank");
  const second = await bob.context.newPage();
  await second.goto(`${server.url}/chat`);
  await state(second, "connected");
  const isHere = (online) =>
    ann.page.locator(`[data-testid=chat-member][data-online=${online}]`).filter({ hasText: "frank" }).waitFor();

  await bob.page.close();
  await say(ann.page, "still here?");
  await shows(second, ["still here?"]);
  await isHere(true);
  await second.close();
  await isHere(false);

  await say(ann.page, "unread");
  const third = await bob.context.newPage();
  await third.goto(`${server.url}/chat#none`);
  await shows(third, ["still here?", "unread"]);
});

test("other rooms show the number of unread messages", LIMIT, async (t) => {
  const [ann, bob] = await conversation(t, "gina", "hank");
  await bob.page.getByTestId("chat-create-open").click();
  await bob.page.locator("#chat-create").fill("Alone");
  await bob.page.getByTestId("chat-create-submit").click();
  await bob.page.getByRole("heading", { name: "Alone" }).waitFor();

  for (const text in [1, 2, 3].map(String)) await say(ann.page, `message ${text}`);

  await bob.page.getByTestId("chat-unread").filter({ hasText: "3" }).waitFor();
  await bob.page.getByTestId("chat-room").filter({ hasText: "Tea" }).click();
  await shows(bob.page, ["message 0", "message 1", "message 2"]);
  await bob.page.getByTestId("chat-room").filter({ hasText: "Alone" }).click();
  await bob.page.getByRole("heading", { name: "Alone" }).waitFor();
  assert.equal(await bob.page.getByTestId("chat-unread").count(), 0);
});

test("the Enter of an input method ends a syllable and sends nothing", LIMIT, async (t) => {
  const [ann, bob] = await conversation(t, "hana", "yuna");
  const input = ann.page.getByTestId("chat-input");
  await input.focus();

  // A Korean input method reports keys with the code 229 while a syllable is composed.
  await ann.client.send("Input.imeSetComposition", { text: "안녀", selectionStart: 2, selectionEnd: 2 });
  const enter = { key: "Enter", code: "Enter", windowsVirtualKeyCode: 229 };
  await ann.client.send("Input.dispatchKeyEvent", { type: "rawKeyDown", ...enter });
  await ann.client.send("Input.dispatchKeyEvent", { type: "keyUp", ...enter });
  await ann.client.send("Input.imeSetComposition", { text: "안녕", selectionStart: 2, selectionEnd: 2 });
  await ann.client.send("Input.insertText", { text: "안녕" });
  assert.equal(await input.inputValue(), "안녕");
  assert.equal(await ann.page.getByTestId("chat-message").count(), 0);
  await input.press("Enter");

  await shows(bob.page, ["안녕"]);
  assert.equal(await input.inputValue(), "");
});

test("the view stays while the user reads older messages, and a draft waits in its room", LIMIT, async (t) => {
  const [ann, bob] = await conversation(t, "olga", "pete");
  // Few long messages, because the server limits how many a member may send.
  for (const name of ["a", "b", "c", "d"]) await say(ann.page, `${name}\n`.repeat(20) + "end");
  await bob.page.waitForFunction(() => document.querySelectorAll("[data-testid=chat-message]").length === 4);
  const place = () => bob.page.locator(".messages").evaluate((list) => list.scrollTop);
  await bob.page.locator(".messages").evaluate((list) => (list.scrollTop = 0));
  await bob.page.waitForFunction(() => document.querySelector(".messages").scrollTop === 0);

  await say(ann.page, "first");
  await say(ann.page, "second");
  await bob.page.getByTestId("chat-new").filter({ hasText: "New messages: 2" }).waitFor();
  assert.equal(await place(), 0);
  await bob.page.getByTestId("chat-new").click();
  await bob.page.getByTestId("chat-new").waitFor({ state: "detached" });
  assert.ok((await place()) > 0);

  await bob.page.getByTestId("chat-input").fill("not sent yet");
  await bob.page.getByTestId("chat-create-open").click();
  await bob.page.locator("#chat-create").fill("Other");
  await bob.page.getByTestId("chat-create-submit").click();
  await bob.page.getByRole("heading", { name: "Other" }).waitFor();
  assert.equal(await bob.page.getByTestId("chat-input").inputValue(), "");
  await bob.page.getByTestId("chat-room").filter({ hasText: "Tea" }).click();
  assert.equal(await bob.page.getByTestId("chat-input").inputValue(), "not sent yet");
});

test("the chat fits on a small phone, and fields and buttons have names", LIMIT, async (t) => {
  const { page, complaints } = await enter(t, "phone", { viewport: { width: 320, height: 640 }, colorScheme: "dark" });
  await page.getByTestId("chat-create-open").click();
  await page.locator("#chat-create").fill("A room with a name that is rather long for a phone");
  await page.getByTestId("chat-create-submit").click();
  await say(page, "a".repeat(200));
  await page.getByTestId("chat-message").waitFor();

  await screenshot(page, "phone-chat");
  assert.ok((await page.evaluate(() => document.documentElement.scrollWidth)) <= 320);
  const nameless = await page.evaluate(() => {
    const fields = [...document.querySelectorAll("input, textarea")].filter((field) => field.labels.length === 0);
    const buttons = [...document.querySelectorAll("button")].filter((button) => !button.textContent.trim());
    return [...fields, ...buttons].map((element) => element.outerHTML);
  });
  assert.deepEqual(nameless, []);
  assert.deepEqual(complaints, []);
});

test("a user who is signed out by the operator is notified and disconnected", LIMIT, async (t) => {
  const [ann] = await conversation(t, "ivan", "judy");

  const revoked = await run(["accounts", "disable", "ivan", "--data-dir", server.dataDir]);

  assert.equal(revoked.code, 0, revoked.stderr);
  await ann.page.getByTestId("signin-submit").waitFor();
});

test("the messages of a user are deleted with the account", LIMIT, async (t) => {
  const [ann, bob] = await conversation(t, "kim", "lee");
  await say(bob.page, "from lee");
  await say(ann.page, "from kim");
  await shows(ann.page, ["from lee", "from kim"]);

  const removed = await run(["accounts", "remove", "lee", "--data-dir", server.dataDir]);

  assert.equal(removed.code, 0, removed.stderr);
  await bob.page.getByTestId("signin-submit").waitFor();
  // The page of the other user shows it with the next change, without a reload.
  await say(ann.page, "more");
  await shows(ann.page, ["This message was deleted.", "from kim", "more"]);
  const first = await ann.page.getByTestId("chat-message").first().textContent();
  assert.match(first, /Deleted account/);
  await ann.page.waitForFunction(() => document.querySelectorAll("[data-testid=chat-member]").length === 1);
});

/** Returns a switch that interrupts the way from a page to the server, from its next connection on. */
async function networkOf(page) {
  let isUp = true;
  const open = new Set();
  await page.routeWebSocket(/socket\.io/, (link) => {
    if (!isUp) return link.close();
    link.connectToServer();
    open.add(link);
  });
  return {
    down: () => {
      isUp = false;
      for (const link of open) link.close();
    },
    up: () => (isUp = true),
  };
}
