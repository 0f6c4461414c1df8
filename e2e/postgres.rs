//! A PostgreSQL server with an empty database, whose URL it prints. It runs until standard input ends.

use std::io::{Read as _, Write as _};

use doorward_testkit::PostgresServer;

fn main() -> Result<(), std::io::Error> {
    let server = PostgresServer::start();
    writeln!(std::io::stdout(), "{}", server.database())?;
    std::io::stdin().read_to_end(&mut Vec::new())?;
    Ok(())
}
