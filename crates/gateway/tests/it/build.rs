//! Errors of `build`, and the policy table of a server.

use doorward::{PerUser, prelude::*, server::BuildError};

const SECRET: &str = "a secret of at least 32 bytes ...";

/// Builds a server of public gateways.
fn build(gateways: impl IntoIterator<Item = Gateway<Anonymous>>) -> Result<Doorward, BuildError> {
    gateways
        .into_iter()
        .fold(Doorward::builder(), |builder, gateway| builder.public(gateway))
        .build()
}

#[test]
fn gateways_of_one_namespace_must_agree() {
    let of = |limit| Gateway::at("/").concurrency(limit);

    let conflict = build([of(2), of(3)]).unwrap_err();

    assert_eq!(
        conflict.to_string(),
        "the gateways of namespace / set concurrency to different values: set it once"
    );
    assert!(build([of(2), of(2), Gateway::at("/")]).is_ok());
    assert!(build([of(2), Gateway::at("/other").concurrency(3)]).is_ok());
    assert!(matches!(build([of(0)]), Err(BuildError::Concurrency { .. })));
}

#[test]
fn a_connection_policy_of_a_namespace_is_stated_once_and_only_for_users() {
    let member = || Doorward::builder().authenticate(Jwt::hs256(SECRET).unwrap());
    fn of<P: Send + Sync + 'static>(policy: PerUser) -> Gateway<P> {
        Gateway::at("/").connections(policy)
    }

    let agreed = member().gateway(of(PerUser::RefuseNew(1))).gateway(of(PerUser::RefuseNew(1)));
    let conflict = member().gateway(of(PerUser::RefuseNew(1))).gateway(of(PerUser::RefuseNew(2)));
    let public = build([of(PerUser::RefuseNew(1))]).unwrap_err();

    assert!(agreed.build().is_ok());
    let conflict = conflict.build().unwrap_err().to_string();
    assert_eq!(
        conflict,
        "the gateways of namespace / set connections to different values: set it once"
    );
    assert_eq!(
        public.to_string(),
        "namespace / is public, so its clients have no user whose connections could be counted: \
         remove .connections(..)"
    );
}

#[test]
fn an_event_has_one_handler_and_a_room_pattern_one_policy() {
    let on = || Gateway::at("/").on("x", || async {});
    let room = || Gateway::at("/").room("r{n}", |_| async { true });

    assert!(matches!(build([on(), on()]), Err(BuildError::DuplicateEvent { .. })));
    assert!(matches!(build([room(), room()]), Err(BuildError::DuplicateRoom { .. })));
}

#[test]
fn an_invalid_room_pattern_does_not_build() {
    for pattern in ["", "{id}", "team:{", "team:{}", "user:{id}", "a{b}{c}", "a}"] {
        let gateway = Gateway::at("/").room(pattern, |_| async { true });

        let error = build([gateway]).unwrap_err();

        assert!(matches!(error, BuildError::RoomPattern { .. }), "{pattern}");
    }
}

#[test]
fn a_namespace_is_either_public_or_private() {
    let jwt = Jwt::hs256(SECRET).unwrap();

    let mixed = Doorward::builder()
        .authenticate(jwt)
        .gateway(Gateway::at("/"))
        .public(Gateway::at("/"))
        .build();

    assert!(matches!(mixed, Err(BuildError::MixedNamespace { .. })));
}

#[test]
fn the_policy_table_lists_the_policies_of_each_namespace() {
    let doorward = Doorward::builder()
        .authenticate(Jwt::hs256(SECRET).unwrap())
        .guard(Role::new("member"))
        .gateway(
            Gateway::at("/chat")
                .guard(Scope::new("chat"))
                .concurrency(4)
                .connections(PerUser::ReplaceOldest(1))
                .room("team:{id}", |_| async { true })
                .room("lobby", |_| async { true })
                .on("say", || async {})
                .on("ban", handle(|| async {}).guard(doorward::guard::not(Role::new("guest")))),
        )
        .public(Gateway::at("/status"))
        .build()
        .unwrap();

    let expected = "\
namespace /chat
  authenticator  Jwt
  guards         role member, scope chat
  events         ban  role member, scope chat, not role guest
                 say  role member, scope chat
  rooms          team:{id}, lobby
  concurrency    4
  connections    1 per user, one more replaces the oldest

namespace /status
  authenticator  none (public)
  guards         none
  events         none
  rooms          none
";
    assert_eq!(doorward.policy().to_string(), expected);
}
