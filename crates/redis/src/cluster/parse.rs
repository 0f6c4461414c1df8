//! Turns members, positions and results into the text of the scripts, and back.

use std::{sync::Arc, time::Duration};

use doorward_core::{
    Incarnation, NodeId, StoreError,
    cluster::{Answer, Member, Outcome, Position, Receipt},
};

use crate::{link::unreadable, store::Written};

/// Returns the text of a member: its incarnation, and the name of its node. The incarnation comes first, because
/// the name may contain any character.
pub(super) fn name(member: &Member) -> String {
    format!("{} {}", member.incarnation, member.node)
}

/// Parses the output of [`name`].
pub(super) fn member(text: &str) -> Result<Member, StoreError> {
    let parsed = text.split_once(' ').and_then(|(incarnation, node)| {
        let incarnation: Incarnation = incarnation.parse().ok()?;
        Some(Member { node: NodeId::new(node), incarnation })
    });
    parsed.ok_or_else(|| unreadable("a member of the cluster is malformed"))
}

pub(super) fn number(text: &str) -> Result<u64, StoreError> {
    text.parse().map_err(|_reason| unreadable("a number of the cluster is malformed"))
}

pub(super) fn position(text: &str) -> Result<Position, StoreError> {
    number(text).map(Position)
}

pub(super) fn receipt(
    (position, era, members, unknown_for): Written,
) -> Result<Receipt, StoreError> {
    Ok(Receipt {
        position: self::position(&position)?,
        log: Arc::from(era),
        members: members.iter().map(|text| member(text)).collect::<Result<_, _>>()?,
        unknown_for: Duration::from_millis(number(&unknown_for)?),
    })
}

/// Parses an answer of a member: `waiting`, `lapsed`, or four counts.
pub(super) fn answer(text: &str) -> Result<Answer, StoreError> {
    match text {
        "waiting" => return Ok(Answer::Waiting),
        "lapsed" => return Ok(Answer::Lapsed),
        _ => {}
    }
    let mut counts = text.split(' ').map(number);
    let mut count =
        || counts.next().unwrap_or_else(|| Err(unreadable("a count of an order is missing")));
    let (ended, stuck, kept, undecided) = (count()?, count()?, count()?, count()?);
    Ok(Answer::Done(Outcome { ended, stuck, kept, undecided }))
}
