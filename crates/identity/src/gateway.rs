//! Gateway of the namespace `/auth`, with which users sign up and sign in over a socket.
//!
//! Anonymous clients may connect, so the limits for unauthenticated links apply. Each event is answered once. The
//! answer is the ack if the client has asked for one, and an event otherwise. Start reading at [`SignInGateway`].

use std::sync::Arc;

use doorward::{
    Ack, Exception, Payload, Socket,
    auth::Anonymous,
    event::{EventContext, FromEvent},
    gateway,
};
use serde::de::DeserializeOwned;
use serde_json::value::RawValue;

use crate::{
    client::{Binding, Client},
    service::Service,
    wire::{Reply, Result, SignInCode},
};

/// Gateway that signs anonymous clients up and in.
pub(crate) struct SignInGateway(pub(crate) Arc<Service>);

#[gateway(namespace = "/auth")]
impl SignInGateway {
    #[subscribe("webauthn:register")]
    async fn begin_sign_up(&self, asked: Asked) {
        let reply = async { self.0.begin_sign_up(&asked.client, asked.read()?).await }.await;
        asked.answer(REGISTERED, reply);
    }

    #[subscribe("webauthn:register:verify")]
    async fn finish_sign_up(&self, asked: Asked) {
        let reply = async { self.0.finish_sign_up(&asked.client, asked.read()?).await }.await;
        asked.answer(REGISTERED, reply);
    }

    #[subscribe("webauthn:authenticate")]
    async fn begin_sign_in(&self, asked: Asked) {
        let reply = async { self.0.begin_sign_in(&asked.client, asked.read()?).await }.await;
        asked.answer(AUTHENTICATED, reply);
    }

    #[subscribe("webauthn:authenticate:verify")]
    async fn finish_sign_in(&self, asked: Asked) {
        let reply = async { self.0.finish_sign_in(&asked.client, asked.read()?).await }.await;
        asked.answer(AUTHENTICATED, reply);
    }

    #[on_disconnect]
    async fn leave(&self, connection: Socket<Anonymous>) {
        let binding = Binding::Socket(connection.id());
        self.0.registrations.forget(binding);
        self.0.authentications.forget(binding);
    }
}

/// Event of a client, with its payload and its ack.
struct Asked {
    client: Client,
    payload: Box<RawValue>,
    connection: Socket<Anonymous>,
    ack: Ack<Reply>,
}

impl Asked {
    fn read<T: DeserializeOwned>(&self) -> Result<T> {
        let read = serde_json::from_str(self.payload.get());
        read.map_err(|_malformed| SignInCode::BadRequest.into())
    }

    fn answer(self, event: &'static str, reply: Result<Reply>) {
        let reply = Reply::from(reply);
        if !self.ack.is_asked() {
            // A client that has disconnected or does not read its packets does not receive the answer.
            self.connection.emit(event, &reply).ok();
        }
        self.ack.send(reply);
    }
}

impl FromEvent<Anonymous> for Asked {
    fn from_event(context: &EventContext<'_, Anonymous>) -> Result<Self, Exception> {
        let connection = context.socket().clone();
        let Payload(payload) = Payload::from_event(context)?;
        let request = connection.request();
        let address = request.peer().map(|peer| peer.ip());
        let binding = Binding::Socket(connection.id());
        let mut client = Client::new(binding, address, request.headers());
        client.namespace = Some(NAMESPACE);
        Ok(Self { client, payload, ack: Ack::from_event(context)?, connection })
    }
}

const NAMESPACE: &str = "/auth";

/// Names of the events that answer clients that did not ask for an ack.
const REGISTERED: &str = "webauthn:register:response";
const AUTHENTICATED: &str = "webauthn:authenticate:response";
