//! Reports changes of connections to operators, one line of JSON each.

use axum::{
    body::Body,
    extract::{Query, State},
    http::{StatusCode, header},
    response::{IntoResponse as _, Response},
};
use doorward::{
    access::{ConnectionChange, Watch, Watched},
    audit::Decision,
};
use doorward_core::AccountStore;
use doorward_identity::describe_device;
use futures_util::{StreamExt as _, stream};

use crate::admin::{
    state::{Admin, problem},
    whom,
    wire::{Changed, Line, UserQuery},
};

/// Streams changes until the operator disconnects or the server stops.
pub(super) async fn watch(
    State(admin): State<Admin>,
    Query(whose): Query<UserQuery>,
) -> Result<Response, Response> {
    let watch = match (&whose.user, &whose.id) {
        (None, None) => admin.principals.watch_all().await,
        (Some(name), None) => admin.principals.watch(&whom::find(&admin, name).await?.id).await,
        (None, Some(id)) => admin.principals.watch(&id.as_str().into()).await,
        (Some(_), Some(_)) => {
            return Err(problem(StatusCode::BAD_REQUEST, "name at most one of user and id"));
        }
    };
    let watch =
        watch.map_err(|error| problem(StatusCode::SERVICE_UNAVAILABLE, &error.to_string()))?;
    let lines = lines(watch, admin).map(|line| {
        serde_json::to_vec(&line).map(|mut line| {
            line.push(b'\n');
            line
        })
    });
    let head = [(header::CONTENT_TYPE, "application/x-ndjson")];
    Ok((head, Body::from_stream(lines)).into_response())
}

fn lines(watch: Watch, admin: Admin) -> impl stream::Stream<Item = Line> {
    // The first line tells the operator that changes are reported from now on.
    let begun = stream::once(async { Line::Watching });
    begun.chain(watch.then(move |watched| {
        let store = admin.store.clone();
        async move {
            match watched {
                Watched::Change(change) => line(&change, &*store).await,
                _ => Line::Missed,
            }
        }
    }))
}

async fn line(change: &ConnectionChange, store: &dyn AccountStore) -> Line {
    // If the store does not answer, the line has only the id.
    let account = store.account(&change.user).await.ok().flatten();
    let kind: fn(Changed) -> Line = match change.outcome {
        Decision::Ended(_) => Line::Ended,
        Decision::Refused(_) => Line::Refused,
        Decision::Refreshed => Line::Refreshed,
        _ => Line::Opened,
    };
    kind(Changed {
        at: change.at.try_into().unwrap_or_default(),
        reason: change.outcome.reason().map(str::to_owned),
        user: change.user.as_str().to_owned(),
        name: account.map(|account| account.name.into()),
        namespace: change.namespace.to_string(),
        socket: change.socket.map(|socket| socket.to_string()),
        device: change.agent.as_deref().and_then(describe_device),
        network: change.network.map(|network| network.to_string()),
        node: change.node.to_string(),
        decision: change.decision.to_string(),
    })
}
