//! Creates the session for a proof of identity. These are the last steps of every sign-in.
//!
//! The hook of the application runs first. Then the session is stored, and then its ticket. Only after that, a recovery
//! code is used up or a new account is stored. The user can therefore try again if an earlier step fails. The client
//! receives the answer last. Start reading at [`Service::complete`].

use std::time::Duration;

use doorward::{
    audit::Decision,
    auth::RefusalReason,
    session::{NewSession, Session, SessionData, SessionToken},
};
use doorward_core::Account;

use super::Service;
use crate::{
    client::{Client, Handover},
    hook::{Proof, SignInError, SigningIn},
    records::About,
    wire::{Failure, Reply, Result, SignInCode},
};

impl Service {
    /// Creates a session for a user who has proved their identity, and returns the answer for the client. If a step
    /// fails, the session is ended again.
    pub(super) async fn complete(
        &self,
        client: &Client,
        account: &Account,
        proof: Proof<'_>,
        handover: Handover,
    ) -> Result<Reply> {
        let user = &account.id;
        let about = About { client: Some(client), user: Some(user), ..About::default() };
        // No user is signed in without an audit record. A stuck audit sink is detected here, before anything changes.
        if !self.records.audit.has_room() || !self.records.kept().await {
            return Err(SignInCode::Unavailable.into());
        }
        let signing_in = SigningIn { account: account.clone(), method: proof.method() };
        let data = self.ask_hook(signing_in).await.inspect_err(|failure| {
            self.records.decided(undone(failure), about);
        })?;
        let mut new = NewSession::new(user.clone()).data(data);
        if let Some(user_agent) = &client.user_agent {
            new = new.user_agent(user_agent);
        }
        if let Some(address) = client.address {
            new = new.address(address);
        }
        let made = self.ask(about, self.sessions.create(new)).await?;
        let session = &made.1.id;
        let about = About { session: Some(session), ..about };
        let handed_over = self.hand_over(&made, account, proof, handover, about).await;
        // No client has the token of this session. If the session cannot be ended now, it expires unused.
        if handed_over.is_err()
            && let Err(error) = self.sessions.end(session).await
        {
            tracing::warn!(%error, "A session that no client has could not be ended.");
        }
        handed_over
    }

    /// Completes the sign-in after the session was stored. Returns the answer for the client, which contains the
    /// session token or a ticket.
    async fn hand_over(
        &self,
        (token, session): &(SessionToken, Session),
        account: &Account,
        proof: Proof<'_>,
        handover: Handover,
        about: About<'_>,
    ) -> Result<Reply> {
        // An account is marked as disabled before its sessions are ended. If the account was disabled since it was
        // loaded, either its mark is seen here, or its sessions are ended later, including this session. An account
        // that is not stored yet cannot be disabled.
        if !matches!(proof, Proof::SignUp(_)) {
            self.usable_account(&account.id, about).await?;
        }
        let reply = match handover {
            Handover::Token => Reply::session(token.expose()),
            Handover::Ticket(challenge) => {
                let issued = self.tickets.issue(&session.id, challenge);
                let (ticket, expires_at) = self.ask(about, issued).await?;
                Reply::ticket(ticket.expose(), expires_at)
            }
        };
        match proof {
            Proof::Passkey => {}
            Proof::RecoveryCode(hash) => self.use_code(&account.id, hash, about).await?,
            Proof::SignUp(passkey) => self.store_account(account, passkey, about).await?,
        }
        let kept = self.records.kept();
        self.records.decided(Decision::SignedIn, about);
        if kept.await { Ok(reply) } else { Err(SignInCode::Unavailable.into()) }
    }

    async fn ask_hook(&self, who: SigningIn) -> Result<SessionData> {
        let Some(hook) = &self.hook else { return Ok(SessionData::default()) };
        let deadline = self.clock.sleep_until(self.clock.now() + HOOK_TIMEOUT);
        let answer = tokio::select! {
            answer = hook(who) => answer,
            () = deadline => Err(SignInError::Unavailable("it did not answer in time".into())),
        };
        answer.map_err(|error| match error {
            SignInError::Refused => SignInCode::Forbidden.into(),
            SignInError::Unavailable(cause) => {
                tracing::warn!(%cause, "The hook of a sign-in has failed.");
                SignInCode::Unavailable.into()
            }
        })
    }
}

fn undone(failure: &Failure) -> Decision {
    match failure.code {
        SignInCode::StorageFull | SignInCode::Unavailable => {
            Decision::Undecided(RefusalReason::Unavailable)
        }
        _ => Decision::Refused(RefusalReason::Application),
    }
}

/// Time limit of the hook of the application, which may call a service on the network.
const HOOK_TIMEOUT: Duration = Duration::from_secs(10);
