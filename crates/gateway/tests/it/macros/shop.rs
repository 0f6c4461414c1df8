//! One gateway twice: written with every attribute of the macros, and by hand.

use std::sync::{Arc, Mutex};

use doorward::{
    event::{EventContext, EventName, Interceptor, Next, Outcome},
    guard::{Action, guard_fn},
    prelude::*,
};
use futures_util::stream;
use serde::Serialize;
use tokio::sync::{Barrier, mpsc};

use crate::memory::Member;

/// Gateway that uses each attribute at least once.
pub(crate) struct Shop {
    /// Receives one line for each hook that runs.
    pub(crate) lines: mpsc::UnboundedSender<String>,
    /// Passed only by two handlers that run at the same time.
    pub(crate) pair: Barrier,
}

#[gateway(namespace = "/shop", concurrency = 2)]
#[guard(Role::new("member"))]
#[guard(guard_fn(is_not_team_13))]
#[intercept(Noted("gateway"))]
#[filter(out_of_stock)]
impl Shop {
    #[on_init]
    async fn init(&self, hub: Hub<Member>) -> Result<(), BoxError> {
        self.line(format!("init {}", hub.namespace()));
        Ok(())
    }

    #[on_connect]
    async fn hello(&self, connection: Socket<Member>) -> Result<(), Refusal> {
        if connection.principal().name == "eve" {
            return Err(Refusal::new("banned", "Not today"));
        }
        connection.emit_event(&Welcome { name: &connection.principal().name })?;
        self.line(format!("connect {}", connection.user().as_str()));
        Ok(())
    }

    #[on_disconnect]
    async fn bye(&self, connection: Socket<Member>, reason: DisconnectReason) {
        self.line(format!("disconnect {} {reason}", connection.user().as_str()));
    }

    #[subscribe("say")]
    #[guard(Scope::new("write"))]
    #[intercept(Noted("handler"))]
    async fn say(&self, me: Principal<Member>, Payload(text): Payload<String>) -> String {
        format!("{}: {text}", me.name)
    }

    #[subscribe("order")]
    async fn order(&self, _: Payload<u32>) -> Result<u32, OutOfStock> {
        Err(OutOfStock)
    }

    #[subscribe("reserve")]
    #[filter(|_: &OutOfStock| Exception::new("sold_out", "Come back tomorrow"))]
    async fn reserve(&self, _: Payload<u32>) -> Result<u32, OutOfStock> {
        Err(OutOfStock)
    }

    #[subscribe("notes")]
    async fn notes(&self, notes: SocketData<Notes>) -> Vec<&'static str> {
        notes.0.lock().unwrap().clone()
    }

    #[subscribe("open")]
    #[subscribe("close")]
    async fn door(self: Arc<Self>, EventName(name): EventName) -> String {
        format!("{name}!")
    }

    #[subscribe("count")]
    async fn count(&self, Payload(to): Payload<u8>) -> impl Stream<Item = u8> + use<> {
        stream::iter(1..=to)
    }

    #[subscribe("meet")]
    async fn meet(self: Arc<Self>) {
        self.pair.wait().await;
    }

    #[subscribe("join")]
    async fn join(
        &self,
        me: Socket<Member>,
        Payload(room): Payload<String>,
    ) -> Result<(), JoinError> {
        me.join(&room).await
    }

    #[room("team:{id}")]
    async fn team(&self, me: Principal<Member>, id: u64) -> bool {
        id == u64::try_from(me.name.len()).unwrap_or_default()
    }

    #[room("topic:{kind}:{name}")]
    async fn topic(&self, name: &str, connection: Socket<Member>, kind: &str) -> Verdict {
        (kind == "of" && name == connection.user().as_str()).into()
    }

    /// Method without an attribute, which the macro leaves as it is.
    fn line(&self, line: String) {
        // A test that has ended has dropped its receiver.
        drop(self.lines.send(line));
    }
}

/// Makes the same gateway without macros.
pub(crate) fn by_hand(shop: Shop) -> Gateway<Member> {
    let shop = Arc::new(shop);
    /// Lets a closure call a method of the shop.
    macro_rules! call {
        ($method:ident $(, $argument:ident: $type:ty)*) => {{
            let shop = Arc::clone(&shop);
            move |$($argument: $type),*| {
                let shop = Arc::clone(&shop);
                async move { shop.$method($($argument),*).await }
            }
        }};
    }
    let say = call!(say, me: Principal<Member>, text: Payload<String>);
    let sold_out = |_: &OutOfStock| Exception::new("sold_out", "Come back tomorrow");
    let topic = {
        let shop = Arc::clone(&shop);
        move |request: RoomRequest<Member>| {
            let (shop, connection) = (Arc::clone(&shop), request.socket().clone());
            async move { shop.topic(request.param("name"), connection, request.param("kind")).await }
        }
    };
    let team = {
        let shop = Arc::clone(&shop);
        move |request: RoomRequest<Member>| {
            let shop = Arc::clone(&shop);
            async move {
                let Some(id) = request.parse("id") else { return false };
                shop.team(request.principal(), id).await
            }
        }
    };
    Gateway::at("/shop")
        .concurrency(2)
        .guard(Role::new("member"))
        .guard(guard_fn(is_not_team_13))
        .intercept(Noted("gateway"))
        .filter(out_of_stock)
        .on_init(call!(init, hub: Hub<Member>))
        .on_connect(call!(hello, connection: Socket<Member>))
        .on_disconnect(call!(bye, connection: Socket<Member>, reason: DisconnectReason))
        .on("say", handle(say).guard(Scope::new("write")).intercept(Noted("handler")))
        .on("order", call!(order, amount: Payload<u32>))
        .on("reserve", handle(call!(reserve, amount: Payload<u32>)).filter(sold_out))
        .on("notes", call!(notes, notes: SocketData<Notes>))
        .on("open", call!(door, name: EventName))
        .on("close", call!(door, name: EventName))
        .on("count", call!(count, to: Payload<u8>))
        .on("meet", call!(meet))
        .on("join", call!(join, me: Socket<Member>, room: Payload<String>))
        .room("team:{id}", team)
        .room("topic:{kind}:{name}", topic)
}

/// Denies joining team 13 to every member.
fn is_not_team_13(context: &GuardContext<'_, Member>) -> bool {
    context.action != Action::Join("team:13")
}

#[derive(Debug, thiserror::Error)]
#[error("out of stock")]
struct OutOfStock;

fn out_of_stock(_: &OutOfStock) -> Exception {
    Exception::new("out_of_stock", "There is none left")
}

/// Socket data: the interceptors that ran.
#[derive(Default)]
struct Notes(Mutex<Vec<&'static str>>);

/// Interceptor that notes that it ran.
struct Noted(&'static str);

impl<P: Send + Sync + 'static> Interceptor<P> for Noted {
    async fn intercept(&self, context: &EventContext<'_, P>, next: Next<'_, P>) -> Outcome {
        context.socket().data::<Notes>().0.lock().unwrap().push(self.0);
        next.run(context).await
    }
}

#[derive(Serialize, ServerEvent)]
struct Welcome<'a> {
    name: &'a str,
}
