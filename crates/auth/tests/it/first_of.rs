//! Chooses one of several kinds of credential.

use std::sync::{
    Arc,
    atomic::{AtomicU32, Ordering},
};

use doorward_auth::{
    AuthenticateError, Authenticator, FirstOf, Grant, Handshake, Refusal, RefusalReason,
    SessionCredential, Shown, ShowsCredential, user_by_id,
};
use doorward_core::{SessionToken, UserId};
use serde_json::{Value, json};

use crate::{
    cookie::{cookie, from_page, refused},
    forge::{ask, handshake, jwt, token},
    world::{HOUR, World, done},
};

/// Creates an authenticator for all three kinds of credential. The principal is the name of the
/// user.
fn all(world: &World) -> FirstOf<String> {
    let name = || {
        user_by_id(|id: UserId| async move {
            Ok((id.as_str() != "unknown").then(|| id.as_str().to_owned()))
        })
    };
    FirstOf::new(jwt().load(name()))
        .or(SessionCredential::new(Arc::clone(&world.sessions)).load(name()))
        .or(cookie(world).load(name()))
}

/// Makes a genuine access token, valid at the time of [`World`].
fn access_token(world: &World, user: &str) -> String {
    let now = world.now().duration_since(std::time::SystemTime::UNIX_EPOCH).unwrap().as_secs();
    token(&json!({"sub": user, "exp": now + 60}).to_string())
}

fn shown(world: &World, cookie: Option<&SessionToken>, auth: &Value) -> Handshake {
    from_page(world, cookie, &auth.to_string())
}

fn reason(world: &World, cookie: Option<&SessionToken>, auth: &Value) -> RefusalReason {
    refused(&all(world), shown(world, cookie, auth)).reason()
}

#[test]
fn each_kind_authenticates_its_user() {
    let world = World::new();
    let (session, _) = world.sign_in("bob");
    let user = |cookie: Option<&SessionToken>, auth: Value| {
        ask(&all(&world), shown(&world, cookie, &auth)).unwrap().principal
    };

    assert_eq!(user(None, json!({"token": access_token(&world, "alice")})), "alice");
    assert_eq!(user(None, json!({"sessionToken": session.expose()})), "bob");
    assert_eq!(user(Some(&session), json!({})), "bob");
    assert_eq!(user(Some(&session), json!({"pid": "p", "offset": "o"})), "bob");
}

#[test]
fn without_a_credential_the_reason_is_missing() {
    let world = World::new();

    assert_eq!(reason(&world, None, &json!({})), RefusalReason::CredentialMissing);
    assert_eq!(reason(&world, None, &json!({"Token": "a"})), RefusalReason::CredentialMissing);
}

#[test]
fn an_explicit_credential_takes_precedence_over_the_cookie_of_the_same_user() {
    let world = World::new();
    let (cookie, in_cookie) = world.sign_in("alice");
    let (explicit, session) = world.sign_in("alice");
    let session_of =
        |auth: Value| ask(&all(&world), shown(&world, Some(&cookie), &auth)).unwrap().session;

    assert_eq!(session_of(json!({"token": access_token(&world, "alice")})), None);
    assert_eq!(session_of(json!({"sessionToken": explicit.expose()})), Some(session.id));
    assert_eq!(session_of(json!({})), Some(in_cookie.id));
}

#[test]
fn a_cookie_of_another_user_is_ambiguous() {
    let world = World::new();
    let (cookie, _) = world.sign_in("alice");
    let (bob, _) = world.sign_in("bob");

    for auth in
        [json!({"token": access_token(&world, "bob")}), json!({"sessionToken": bob.expose()})]
    {
        let reason = reason(&world, Some(&cookie), &auth);
        assert_eq!(reason, RefusalReason::CredentialAmbiguous);
    }
}

#[test]
fn a_cookie_of_an_ended_session_does_not_hinder_a_token() {
    let world = World::new();
    let (over, _) = world.sign_in("bob");
    world.pass(HOUR);
    let (ended, session) = world.sign_in("bob");
    done(world.sessions.end(&session.id)).unwrap();
    let auth = json!({"token": access_token(&world, "alice")});

    for cookie in [over, ended] {
        let grant = ask(&all(&world), shown(&world, Some(&cookie), &auth)).unwrap();
        assert_eq!(grant.principal, "alice");
    }
}

/// Attack 53: a cookie that a foreign page sent is ignored, even if it belongs to another user than
/// the token.
#[test]
fn an_ignored_cookie_does_not_hinder_a_token() {
    let world = World::new();
    let (cookie, _) = world.sign_in("bob");
    let auth = json!({"token": access_token(&world, "alice")});
    let mut from_elsewhere = shown(&world, Some(&cookie), &auth);
    from_elsewhere.request = handshake("{}").request;

    let grant = ask(&all(&world), from_elsewhere.clone()).unwrap();
    assert_eq!(grant.principal, "alice");

    from_elsewhere.auth = handshake("{}").auth;
    let refusal = refused(&all(&world), from_elsewhere);
    assert_eq!(refusal.reason(), RefusalReason::OriginForbidden);
}

#[test]
fn two_explicit_credentials_are_ambiguous_even_if_they_agree() {
    let world = World::new();
    let (session, _) = world.sign_in("alice");
    let good = access_token(&world, "alice");

    for auth in [
        json!({"token": good, "sessionToken": session.expose()}),
        json!({"token": good, "sessionToken": null}),
        json!({"token": null, "sessionToken": session.expose()}),
        json!({"token": "", "sessionToken": ""}),
    ] {
        assert_eq!(reason(&world, None, &auth), RefusalReason::CredentialAmbiguous, "{auth}");
        let with_cookie = reason(&world, Some(&session), &auth);
        assert_eq!(with_cookie, RefusalReason::CredentialAmbiguous, "{auth}");
    }
}

#[test]
fn a_bad_explicit_credential_never_falls_through_to_the_cookie() {
    let world = World::new();
    let (cookie, _) = world.sign_in("alice");

    for (auth, expected) in [
        (json!({"token": ""}), RefusalReason::TokenMalformed),
        (json!({"token": null}), RefusalReason::TokenMalformed),
        (json!({"token": {"a": 1}}), RefusalReason::TokenMalformed),
        (json!({"token": "a.b.c"}), RefusalReason::TokenMalformed),
        (json!({"token": access_token(&world, "unknown")}), RefusalReason::UserUnknown),
        (json!({"sessionToken": ""}), RefusalReason::SessionUnknown),
        (json!({"sessionToken": 7}), RefusalReason::SessionUnknown),
    ] {
        assert_eq!(reason(&world, Some(&cookie), &auth), expected, "{auth}");
    }
}

#[test]
fn a_bad_cookie_is_refused_when_it_is_the_only_credential() {
    let world = World::new();
    let (cookie, session) = world.sign_in("alice");
    done(world.sessions.end(&session.id)).unwrap();

    assert_eq!(reason(&world, Some(&cookie), &json!({})), RefusalReason::SessionUnknown);
}

#[test]
fn a_token_that_no_member_reads_is_ambiguous() {
    let world = World::new();
    let (cookie_token, _) = world.sign_in("alice");
    let members =
        FirstOf::new(SessionCredential::new(Arc::clone(&world.sessions))).or(cookie(&world));
    let auth = json!({"token": "a.b.c"});

    let refusal = refused(&members, shown(&world, Some(&cookie_token), &auth));
    assert_eq!(refusal.reason(), RefusalReason::CredentialAmbiguous);
    let refusal = refused(&members, shown(&world, None, &auth));
    assert_eq!(refusal.reason(), RefusalReason::CredentialMissing);
    let fault = refusal.fault().unwrap().to_string();
    assert_eq!(fault, "member auth.token|auth.sessionToken: missing");
}

/// Attack 92.
#[test]
fn nothing_is_decided_while_the_owner_of_the_cookie_is_unknown() {
    let world = World::new();
    let (cookie, _) = world.sign_in("alice");
    let auth = json!({"token": access_token(&world, "alice")});
    world.store.set_away(true);

    let answer = ask(&all(&world), shown(&world, Some(&cookie), &auth));

    assert!(matches!(answer, Err(AuthenticateError::Unavailable(_))), "{answer:?}");
}

#[test]
fn members_with_the_same_principal_share_one_loader() {
    let world = World::new();
    let (session, _) = world.sign_in("alice");
    let members = FirstOf::new(SessionCredential::new(Arc::clone(&world.sessions)))
        .or(cookie(&world))
        .load(user_by_id(|id: UserId| async move { Ok(Some(id.as_str().len())) }));

    let grant = ask(&members, shown(&world, Some(&session), &json!({}))).unwrap();

    assert_eq!(grant.principal, 5);
    assert_eq!(done(grant.reload.unwrap()()).unwrap(), Some(5));
}

/// Authenticator of an application, which counts its calls.
struct ApiKey(Arc<AtomicU32>);

impl Authenticator for ApiKey {
    type Principal = String;

    async fn authenticate(&self, handshake: Handshake) -> Result<Grant<String>, AuthenticateError> {
        self.0.fetch_add(1, Ordering::Relaxed);
        match handshake.auth.get_str("apiKey") {
            Some("good") => Ok(Grant::new("robot".to_owned(), "robot")),
            _ => Err(Refusal::unauthenticated(RefusalReason::Application).into()),
        }
    }
}

impl ShowsCredential for ApiKey {
    fn shown(&self, handshake: &Handshake) -> Shown {
        handshake.auth.get("apiKey").map_or(Shown::Absent, |_| Shown::Explicit)
    }
}

/// Authenticator that refuses every credential as ambiguous.
struct Torn;

impl Authenticator for Torn {
    type Principal = ();

    async fn authenticate(&self, _: Handshake) -> Result<Grant<()>, AuthenticateError> {
        Err(Refusal::unauthenticated(RefusalReason::CredentialAmbiguous).into())
    }
}

impl ShowsCredential for Torn {
    fn shown(&self, _: &Handshake) -> Shown {
        Shown::Explicit
    }
}

#[test]
fn an_invalid_credential_has_no_owner_and_an_ambiguous_one_is_an_error() {
    let world = World::new();
    let owner = |auth| done(ApiKey(Arc::default()).owner(&shown(&world, None, &auth))).unwrap();

    assert_eq!(owner(json!({"apiKey": "good"})), Some(UserId::new("robot")));
    assert_eq!(owner(json!({"apiKey": "bad"})), None);
    let torn = done(Torn.owner(&shown(&world, None, &json!({})))).unwrap_err();
    assert!(matches!(torn, AuthenticateError::Refused(_)), "{torn:?}");
}

#[test]
fn two_tokens_are_ambiguous_even_if_no_member_reads_them() {
    let world = World::new();
    let only = FirstOf::new(ApiKey(Arc::default()));
    let auth = json!({"apiKey": "good", "token": "a", "sessionToken": "b"});

    let refusal = refused(&only, shown(&world, None, &auth));

    assert_eq!(refusal.reason(), RefusalReason::CredentialAmbiguous);
}

#[test]
fn an_application_adds_its_own_kind_of_credential() {
    let world = World::new();
    let calls = Arc::new(AtomicU32::new(0));
    let members = all(&world).or(ApiKey(Arc::clone(&calls)));
    let (cookie, _) = world.sign_in("alice");
    let good = json!({"apiKey": "good"});

    let grant = ask(&members, shown(&world, None, &good)).unwrap();
    assert_eq!(grant.principal, "robot");
    for (cookie, auth) in [
        (None, json!({"apiKey": "good", "token": access_token(&world, "alice")})),
        (Some(&cookie), good),
    ] {
        let refusal = refused(&members, shown(&world, cookie, &auth));
        assert_eq!(refusal.reason(), RefusalReason::CredentialAmbiguous);
    }
    let bad = refused(&members, shown(&world, Some(&cookie), &json!({"apiKey": "bad"})));
    assert_eq!(bad.reason(), RefusalReason::Application);
    assert_eq!(calls.load(Ordering::Relaxed), 3);

    assert_eq!(members.shown(&shown(&world, Some(&cookie), &json!({}))), Shown::Ambient);
    assert_eq!(members.shown(&shown(&world, None, &json!({}))), Shown::Absent);
    let explicit = shown(&world, Some(&cookie), &json!({"apiKey": "good"}));
    assert_eq!(members.shown(&explicit), Shown::Explicit);
}

/// A token is verified without a lookup. A session needs a lookup in the store, so it is not
/// recognised.
#[test]
fn a_token_is_recognised_by_its_signature_and_a_session_is_not() {
    let world = World::new();
    let (session, _) = world.sign_in("bob");
    let recognised = |cookie: Option<&SessionToken>, auth: Value| {
        all(&world).recognise(&shown(&world, cookie, &auth)).map(|user| user.as_str().to_owned())
    };
    let token = access_token(&world, "alice");
    let over = crate::forge::token(r#"{"sub":"alice","exp":1}"#);

    assert_eq!(recognised(None, json!({ "token": token })).as_deref(), Some("alice"));
    assert_eq!(recognised(Some(&session), json!({ "token": token })).as_deref(), Some("alice"));
    for auth in [
        json!({}),
        json!({ "token": "x" }),
        json!({ "token": over }),
        json!({ "token": token.replacen('e', "", 1) }),
        json!({ "sessionToken": session.expose() }),
        json!({ "token": token, "sessionToken": session.expose() }),
    ] {
        assert_eq!(recognised(None, auth.clone()), None, "{auth}");
    }
    assert_eq!(recognised(Some(&session), json!({})), None);
}
