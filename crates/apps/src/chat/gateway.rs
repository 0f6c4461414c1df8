//! Gateway of the chat.
//!
//! The namespace is `/chat`. Only members of a chat room may join the framework room with the same id, and events
//! that name another room are rejected. A message is stored, with the next version of its room, before it is
//! broadcast. A reconnecting client sends the last version that it has seen, and receives all later changes.
//! `store` reads and writes the database, and `wire` has the payloads. Start reading at [`Chat::send`].

use std::{sync::Arc, time::Duration};

use doorward::{UserId, prelude::*};

use super::{
    invitations::Invited,
    membership::{check_member, full, member, person, room_of, tell_presence},
    messages::Posted,
    state::{Chat, Result, to_the_end},
    store::Added,
    wire::{
        At, Create, Edit, History, InRoom, Invitation, InvitationGone, Invite, Invitee, Member,
        MemberJoined, MemberLeft, Message, Read, Room, Send, Since, Typing,
    },
};
use crate::{
    application::{Me, NamedUser, Person},
    storage::not_kept,
};

#[gateway(namespace = "/chat")]
#[filter(not_kept)]
impl Chat {
    /// Permits the members of a chat room to join its framework room.
    #[room("room:{id}")]
    async fn may_join(&self, me: Socket<NamedUser>, id: &str) -> Result<bool> {
        Ok(self.store.is_member(me.user(), id).await?)
    }

    #[on_connect]
    async fn hello(self: Arc<Self>, me: Socket<NamedUser>) {
        let (chat, person) = (Arc::clone(&self), me);
        // Runs in the background, so that admission does not wait for a stuck database.
        tokio::spawn(async move {
            if let Err(error) = chat.store.rename(person.user(), &person.principal().name).await {
                tracing::debug!(%error, "The name of a member could not be updated.");
            }
        });
    }

    /// Tells the other members of the user's rooms. Each node tells its own clients.
    #[on_presence]
    async fn presence(&self, hub: Hub<NamedUser>, change: PresenceChange) {
        if change.room.is_none() {
            let rooms = self.rooms_of(&change.user).await;
            tell_presence(&hub, &change, &rooms);
        }
    }

    /// Joins the framework rooms of all chat rooms of the user, and returns the chat rooms.
    #[subscribe("rooms")]
    #[guard(RateLimit::per_user(50, Duration::from_secs(10)))]
    async fn rooms(&self, me: Me) -> Result<Vec<Room>> {
        for id in self.store.ids_of(me.user()).await? {
            // The user may have left the room in another tab meanwhile.
            if let Err(error) = me.join(&room_of(&id)).await
                && self.store.is_member(me.user(), &id).await?
            {
                return Err(error.into());
            }
        }
        // The rooms are read after the joins, so that the client misses no message.
        let mut rooms = self.store.rooms_of(me.user()).await?;
        rooms.retain(|room| me.is_in(&room_of(&room.id)));
        Ok(rooms)
    }

    #[subscribe("members")]
    #[guard(RateLimit::per_user(100, Duration::from_secs(10)))]
    async fn members(&self, me: Me, Valid(InRoom { room }): Valid<InRoom>) -> Result<Vec<Member>> {
        check_member(&me, &room)?;
        let presence = me.hub().presence();
        let members = self.store.members(&room).await?.into_iter();
        Ok(members.map(|(user, name)| member(&presence, &UserId::new(user), name)).collect())
    }

    /// Returns one page of the changes of a room after the version `lastSeen`.
    #[subscribe("history")]
    #[guard(RateLimit::per_user(200, Duration::from_secs(10)))]
    async fn history(
        &self,
        me: Me,
        Valid(Since { room, last_seen }): Valid<Since>,
    ) -> Result<History> {
        check_member(&me, &room)?;
        Ok(self.store.history(&room, last_seen).await?)
    }

    /// Stores a message and broadcasts it. Returns the message. Returns `None` if the message was sent before with
    /// the same key and is no longer kept.
    #[subscribe("send")]
    #[guard(RateLimit::per_user(20, Duration::from_secs(10)))]
    async fn send(
        self: Arc<Self>,
        me: Me,
        Valid(Send { room, key, text }): Valid<Send>,
    ) -> Result<Option<Message>> {
        to_the_end(async move {
            let _turn = self.turn_of(&me, &room).await?;
            match self.store.post(&room, person(&me), (key, text), self.clock.wall()).await? {
                Posted::Again(message) => {
                    // The node that has stored the message may have ended before it was broadcast. A client that
                    // has the message ignores it.
                    if self.store.is_shared() {
                        me.hub().to(room_of(&room)).emit_event(&message)?;
                    }
                    Ok(Some(message))
                }
                Posted::Forbidden => Err(Exception::forbidden().into()),
                Posted::Forgotten => Ok(None),
                Posted::New(message) => {
                    // The hub sends it and not the socket, because the message is stored even if its sender has
                    // left meanwhile.
                    me.hub().to(room_of(&room)).emit_event(&message)?;
                    Ok(Some(message))
                }
            }
        })
        .await
    }

    /// Replaces the text of a message that the user has sent.
    #[subscribe("edit")]
    #[guard(RateLimit::per_user(20, Duration::from_secs(10)))]
    async fn edit(
        self: Arc<Self>,
        me: Me,
        Valid(Edit { room, seq, text }): Valid<Edit>,
    ) -> Result<Message> {
        self.change(me, room, seq, Some(text)).await
    }

    /// Removes a message that the user has sent. A placeholder remains.
    #[subscribe("remove")]
    #[guard(RateLimit::per_user(20, Duration::from_secs(10)))]
    async fn remove(
        self: Arc<Self>,
        me: Me,
        Valid(At { room, seq }): Valid<At>,
    ) -> Result<Message> {
        self.change(me, room, seq, None).await
    }

    /// Marks the messages up to `seq` as read, and returns the number of unread messages in the room.
    #[subscribe("read")]
    #[guard(RateLimit::per_user(50, Duration::from_secs(10)))]
    async fn read(&self, me: Me, Valid(At { room, seq }): Valid<At>) -> Result<i64> {
        check_member(&me, &room)?;
        let unread = self.store.read(&room, me.user(), seq).await?;
        let other_tabs = me.hub().to(me.user().clone()).except(me.id());
        other_tabs.emit_event(&Read { room: &room, unread })?;
        Ok(unread)
    }

    #[subscribe("typing")]
    #[guard(RateLimit::per_user(20, Duration::from_secs(10)))]
    async fn typing(&self, me: Me, Valid(InRoom { room }): Valid<InRoom>) -> Result<()> {
        check_member(&me, &room)?;
        let typing = Typing { room: &room, user: me.user().as_str(), name: &me.principal().name };
        // The event is volatile: a slow client may miss it.
        me.hub().to(room_of(&room)).except(me.user().clone()).volatile().emit_event(&typing)?;
        Ok(())
    }

    #[subscribe("create")]
    #[guard(RateLimit::per_user(10, Duration::from_secs(60)))]
    async fn create(
        self: Arc<Self>,
        me: Me,
        Valid(Create { name }): Valid<Create>,
    ) -> Result<Room> {
        let mut id = [0; 12];
        self.entropy.fill(&mut id);
        let id = id.map(|byte| format!("{byte:02x}")).concat();
        to_the_end(async move {
            let _turn = self.turn().await?;
            match self.store.create(&id, name.trim(), person(&me), self.clock.wall()).await? {
                Added::Done | Added::Here => self.welcome(&me, me.user(), &id).await,
                Added::Full => Err(full().into()),
            }
        })
        .await
    }

    /// Invites a user to a room. Any member may invite.
    #[subscribe("invite")]
    #[guard(RateLimit::per_user(30, Duration::from_secs(60)))]
    async fn invite(
        self: Arc<Self>,
        me: Me,
        Valid(Invite { room, user, id }): Valid<Invite>,
    ) -> Result<Invitee> {
        check_member(&me, &room)?;
        let found = match (user, id) {
            (Some(name), None) => self.directory.named(&name).await?,
            (None, Some(id)) => self.with_id(&me, &UserId::new(id)).await?,
            _ => return Err(Exception::bad_payload(Vec::new()).into()),
        };
        let Person { id, name } =
            found.ok_or_else(|| Exception::new("unknown_user", "No user with that name"))?;
        to_the_end(async move {
            let _turn = self.turn_of(&me, &room).await?;
            match self.store.invite(&room, &id, person(&me), self.clock.wall()).await? {
                Invited::Forbidden => return Err(Exception::forbidden().into()),
                Invited::Known => {}
                Invited::Full => return Err(full().into()),
                Invited::Done(oldest) => {
                    if let Some(room) = oldest {
                        me.hub().to(id.clone()).emit_event(&InvitationGone { room: &room })?;
                    }
                    self.show_invitation(&me, &id, &room).await?;
                }
            }
            Ok(Invitee { user: id, name })
        })
        .await
    }

    /// Returns the open invitations of the user.
    #[subscribe("invitations")]
    #[guard(RateLimit::per_user(50, Duration::from_secs(10)))]
    async fn invitations(&self, me: Me) -> Result<Vec<Invitation>> {
        Ok(self.store.invitations(me.user()).await?)
    }

    /// Accepts an invitation, and returns the room. Fails if there is no invitation.
    #[subscribe("accept")]
    #[guard(RateLimit::per_user(20, Duration::from_secs(10)))]
    async fn accept(
        self: Arc<Self>,
        me: Me,
        Valid(InRoom { room }): Valid<InRoom>,
    ) -> Result<Room> {
        to_the_end(async move {
            let _turn = self.turn().await?;
            // The socket may have closed while the request waited.
            if me.is_closed() {
                return Err(Exception::forbidden().into());
            }
            match self.store.accept(&room, person(&me)).await? {
                None => return Err(Exception::forbidden().into()),
                Some(Added::Full) => return Err(full().into()),
                Some(Added::Here) => {}
                Some(Added::Done) => {
                    let presence = me.hub().presence();
                    let member = member(&presence, me.user(), me.principal().name.to_string());
                    me.hub()
                        .to(room_of(&room))
                        .emit_event(&MemberJoined { room: &room, member })?;
                }
            }
            me.hub().to(me.user().clone()).emit_event(&InvitationGone { room: &room })?;
            self.welcome(&me, me.user(), &room).await
        })
        .await
    }

    /// Declines an invitation. The inviter is not notified.
    #[subscribe("decline")]
    #[guard(RateLimit::per_user(20, Duration::from_secs(10)))]
    async fn decline(self: Arc<Self>, me: Me, Valid(InRoom { room }): Valid<InRoom>) -> Result<()> {
        to_the_end(async move {
            let _turn = self.turn().await?;
            self.store.decline(&room, me.user()).await?;
            me.hub().to(me.user().clone()).emit_event(&InvitationGone { room: &room })?;
            Ok(())
        })
        .await
    }

    /// Ends the membership of the user in a room, and removes all sockets of the user from the room.
    #[subscribe("leave")]
    #[guard(RateLimit::per_user(20, Duration::from_secs(10)))]
    async fn leave(self: Arc<Self>, me: Me, Valid(InRoom { room }): Valid<InRoom>) -> Result<()> {
        to_the_end(async move {
            let _turn = self.turn_of(&me, &room).await?;
            self.store.remove(&room, me.user()).await?;
            let left = MemberLeft { room: &room, user: me.user().as_str() };
            let told = me.hub().to(room_of(&room)).emit_event(&left);
            // The user is no member any more, even if the others were not told.
            let (hub, user) = (me.hub().clone(), me.user().clone());
            let room = room_of(&room);
            hub.to(&user).local().sockets_leave(&room).await;
            // A node that does not answer must not delay the client.
            tokio::spawn(async move { hub.to(&user).sockets_leave(&room).await });
            Ok(told.map(drop)?)
        })
        .await
    }
}
