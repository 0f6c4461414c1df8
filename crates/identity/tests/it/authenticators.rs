//! Answers as authenticators of today give them.
//!
//! They are built from what is documented of each: its flags, its AAGUID (the list of the FIDO Alliance and of
//! <https://github.com/passkeydeveloper/passkey-authenticator-aaguids>), its counter and its user handle. None was
//! recorded.

use doorward_core::{Decision, RefusalReason};
use doorward_testkit::{
    BACKED_UP, BACKUP_ELIGIBLE, SoftAnswer, SoftPasskey, USER_PRESENT, USER_VERIFIED,
};
use serde_json::{Value, json};

use crate::{
    hostile::{sign_in_with, sign_up_with},
    world::{URL, World, ask, pair},
};

const VERIFIED: u8 = USER_PRESENT | USER_VERIFIED;
const SYNCED: u8 = VERIFIED | BACKUP_ELIGIBLE | BACKED_UP;

/// What an authenticator says in every answer.
struct Model {
    name: &'static str,
    aaguid: u128,
    flags: u8,
    /// Whether it counts its signatures. Passkeys that are synced do not.
    counts: bool,
}

const SYNCING: &[Model] = &[
    Model {
        name: "Apple Passwords (iCloud Keychain)",
        aaguid: 0xfbfc3007_154e_4ecc_8c0b_6e020557d7bd,
        flags: SYNCED,
        counts: false,
    },
    Model { name: "iCloud Keychain before iOS 18", aaguid: 0, flags: SYNCED, counts: false },
    Model {
        name: "Google Password Manager",
        aaguid: 0xea9b8d66_4d01_1d21_3ce4_b6b48cb575d4,
        flags: SYNCED,
        counts: false,
    },
    Model {
        name: "1Password",
        aaguid: 0xbada5566_a7aa_401f_bd96_45619a55120d,
        flags: SYNCED,
        counts: false,
    },
    Model {
        name: "Bitwarden",
        aaguid: 0xd548826e_79b4_db40_a3d8_11116f7e8349,
        flags: SYNCED,
        counts: false,
    },
];

const WINDOWS_HELLO: Model = Model {
    name: "Windows Hello",
    aaguid: 0x08987058_cadc_4b81_b6e1_30de50dcbe96,
    flags: VERIFIED,
    counts: true,
};

impl Model {
    fn says(&self, answer: SoftAnswer) -> SoftAnswer {
        let counter = if self.counts { answer.counter } else { 0 };
        let aaguid = self.aaguid.to_be_bytes();
        SoftAnswer { flags: self.flags, aaguid, counter, ..answer }
    }

    /// Signs up, and signs in twice.
    async fn is_accepted(&self, passkey: &mut SoftPasskey) {
        let world = World::new().await;
        let done = sign_up_with(&world, "alice", passkey, |answer| self.says(answer)).await;
        assert_eq!(done["success"], true, "{}: {done}", self.name);
        for _ in 0..2 {
            let done = sign_in_with(&world, passkey, |answer| self.says(answer)).await;
            assert_eq!(done["success"], true, "{}: {done}", self.name);
        }
    }
}

/// Signs in with the name of an account.
async fn sign_in_by_name(
    world: &World,
    passkey: &mut SoftPasskey,
    change: impl FnOnce(&mut Value),
) -> Value {
    let (_, challenge) = pair();
    let mut page = world.page().await;
    let wish = json!({ "username": "alice", "challenge": challenge });
    let begun = ask(&mut page, "webauthn:authenticate", &wish).await;
    let mut credential = passkey.assertion(&begun["options"], URL).answer(passkey);
    change(&mut credential);
    ask(&mut page, "webauthn:authenticate:verify", &json!({ "credential": credential })).await
}

#[tokio::test]
async fn password_managers_that_sync_and_never_count_are_accepted() {
    for model in SYNCING {
        model.is_accepted(&mut SoftPasskey::new()).await;
    }
}

/// With a TPM its keys are of RSA.
#[tokio::test]
async fn windows_hello_is_accepted_with_either_kind_of_key() {
    WINDOWS_HELLO.is_accepted(&mut SoftPasskey::new()).await;
    WINDOWS_HELLO.is_accepted(&mut SoftPasskey::rsa()).await;
}

#[tokio::test]
async fn keys_of_p256_p384_and_rsa_are_offered_and_eddsa_is_not() {
    let world = World::new().await;
    let (_, challenge) = pair();
    let mut page = world.page().await;
    let wish = json!({ "username": "alice", "challenge": challenge });

    let begun = ask(&mut page, "webauthn:register", &wish).await;

    let offered = begun["options"]["pubKeyCredParams"].as_array().unwrap();
    let offered: Vec<_> = offered.iter().map(|one| one["alg"].as_i64().unwrap()).collect();
    assert_eq!(offered, [-7, -35, -257]);
}

/// A password manager takes over a passkey that was made where it could not be copied, or learns to sync.
#[tokio::test]
async fn a_passkey_may_become_one_that_is_synced_and_that_is_kept() {
    let world = World::new().await;
    let (mut passkey, mut browser) = world.sign_up("alice").await;
    let says = |flags| move |answer| SoftAnswer { flags, ..answer };
    let before = browser.get("/auth/passkeys").await.json["passkeys"][0]["synced"].clone();

    let up = sign_in_with(&world, &mut passkey, says(SYNCED)).await;

    assert_eq!(up["success"], true, "{up}");
    let after = browser.get("/auth/passkeys").await.json["passkeys"][0]["synced"].clone();
    assert_eq!((before, after), (json!(false), json!(true)));
    // It was kept: what went up does not go down again.
    let down = sign_in_with(&world, &mut passkey, says(VERIFIED)).await;
    assert_eq!(down["code"], "authentication_failed", "{down}");
    let reason = RefusalReason::PasskeyDowngraded;
    assert_eq!(world.audit.outcomes().pop(), Some(Decision::Refused(reason)));
}

#[tokio::test]
async fn a_passkey_that_was_synced_does_not_become_one_that_never_could_be() {
    let world = World::new().await;
    let mut passkey = SoftPasskey::new();
    let says = |flags| move |answer| SoftAnswer { flags, counter: 0, ..answer };
    let made = sign_up_with(&world, "alice", &mut passkey, says(SYNCED)).await;
    assert_eq!(made["success"], true, "{made}");

    let down = sign_in_with(&world, &mut passkey, says(VERIFIED)).await;

    assert_eq!(down["code"], "authentication_failed", "{down}");
    let reason = RefusalReason::PasskeyDowngraded;
    assert_eq!(world.audit.outcomes().pop(), Some(Decision::Refused(reason)));
    assert_eq!(world.audit.last_fault().unwrap(), "flag backup_eligible: changed");
    // A copy that was deleted is another matter, and nothing was changed by the refusal.
    let not_backed_up = sign_in_with(&world, &mut passkey, says(VERIFIED | BACKUP_ELIGIBLE)).await;
    assert_eq!(not_backed_up["success"], true, "{not_backed_up}");
}

/// Only an authenticator changes what is kept: the flags count once the signature is good.
#[tokio::test]
async fn a_forged_answer_makes_no_passkey_a_synced_one() {
    let world = World::new().await;
    let (passkey, mut browser) = world.sign_up("alice").await;
    let mut thief = SoftPasskey::new();
    thief.id.clone_from(&passkey.id);
    thief.user_handle.clone_from(&passkey.user_handle);

    let forged =
        sign_in_with(&world, &mut thief, |answer| SoftAnswer { flags: SYNCED, ..answer }).await;

    assert_eq!(forged["code"], "authentication_failed", "{forged}");
    assert_eq!(world.audit.last_fault().unwrap(), "member signature: mismatch");
    assert_eq!(browser.get("/auth/passkeys").await.json["passkeys"][0]["synced"], false);
}

/// Some password managers have no user handle to show where the page named the user.
#[tokio::test]
async fn with_a_name_an_empty_user_handle_is_none() {
    let world = World::new().await;
    let (mut passkey, _) = world.sign_up("alice").await;

    let empty = sign_in_by_name(&world, &mut passkey, |credential| {
        credential["response"]["userHandle"] = json!("");
    });
    assert_eq!(empty.await["success"], true);
    let null = sign_in_by_name(&world, &mut passkey, |credential| {
        credential["response"]["userHandle"] = json!(null);
    });
    assert_eq!(null.await["success"], true);
    let absent = sign_in_by_name(&world, &mut passkey, |credential| {
        credential["response"].as_object_mut().unwrap().remove("userHandle");
    });
    assert_eq!(absent.await["success"], true);
    let other = sign_in_by_name(&world, &mut passkey, |credential| {
        credential["response"]["userHandle"] = json!("BwcHBwcHBwcHBwcHBwcHBw");
    });
    assert_eq!(other.await["code"], "authentication_failed");
    assert_eq!(world.audit.last_fault().unwrap(), "member userHandle: mismatch");
}

/// Each refusal names what was at fault, for the operator who wonders.
#[tokio::test]
async fn a_refused_answer_is_named_with_its_problem() {
    let world = World::new().await;
    let (mut passkey, _) = world.sign_up("alice").await;
    let evil = |answer| SoftAnswer { origin: "https://evil.example".into(), ..answer };

    sign_in_with(&world, &mut passkey, evil).await;
    assert_eq!(world.audit.last_fault().unwrap(), "member clientData.origin: not_allowed");
    sign_in_with(&world, &mut passkey, |answer| SoftAnswer { flags: USER_PRESENT, ..answer }).await;
    assert_eq!(world.audit.last_fault().unwrap(), "flag user_verified: missing");
    sign_in_with(&world, &mut passkey, |answer| SoftAnswer { user_handle: None, ..answer }).await;
    assert_eq!(world.audit.last_fault().unwrap(), "member userHandle: missing");
    sign_up_with(&world, "bob", &mut SoftPasskey::new(), evil).await;
    assert_eq!(world.audit.last_fault().unwrap(), "member clientData.origin: not_allowed");
    let eddsa = |answer| SoftAnswer { algorithm: -8, ..answer };
    sign_up_with(&world, "bob", &mut SoftPasskey::new(), eddsa).await;
    assert_eq!(world.audit.last_fault().unwrap(), "member publicKey.alg: not_allowed");
}

/// An application has an origin of its own in the client data of its passkeys.
#[tokio::test]
async fn passkeys_of_an_application_count_where_it_is_allowed_by_name() {
    const KEY_HASH: &str = "android:apk-key-hash:47DEQpj8HBSa-_TImW-5JCeuQeRkm5NMpJWZG3hSuFU";
    let allowed = [KEY_HASH, "ios:bundle-id:org.example.Chat", "capacitor://localhost"];
    let world = World::with(|builder| {
        allowed.into_iter().fold(builder, doorward_identity::IdentityBuilder::allow_origin)
    })
    .await;
    let of = |origin: &str| {
        let origin = origin.to_owned();
        move |answer| SoftAnswer { origin, ..answer }
    };
    let mut passkey = SoftPasskey::new();
    let made = sign_up_with(&world, "alice", &mut passkey, of(KEY_HASH)).await;
    assert_eq!(made["success"], true, "{made}");

    for origin in allowed {
        let done = sign_in_with(&world, &mut passkey, of(origin)).await;
        assert_eq!(done["success"], true, "{origin}: {done}");
    }
    for other in [
        "android:apk-key-hash:47deqpj8hbsa-_timw-5jceuqerkm5nmpjwzg3hsufu",
        "android:apk-key-hash:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
        "ios:bundle-id:org.example.Chat2",
        "ionic://localhost",
        "capacitor://localhost.evil",
    ] {
        let refused = sign_in_with(&world, &mut passkey, of(other)).await;
        assert_eq!(refused["code"], "authentication_failed", "{other}");
        assert_eq!(world.audit.last_fault().unwrap(), "member clientData.origin: not_allowed");
    }
    let elsewhere = World::new().await;
    let refused = sign_up_with(&elsewhere, "alice", &mut SoftPasskey::new(), of(KEY_HASH)).await;
    assert_eq!(refused["code"], "registration_failed");
}
