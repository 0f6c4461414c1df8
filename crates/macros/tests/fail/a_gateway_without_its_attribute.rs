//! Only a gateway can be mounted.

use doorward::prelude::*;

struct Chat;

impl Chat {}

fn authenticated(jwt: Jwt) {
    Doorward::builder().authenticate(jwt).gateway(Chat);
}

fn main() {}
