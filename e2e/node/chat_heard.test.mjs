// Merges events that arrive while the page of the chat loads its lists.

import assert from "node:assert/strict";
import { test } from "node:test";

import { Heard, answered, entered, invited, without } from "../../crates/server/pages/chat/heard.js";

const room = (id, version = 0, unread = 0) => ({ id, name: id, version, members: 1, unread });
const invitation = (id) => ({ room: id, name: id, inviter: "ann", inviterName: "ann", invitedAt: 1 });
const nothing = { rooms: [], invitations: [] };

const heard = (...changes) => {
  const heard = new Heard();
  for (const change of changes) heard.change(change);
  return heard;
};

test("an invitation that arrives while the list loads is kept", () => {
  const lists = heard(invited(invitation("tea"))).after({ rooms: [], invitations: [invitation("cake")] });

  assert.deepEqual(lists.invitations.map(({ room }) => room), ["cake", "tea"]);
});

test("an invitation that is also in the list appears once", () => {
  const lists = heard(invited(invitation("tea"))).after({ rooms: [], invitations: [invitation("tea")] });

  assert.deepEqual(lists.invitations, [invitation("tea")]);
});

test("an invitation that was answered while the list loaded is removed, and a new one is kept", () => {
  const old = { rooms: [], invitations: [invitation("tea"), invitation("cake")] };

  const lists = heard(answered("tea"), answered("cake"), invited(invitation("cake"))).after(old);

  assert.deepEqual(lists.invitations, [invitation("cake")]);
});

test("a room that the user joined or left while the list loaded is merged", () => {
  const changes = [entered(room("tea")), without("cake")];

  const lists = heard(...changes).after({ rooms: [room("cake"), room("beer")], invitations: [] });

  assert.deepEqual(lists.rooms.map(({ id }) => id), ["beer", "tea"]);
  assert.deepEqual(heard(...changes).after(lists).rooms, lists.rooms);
});

test("newer values win, and messages that were not counted are added", () => {
  const changed = heard(entered(room("tea", 3, 1)));
  for (const version of [4, 5, 6]) changed.message({ room: "tea", version });
  changed.message({ room: "cake", version: 1 });

  const [tea] = changed.after({ rooms: [room("tea", 5, 3)], invitations: [] }).rooms;

  assert.deepEqual([tea.version, tea.unread], [5, 4]);
  assert.equal(changed.after(nothing).rooms[0].unread, 4);
});
