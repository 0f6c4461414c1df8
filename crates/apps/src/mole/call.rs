//! Calls of clients for the game of their room, and the replies.
//!
//! One node runs the game of a room, and the nodes of the other clients pass their calls on to it. Start reading at
//! [`Call`].

use doorward::{SocketId, UserId};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use super::{
    game::strike::Miss,
    wire::{Hit, Strike},
};

/// Event between nodes: a room and what is asked of its game.
pub(super) const CALL: &str = "call";

/// Client of a room: a player or a spectator.
#[derive(Clone, Serialize, Deserialize)]
pub(super) struct Guest {
    pub(super) client: ClientId,
    pub(super) name: Box<str>,
    pub(super) watch: bool,
}

/// User with a connection.
#[derive(Clone, Serialize, Deserialize)]
pub(super) struct ClientId {
    #[serde(serialize_with = "write_user", deserialize_with = "read_user")]
    pub(super) user: UserId,
    #[serde(serialize_with = "write_socket", deserialize_with = "read_socket")]
    pub(super) socket: SocketId,
}

/// Call for the game of a room.
#[derive(Clone, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Call {
    /// The client enters, or changes between player and spectator.
    Enter(Guest),
    /// The client leaves.
    Leave(ClientId),
    /// The clients are still there. Those that the game does not know enter.
    Stay(Vec<Guest>),
    /// The client starts a round.
    Start(ClientId),
    /// The client strikes.
    Strike(ClientId, Strike),
}

impl Call {
    /// Returns `true` if clients enter by this call.
    pub(super) fn enters(&self) -> bool {
        matches!(self, Self::Enter(_) | Self::Stay(_))
    }
}

/// Reply of the game to a [`Call`].
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Reply {
    /// The clients are in the game with this number. Each game of a room has its own.
    Entered(u64),
    /// The call was carried out.
    Done,
    Forbidden,
    /// The room is full.
    Full,
    Struck(Result<Hit, Miss>),
    /// The node runs too many games.
    TooManyRooms,
}

fn write_user<S: Serializer>(user: &UserId, out: S) -> Result<S::Ok, S::Error> {
    out.serialize_str(user.as_str())
}

fn read_user<'de, D: Deserializer<'de>>(input: D) -> Result<UserId, D::Error> {
    Ok(UserId::new(String::deserialize(input)?))
}

fn write_socket<S: Serializer>(socket: &SocketId, out: S) -> Result<S::Ok, S::Error> {
    out.collect_str(socket)
}

fn read_socket<'de, D: Deserializer<'de>>(input: D) -> Result<SocketId, D::Error> {
    String::deserialize(input)?.parse().map_err(de::Error::custom)
}
