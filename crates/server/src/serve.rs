//! Runs the server.
//!
//! Everything that can fail is tried before the first client can be seen, in an order in which a
//! failure leaves nothing behind: options, configuration, an existing key, the port, and only then a
//! new key. The address is printed when clients may come.

use doorward::{Listeners, ServeError, StopSignal};

use crate::{
    announce::Announcement, cli::ServeOptions, config::Config, demo, descriptors, failure::Failure,
    http, key_file::KeyFile, log, output, public_url::PublicUrl,
};

/// Runs `doorward serve`.
pub(crate) fn run(options: &ServeOptions) -> Result<(), Failure> {
    let config = Config::load(&options.place, options.listen.as_ref())?;
    log::start()?;
    descriptors::raise();
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(|error| Failure::because("cannot start", &error))?;
    runtime.block_on(serve(options, &config))
}

async fn serve(options: &ServeOptions, config: &Config) -> Result<(), Failure> {
    let key_file = KeyFile::of(&config.data_dir);
    let existing = key_file.read()?;
    let listeners =
        Listeners::bind(config.listen.as_str()).await.map_err(|error| cannot_listen(&error))?;
    let key = match existing {
        Some(key) => key,
        None => key_file.read_or_create()?,
    };

    let addresses = listeners.addresses();
    let public_url = match &config.public_url {
        Some(public_url) => public_url.clone(),
        None => PublicUrl::localhost(listeners.port()),
    };
    let doorward = demo::build(&key, config)?;
    let app = http::router(doorward.service(), &public_url, &addresses);

    // Before the address is printed: whoever reads it may want the server to stop at once.
    let stop = StopSignal::install()
        .map_err(|error| Failure::because("cannot listen to signals", &error))?;
    let announcement = Announcement {
        addresses: &addresses,
        public_url: &public_url,
        is_configured: config.public_url.is_some(),
        place: &options.place,
    };
    if let Some(hint) = announcement.hint() {
        output::complain(&hint);
    }
    if let Err(error) = output::say(&announcement.to_string()) {
        // Nobody reads it, as under some supervisors; clients find the server all the same.
        tracing::warn!(%public_url, %error, "The address could not be printed.");
    }
    doorward
        .serve_with(listeners, app, stop.received())
        .await
        .map_err(|error| Failure::because("cannot serve", &error))
}

fn cannot_listen(error: &ServeError) -> Failure {
    let text = crate::failure::causes(error);
    match error {
        ServeError::Bind { source, .. } if source.kind() == std::io::ErrorKind::AddrInUse => {
            Failure::new(format_args!(
                "{text}; is another server running? --listen HOST:PORT takes another address"
            ))
        }
        _ => Failure::new(text),
    }
}
