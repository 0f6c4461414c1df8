//! Accepts tokens in the formats of identity providers and NestJS, with the settings that each
//! format needs.
//!
//! The tokens follow the public documentation of the providers, and are signed with test keys. No
//! token was recorded from a real provider.

use std::{sync::LazyLock, time::Duration};

use aws_lc_rs::{
    rand::SystemRandom,
    rsa::KeySize,
    signature::{KeyPair as _, RSA_PKCS1_SHA256, RsaKeyPair},
};
use doorward_auth::{HasUserId as _, Jwt, KeySet, Preset};
use doorward_core::{HasRoles as _, HasScopes as _};
use serde_json::{Value, json};

use crate::forge::{
    AnySigner, NOW, accepted, base64url, fault, hmac, jwt, signed, token, with_signature,
};

/// Key pair of every provider in these tests.
static KEY: LazyLock<RsaKeyPair> =
    LazyLock::new(|| RsaKeyPair::generate(KeySize::Rsa2048).unwrap());

/// Returns the public half of [`KEY`] as a JWK with additional members.
fn jwk(members: &Value) -> Value {
    let public = KEY.public_key();
    let mut jwk = members.clone();
    jwk["kty"] = json!("RSA");
    jwk["n"] = json!(base64url(public.modulus().big_endian_without_leading_zero()));
    jwk["e"] = json!(base64url(public.exponent().big_endian_without_leading_zero()));
    jwk
}

/// Returns a key set with the public half of [`KEY`].
fn jwks(members: &Value) -> String {
    json!({ "keys": [jwk(members)] }).to_string()
}

fn rs256(header: &Value, claims: &Value) -> String {
    let signed = signed(&header.to_string(), &claims.to_string());
    let mut signature = vec![0; KEY.public_modulus_len()];
    KEY.sign(&RSA_PKCS1_SHA256, &SystemRandom::new(), signed.as_bytes(), &mut signature).unwrap();
    with_signature(&signed, &signature)
}

/// Returns `claims` with the claims of `more` added or replaced.
fn merge(claims: &Value, more: &Value) -> Value {
    let mut claims = claims.clone();
    for (name, value) in more.as_object().unwrap() {
        claims[name] = value.clone();
    }
    claims
}

fn without(claims: &Value, name: &str) -> Value {
    let mut claims = claims.clone();
    claims.as_object_mut().unwrap().remove(name);
    claims
}

/// <https://auth0.com/docs/secure/tokens/access-tokens/access-token-profiles>
#[test]
fn auth0_signs_access_tokens_that_are_accepted() {
    let header = |typ: &str| json!({"alg": "RS256", "typ": typ, "kid": "NjVBRjY5MDlCMUIwNzU4"});
    let claims = json!({
        "iss": "https://example.eu.auth0.com/",
        "sub": "auth0|65f1c0ffee65f1c0ffee65f1",
        "aud": ["https://api.example.com", "https://example.eu.auth0.com/userinfo"],
        "iat": NOW, "exp": NOW + 86_400,
        "azp": "my_client_id", "scope": "openid profile", "permissions": ["read:chat"],
    });
    let jwks =
        jwks(&json!({"kid": "NjVBRjY5MDlCMUIwNzU4", "use": "sig", "alg": "RS256", "x5t": "a"}));
    let bound = |issuer: &str| {
        Jwt::key_set(KeySet::from_jwks(&jwks).unwrap())
            .bound_to(issuer, "https://api.example.com")
            .preset(Preset::Auth0)
    };
    let jwt = bound("https://example.eu.auth0.com/");

    // The two profiles of access tokens differ in their type.
    for typ in ["JWT", "at+jwt"] {
        let claims = accepted(&jwt, &rs256(&header(typ), &claims));
        assert_eq!(claims.subject(), "auth0|65f1c0ffee65f1c0ffee65f1");
        // `scope` is what the application asked for, `permissions` what the user may do.
        assert!(claims.has_scope("profile") && !claims.has_scope("read:chat"));
        assert!(claims.has_role("read:chat") && !claims.has_role("read"));
    }
    // The issuer has a slash at its end.
    let without_slash = bound("https://example.eu.auth0.com");
    let token = rs256(&header("JWT"), &claims);
    assert_eq!(fault(&without_slash, &token).unwrap(), "claim iss: mismatch");
    // An ID token is for the client, and APIs must not accept it.
    let id_token = merge(&claims, &json!({"aud": "my_client_id", "nonce": "n"}));
    assert_eq!(fault(&jwt, &rs256(&header("JWT"), &id_token)).unwrap(), "claim aud: mismatch");
    // Even if the client id is configured as the audience.
    let by_client = bound("https://example.eu.auth0.com/").audience("my_client_id");
    assert_eq!(
        fault(&by_client, &rs256(&header("JWT"), &id_token)).unwrap(),
        "claim nonce: not_allowed"
    );
    let anonymous = without(&without(&id_token, "nonce"), "azp");
    assert_eq!(
        fault(&by_client, &rs256(&header("JWT"), &anonymous)).unwrap(),
        "claim azp: missing"
    );
}

/// <https://www.keycloak.org/docs/latest/server_admin/#_audience>
#[test]
fn keycloak_signs_access_tokens_that_are_accepted_once_they_name_an_audience() {
    let header = json!({"alg": "RS256", "typ": "JWT", "kid": "FJ86GcF3jTbNLOco4NvZkUCIUmfY"});
    let claims = json!({
        "exp": NOW + 300, "iat": NOW, "auth_time": NOW - 20,
        "jti": "onrtac:93f6a1f2-6b3c-4b1a-9a0e-5f1a2b3c4d5e",
        "iss": "https://sso.example.com/realms/demo", "aud": "account",
        "sub": "f5d1e5a4-0b1c-4a5e-8b51-2f5e6c7d8e9f", "typ": "Bearer", "azp": "chat",
        "sid": "9cb4a8a1-6c5b-4b2d-8f19-1a2b3c4d5e6f", "acr": "1",
        "allowed-origins": ["https://chat.example.com"],
        "realm_access": {"roles": ["offline_access", "user"]},
        "resource_access": {"account": {"roles": ["view-profile"]}},
        "scope": "openid profile email", "preferred_username": "alice", "email_verified": true,
    });
    // Each realm publishes a key for encryption in the same set.
    let jwks = json!({"keys": [
        jwk(&json!({"kid": "enc", "use": "enc", "alg": "RSA-OAEP"})),
        jwk(&json!({"kid": "FJ86GcF3jTbNLOco4NvZkUCIUmfY", "use": "sig", "alg": "RS256"})),
    ]});
    let jwt = Jwt::key_set(KeySet::from_jwks(&jwks.to_string()).unwrap())
        .bound_to("https://sso.example.com/realms/demo", "chat")
        .preset(Preset::Keycloak);

    // Without an audience mapper the audience of every token is "account".
    assert_eq!(fault(&jwt, &rs256(&header, &claims)).unwrap(), "claim aud: mismatch");
    let mapped = merge(&claims, &json!({"aud": ["chat", "account"]}));
    let claims = accepted(&jwt, &rs256(&header, &mapped));
    assert_eq!(claims.subject(), "f5d1e5a4-0b1c-4a5e-8b51-2f5e6c7d8e9f");
    assert!(claims.has_role("user") && !claims.has_role("view-profile"));
    assert!(claims.has_scope("profile"));
    // An ID token has the same type in its header.
    let id_token = merge(&mapped, &json!({"typ": "ID", "aud": "chat"}));
    assert_eq!(fault(&jwt, &rs256(&header, &id_token)).unwrap(), "claim typ: mismatch");
    // A refresh token is signed with a secret that only Keycloak has.
    let refresh = json!({"alg": "HS512", "typ": "JWT", "kid": "b8cde6d3"}).to_string();
    let refresh = hmac(b"a secret that only Keycloak has", &refresh, &mapped.to_string());
    assert_eq!(fault(&jwt, &refresh).unwrap(), "token_header kid: unknown");
}

/// <https://learn.microsoft.com/entra/identity-platform/access-token-claims-reference>
#[test]
fn entra_id_signs_access_tokens_that_are_accepted_with_an_algorithm_for_its_keys() {
    let header = json!({"typ": "JWT", "alg": "RS256", "kid": "imnaR1bQ2f3Jb9m0yOcQ8B3sEYw"});
    let (tenant, client) =
        ("aaaabbbb-0000-cccc-1111-dddd2222eeee", "00001111-aaaa-2222-bbbb-3333cccc4444");
    let issuer = format!("https://login.microsoftonline.com/{tenant}/v2.0");
    let claims = json!({
        "aud": client, "iss": issuer, "iat": NOW - 300, "nbf": NOW - 300, "exp": NOW + 4_400,
        "aio": "AXQAi/8IAAAA", "azp": "22223333-cccc-4444-dddd-5555eeee6666", "azpacr": "0",
        "name": "Alice Example", "oid": "690222be-ff1a-4d56-abd1-7e4f7d38e474",
        "preferred_username": "alice@contoso.com", "rh": "I", "scp": "access_as_user",
        "sid": "002012dd-fa25-b1cc-5b8f-6d1c6e2c6f1a",
        "sub": "HKZpfaHyWadeOouYlitjrI-KffTm222X5rrV3xDqfKQ", "tid": tenant,
        "uti": "fqiBqXLPj0eQa82S-IYFAA", "ver": "2.0",
    });
    // The keys of Entra ID have no `alg`.
    let jwks = jwks(&json!({
        "use": "sig", "kid": "imnaR1bQ2f3Jb9m0yOcQ8B3sEYw", "x5t": "imnaR1bQ2f3Jb9m0yOcQ8B3sEYw",
        "x5c": ["MIIC"], "cloud_instance_name": "microsoftonline.com", "issuer": issuer,
    }));
    let algorithm = Preset::EntraId.rsa_algorithm().unwrap();
    let keys = KeySet::from_jwks_for(&jwks, algorithm).unwrap();
    let plain = Jwt::key_set(keys).bound_to(issuer, client);
    let jwt = plain.clone().preset(Preset::EntraId);

    assert!(KeySet::from_jwks(&jwks).is_err());
    let token = rs256(&header, &claims);
    // `sub` differs between applications, but `oid` identifies the user in the whole tenant.
    let by_sub = accepted(&plain, &token).subject().to_owned();
    assert_eq!(by_sub, "HKZpfaHyWadeOouYlitjrI-KffTm222X5rrV3xDqfKQ");
    let claims_read = accepted(&jwt, &token);
    assert_eq!(claims_read.subject(), "690222be-ff1a-4d56-abd1-7e4f7d38e474");
    assert!(claims_read.has_scope("access_as_user"));
    // An ID token may have the same audience, the same type, and even roles.
    let id_token = merge(&claims, &json!({"roles": ["admin"], "nonce": "n"}));
    let id_token = without(&without(&id_token, "scp"), "azp");
    assert_eq!(fault(&plain, &rs256(&header, &id_token)), None);
    assert_eq!(fault(&jwt, &rs256(&header, &id_token)).unwrap(), "claim azp: missing");
    // An application registered for version 1 gets tokens of another issuer.
    let v1 =
        merge(&claims, &json!({"iss": format!("https://sts.windows.net/{tenant}/"), "ver": "1.0"}));
    assert_eq!(fault(&jwt, &rs256(&header, &v1)).unwrap(), "claim iss: mismatch");
}

/// <https://docs.aws.amazon.com/cognito/latest/developerguide/amazon-cognito-user-pools-using-the-access-token.html>
#[test]
fn cognito_signs_access_tokens_whose_audience_is_the_client() {
    let header = json!({"kid": "abcdefghijklmnopqrsexample=", "alg": "RS256"});
    let issuer = "https://cognito-idp.eu-central-1.amazonaws.com/eu-central-1_Example01";
    let claims = json!({
        "sub": "aaaaaaaa-bbbb-cccc-dddd-eeeeeeeeeeee", "cognito:groups": ["chat"],
        "iss": issuer, "version": 2, "client_id": "57cbishk4j24pabc1234567890",
        "origin_jti": "4ccb3f1e-0a51-4bd8-a2b4-5d6e7f8a9b0c",
        "event_id": "64f513be-32db-42b0-b78e-b02127b4f463", "token_use": "access",
        "scope": "openid email", "auth_time": NOW - 20, "exp": NOW + 3_600, "iat": NOW,
        "jti": "e5c0a3a6-9d0c-4b7c-9d4e-1f2a3b4c5d6e", "username": "alice",
    });
    let jwks = jwks(&json!({"alg": "RS256", "kid": "abcdefghijklmnopqrsexample=", "use": "sig"}));
    let keys = || Jwt::key_set(KeySet::from_jwks(&jwks).unwrap());
    let jwt = keys().bound_to(issuer, "57cbishk4j24pabc1234567890").preset(Preset::Cognito);

    let token = rs256(&header, &claims);
    let good = accepted(&jwt, &token);
    assert_eq!(good.subject(), "aaaaaaaa-bbbb-cccc-dddd-eeeeeeeeeeee");
    assert!(good.has_role("chat") && good.has_scope("email"));
    // All tokens of a sign-in have the same origin.
    assert_eq!(good.session_id().unwrap().as_str(), "4ccb3f1e-0a51-4bd8-a2b4-5d6e7f8a9b0c");
    let other = rs256(&header, &merge(&claims, &json!({"client_id": "1example23456789"})));
    assert_eq!(fault(&jwt, &other).unwrap(), "claim client_id: mismatch");
    let id_token = merge(&claims, &json!({"token_use": "id", "aud": "57cbishk4j24pabc1234567890"}));
    let id_token = without(&id_token, "client_id");
    assert_eq!(fault(&jwt, &rs256(&header, &id_token)).unwrap(), "claim client_id: missing");
    let id_token = merge(&id_token, &json!({"client_id": "57cbishk4j24pabc1234567890"}));
    assert_eq!(fault(&jwt, &rs256(&header, &id_token)).unwrap(), "claim token_use: mismatch");
    let for_a_resource =
        rs256(&header, &merge(&claims, &json!({"aud": "https://api.example.com"})));
    assert_eq!(fault(&jwt, &for_a_resource).unwrap(), "claim aud: not_allowed");
    // Two applications, such as one for browsers and one for phones.
    assert_eq!(fault(&jwt.audience("1example23456789"), &other), None);
}

/// <https://firebase.google.com/docs/auth/admin/verify-id-tokens#verify_id_tokens_using_a_third-party_jwt_library>
#[test]
fn firebase_signs_id_tokens_that_are_accepted() {
    let header = json!({"alg": "RS256", "kid": "de955d4e9c9d3b0f1a2b", "typ": "JWT"});
    let claims = json!({
        "name": "Alice Example", "picture": "https://example.com/alice.png",
        "iss": "https://securetoken.google.com/demo-project", "aud": "demo-project",
        "auth_time": NOW - 60, "user_id": "BF5pRRQJ0oMvDfEUCoqWwpIqWVw1",
        "sub": "BF5pRRQJ0oMvDfEUCoqWwpIqWVw1", "iat": NOW, "exp": NOW + 3_600,
        "email": "alice@example.com", "email_verified": true,
        "firebase": {
            "identities": {"google.com": ["113"], "email": ["alice@example.com"]},
            "sign_in_provider": "google.com",
        },
    });
    let jwks = jwks(&json!({"alg": "RS256", "kid": "de955d4e9c9d3b0f1a2b", "use": "sig"}));
    let jwt = Jwt::key_set(KeySet::from_jwks(&jwks).unwrap())
        .bound_to("https://securetoken.google.com/demo-project", "demo-project")
        .preset(Preset::Firebase);

    let good = accepted(&jwt, &rs256(&header, &claims));

    assert_eq!(good.subject(), "BF5pRRQJ0oMvDfEUCoqWwpIqWVw1");
    assert!(good.signed_in_at().is_some());
    let of_a_tenant =
        merge(&claims, &json!({"firebase": {"tenant": "eu", "sign_in_provider": "password"}}));
    assert_eq!(
        fault(&jwt, &rs256(&header, &of_a_tenant)).unwrap(),
        "claim firebase.tenant: not_allowed"
    );
    let other =
        merge(&claims, &json!({"aud": "other", "iss": "https://securetoken.google.com/other"}));
    assert_eq!(fault(&jwt, &rs256(&header, &other)).unwrap(), "claim iss: mismatch");
}

/// <https://developer.okta.com/docs/api/openapi/okta-oauth/guides/overview/#access-token>
#[test]
fn okta_signs_access_tokens_that_are_accepted() {
    let header = json!({"alg": "RS256", "kid": "45js03w0djwedsw"});
    let claims = json!({
        "ver": 1, "jti": "AT.0mP4JKAZX1iACIT4vbEDF7LpvDVjxypPMf0D7uX39RE",
        "iss": "https://example.okta.com/oauth2/default", "aud": "api://default",
        "iat": NOW, "exp": NOW + 3_600, "cid": "nmdP1fcyvdVO11AL7ECm", "uid": "00ujmkLgagxeRrAg20g3",
        "scp": ["openid", "chat"], "auth_time": NOW - 60, "sub": "alice@example.com",
        "groups": ["Everyone"],
    });
    let jwks = jwks(&json!({"alg": "RS256", "kid": "45js03w0djwedsw", "use": "sig"}));
    let plain = Jwt::key_set(KeySet::from_jwks(&jwks).unwrap())
        .bound_to("https://example.okta.com/oauth2/default", "api://default");
    let jwt = plain.clone().preset(Preset::Okta);

    let token = rs256(&header, &claims);
    assert_eq!(accepted(&plain, &token).subject(), "alice@example.com");
    // A login may be given to another person later, but a `uid` is never reused.
    let good = accepted(&jwt, &token);
    assert_eq!(good.subject(), "00ujmkLgagxeRrAg20g3");
    assert!(good.has_scope("chat") && good.has_role("Everyone"));
    // Tokens of a service have no `uid`.
    let service = rs256(&header, &without(&claims, "uid"));
    assert_eq!(fault(&jwt, &service).unwrap(), "claim uid: missing");
    let by_client = jwt.clone().user_claim("cid");
    assert_eq!(accepted(&by_client, &service).user_id().as_str(), "nmdP1fcyvdVO11AL7ECm");
    // ID tokens have neither.
    let id_token = without(&without(&claims, "cid"), "uid");
    assert_eq!(fault(&jwt, &rs256(&header, &id_token)).unwrap(), "claim uid: missing");
    let by_sub = jwt.user_claim("sub");
    assert_eq!(fault(&by_sub, &rs256(&header, &id_token)).unwrap(), "claim cid: missing");
}

/// <https://supabase.com/docs/guides/auth/jwt-fields>
#[test]
fn supabase_signs_access_tokens_of_signed_in_users_that_are_accepted() {
    let key = AnySigner::generate();
    let header = json!({"alg": "ES256", "kid": "b1e1c2d3", "typ": "JWT"}).to_string();
    let issuer = "https://abcdefghijklmnopqrst.supabase.co/auth/v1";
    let claims = json!({
        "iss": issuer, "sub": "123e4567-e89b-12d3-a456-426614174000", "aud": "authenticated",
        "exp": NOW + 3_600, "iat": NOW, "email": "alice@example.com", "phone": "",
        "app_metadata": {"provider": "email", "providers": ["email"], "roles": ["moderator"]},
        "user_metadata": {"name": "Alice"}, "role": "authenticated", "aal": "aal1",
        "amr": [{"method": "password", "timestamp": NOW - 60}],
        "session_id": "2b7f7e3c-1c1e-4d6e-9f2f-6f0d7a1b2c3d", "is_anonymous": false,
    });
    let jwks = json!({ "keys": [crate::key_set::jwk(&key, "b1e1c2d3")] }).to_string();
    let jwt = Jwt::key_set(KeySet::from_jwks(&jwks).unwrap())
        .bound_to(issuer, "authenticated")
        .preset(Preset::Supabase);

    let good = accepted(&jwt, &key.token(&header, &claims.to_string()));
    assert_eq!(good.subject(), "123e4567-e89b-12d3-a456-426614174000");
    assert_eq!(good.session_id().unwrap().as_str(), "2b7f7e3c-1c1e-4d6e-9f2f-6f0d7a1b2c3d");
    // Roles that the user cannot change.
    assert!(good.has_role("moderator") && !good.has_role("authenticated"));
    let of_an_application = merge(&claims, &json!({"client_id": "third-party"})).to_string();
    let denied = fault(&jwt, &key.token(&header, &of_an_application)).unwrap();
    assert_eq!(denied, "claim client_id: not_allowed");
    // Other roles of the database, such as that of the project's own keys.
    for role in ["anon", "service_role"] {
        let project = merge(&claims, &json!({ "role": role })).to_string();
        assert_eq!(fault(&jwt, &key.token(&header, &project)).unwrap(), "claim role: mismatch");
    }
}

/// Every preset has a row that its test uses, and the names of settings are unique.
#[test]
fn presets_have_different_names() {
    let names: std::collections::HashSet<_> = Preset::ALL.iter().map(|(name, _)| name).collect();

    assert_eq!(names.len(), Preset::ALL.len());
}

/// `JwtService` of `@nestjs/jwt` uses the defaults of `jsonwebtoken`, which are HS256, `typ` and
/// `iat`. <https://docs.nestjs.com/security/authentication>
#[test]
fn nestjs_signs_tokens_of_many_forms_and_each_has_its_setting() {
    let nest = |claims: Value| token(&claims.to_string());
    let (day, week) = (86_400, 7 * 86_400);

    // `sign({ sub: user.userId, username })` with `expiresIn: '60s'`, and with a number from a database.
    for sub in [json!("1"), json!(1)] {
        let plain = nest(json!({"sub": sub, "username": "john", "iat": NOW, "exp": NOW + 60}));
        assert_eq!(accepted(&jwt(), &plain).subject(), "1");
    }
    // `sign({ userId })`.
    let by_user_id = nest(json!({"userId": 7, "iat": NOW, "exp": NOW + day}));
    assert_eq!(fault(&jwt(), &by_user_id).unwrap(), "claim sub: missing");
    assert_eq!(accepted(&jwt().user_claim("userId"), &by_user_id).subject(), "7");
    // `expiresIn: '7d'`.
    let of_a_week = nest(json!({"sub": 1, "iat": NOW, "exp": NOW + week}));
    assert_eq!(fault(&jwt(), &of_a_week).unwrap(), "claim exp: too_long");
    let lasting = jwt().max_lifetime(Duration::from_hours(7 * 24));
    assert_eq!(fault(&lasting, &of_a_week), None);
    // No `expiresIn`.
    let endless = nest(json!({"sub": 1, "iat": NOW}));
    assert_eq!(fault(&lasting, &endless).unwrap(), "claim exp: missing");
    assert_eq!(fault(&lasting.danger_without_exp(), &endless), None);
    // `auth: { token: `Bearer ${token}` }`.
    let bearer = format!("Bearer {by_user_id}");
    let jwt = jwt().user_claim("userId");
    assert_eq!(fault(&jwt, &bearer).unwrap(), "member auth.token: prefixed");
    assert_eq!(fault(&jwt.bearer(), &bearer), None);
}
