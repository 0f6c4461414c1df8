//! Accepts the answers of current authenticators.
//!
//! The answers are not recordings. Each is built from the documented flags, AAGUID, counter and user handle of its
//! model. The AAGUIDs are from the FIDO Alliance and from
//! <https://github.com/passkeydeveloper/passkey-authenticator-aaguids>.

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

/// Values that an authenticator puts into every answer.
struct Model {
    name: &'static str,
    aaguid: u128,
    flags: u8,
    /// `true` if the authenticator counts its signatures. Authenticators with synced passkeys do not count.
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
    /// Returns the answer with the values of this model.
    fn says(&self, answer: SoftAnswer) -> SoftAnswer {
        let counter = if self.counts { answer.counter } else { 0 };
        let aaguid = self.aaguid.to_be_bytes();
        SoftAnswer { flags: self.flags, aaguid, counter, ..answer }
    }

    /// Asserts that one sign-up and two sign-ins succeed.
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

/// Signs in with the user name `alice`, with the credential changed by `change`.
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
async fn syncing_password_managers_without_a_counter_are_accepted() {
    for model in SYNCING {
        model.is_accepted(&mut SoftPasskey::new()).await;
    }
}

/// With a TPM, the keys of Windows Hello are RSA keys.
#[tokio::test]
async fn windows_hello_is_accepted_with_either_kind_of_key() {
    WINDOWS_HELLO.is_accepted(&mut SoftPasskey::new()).await;
    WINDOWS_HELLO.is_accepted(&mut SoftPasskey::rsa()).await;
}

#[tokio::test]
async fn keys_of_p256_p384_and_rsa_are_offered_and_of_eddsa_are_not() {
    let world = World::new().await;
    let (_, challenge) = pair();
    let mut page = world.page().await;
    let wish = json!({ "username": "alice", "challenge": challenge });

    let begun = ask(&mut page, "webauthn:register", &wish).await;

    let offered = begun["options"]["pubKeyCredParams"].as_array().unwrap();
    let offered: Vec<_> = offered.iter().map(|one| one["alg"].as_i64().unwrap()).collect();
    // These are ES256, ES384 and RS256 in the COSE registry of IANA.
    assert_eq!(offered, [-7, -35, -257]);
}

/// This happens when a password manager imports a passkey of a device, or starts to sync.
#[tokio::test]
async fn a_passkey_may_become_a_synced_one_and_stays_so() {
    let world = World::new().await;
    let (mut passkey, mut browser) = world.sign_up("alice").await;
    let says = |flags| move |answer| SoftAnswer { flags, ..answer };
    let before = browser.get("/auth/passkeys").await.json["passkeys"][0]["synced"].clone();

    let up = sign_in_with(&world, &mut passkey, says(SYNCED)).await;

    assert_eq!(up["success"], true, "{up}");
    let after = browser.get("/auth/passkeys").await.json["passkeys"][0]["synced"].clone();
    assert_eq!((before, after), (json!(false), json!(true)));
    // The stored passkey is eligible for backup now, so an answer that denies it is a downgrade.
    let down = sign_in_with(&world, &mut passkey, says(VERIFIED)).await;
    assert_eq!(down["code"], "authentication_failed", "{down}");
    let reason = RefusalReason::PasskeyDowngraded;
    assert_eq!(world.audit.outcomes().pop(), Some(Decision::Refused(reason)));
}

#[tokio::test]
async fn a_synced_passkey_cannot_become_a_device_bound_one() {
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
    // A passkey may lose its backup and stay eligible for a backup. The refusal has not changed the stored passkey.
    let not_backed_up = sign_in_with(&world, &mut passkey, says(VERIFIED | BACKUP_ELIGIBLE)).await;
    assert_eq!(not_backed_up["success"], true, "{not_backed_up}");
}

/// Flags are stored only after the signature was verified.
#[tokio::test]
async fn a_forged_answer_does_not_mark_a_passkey_as_synced() {
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

/// Some password managers send no user handle if the page has named the user.
#[tokio::test]
async fn with_a_user_name_an_empty_user_handle_counts_as_absent() {
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

/// The client reads the same code for all faults. The audit record names the fault.
#[tokio::test]
async fn the_audit_record_of_a_refused_answer_names_its_fault() {
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

/// The client data of a native application's passkeys contains the origin of the application.
#[tokio::test]
async fn passkeys_of_an_application_are_accepted_where_its_origin_is_allowed() {
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
