//! The command line.

use std::fmt::Write as _;
use std::io::{self, Write as _};
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context, Result};
use chime_domain::arn::AppInstanceArn;
use chime_server::Demo;
use chime_server::archive;
use chime_server::backup;
use chime_server::boot::{self, Endpoints};
use chime_server::config::{self, Config};
use chime_server::explain::Question;
use clap::{Args, Parser, Subcommand};
use mimalloc::MiMalloc;
use tokio::signal::unix::{SignalKind, signal};

#[global_allocator]
static ALLOCATOR: MiMalloc = MiMalloc;

/// How long what still runs may hold up the end of the process.
const LAST_WAIT: Duration = Duration::from_millis(200);

/// An open server for Amazon Chime SDK clients. Independent; not affiliated with or endorsed by AWS.
#[derive(Parser)]
#[command(name = "chime-server", version, arg_required_else_help = true)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Serve until SIGTERM or SIGINT; the first lets requests finish, the second does not.
    Serve(Settings),
    /// Look at the configuration.
    #[command(subcommand)]
    Config(ConfigCommand),
    /// Copy the state as of one moment into a new directory; servers may serve meanwhile.
    Backup {
        #[command(flatten)]
        settings: Settings,
        /// The directory, which must not exist.
        #[arg(long, value_name = "DIR")]
        to: PathBuf,
    },
    /// Make a data directory, and the state in an empty database, from a backup of any kind of database.
    Restore {
        #[command(flatten)]
        settings: Settings,
        /// The backup.
        #[arg(long, value_name = "DIR")]
        from: PathBuf,
    },
    /// Check the database, or a backup, and print the hash of the state that it holds.
    Verify {
        #[command(flatten)]
        settings: Settings,
        /// The backup, if not the database.
        #[arg(long, value_name = "DIR")]
        backup: Option<PathBuf>,
    },
    /// Write one app instance as of one moment into a new file; servers may serve meanwhile.
    ExportAppInstance {
        #[command(flatten)]
        settings: Settings,
        /// Which.
        #[arg(long, value_name = "ARN")]
        app_instance: String,
        /// The file, which must not exist.
        #[arg(long, value_name = "FILE")]
        to: PathBuf,
    },
    /// Add the app instance of such a file to the database, whole or not at all; no server may use a SQLite one.
    ImportAppInstance {
        #[command(flatten)]
        settings: Settings,
        /// The file.
        #[arg(long, value_name = "FILE")]
        from: PathBuf,
    },
    /// Print why a request is allowed or denied: policy statements, role, table row, verdict.
    ///
    /// Ends with 0 when it is allowed, 1 when it is denied, 2 when there is no answer.
    Explain {
        #[command(flatten)]
        settings: Settings,
        #[command(flatten)]
        asked: Asked,
    },
}

/// What `explain` explains.
#[derive(Args)]
struct Asked {
    /// Who signs: an access key id, the ARN of an IAM user or role, or `root`.
    #[arg(long, value_name = "WHO")]
    principal: String,
    /// The action as policies name it, such as chime:UpdateChannel.
    #[arg(long)]
    action: String,
    /// What it is done to; may be given several times.
    #[arg(long = "resource", value_name = "ARN")]
    resources: Vec<String>,
    /// The app instance user that acts, as x-amz-chime-bearer names it.
    #[arg(long = "as", value_name = "USER ARN")]
    acting: Option<String>,
    /// The app instance user that it is done to: the member, moderator or banned user.
    #[arg(long, value_name = "USER ARN")]
    target: Option<String>,
    /// The message is the acting user's own.
    #[arg(long)]
    own_message: bool,
    /// A tag of the session; may be given several times.
    #[arg(long = "tag", value_name = "KEY=VALUE", value_parser = tag)]
    tags: Vec<(String, String)>,
}

fn tag(text: &str) -> Result<(String, String), &'static str> {
    let (key, value) = text.split_once('=').ok_or("expected KEY=VALUE")?;
    Ok((key.to_owned(), value.to_owned()))
}

impl From<Asked> for Question {
    fn from(asked: Asked) -> Self {
        let Asked { principal, action, resources, acting, target, own_message, tags } = asked;
        let tags = tags.into_iter().collect();
        Self { principal, action, resources, acting, target, own_message, tags }
    }
}

#[derive(Subcommand)]
enum ConfigCommand {
    /// Read it as `serve` would, and say what is wrong.
    Check(Settings),
    /// Print a JSON Schema of the file.
    Schema,
    /// Print every setting with its value and where that came from.
    Explain(Settings),
}

/// Settings that are often given on the command line; each can come from the environment or the file too.
#[derive(Args)]
struct Settings {
    /// Directory of the root credentials, the TLS authority and the database.
    #[arg(long, value_name = "DIR")]
    data_dir: Option<String>,
    /// Address of the plain listener; port 0 takes a free one.
    #[arg(long, value_name = "ADDR:PORT")]
    http_listen: Option<String>,
    /// Address of the TLS listener; port 0 takes a free one.
    #[arg(long, value_name = "ADDR:PORT")]
    https_listen: Option<String>,
    /// `memory:`, `sqlite:PATH` or `postgres://…`; one with a password is better given as CHIME_DATABASE.
    #[arg(long, value_name = "URL")]
    database: Option<String>,
    /// The bus between servers on one Postgres database; several servers of the bus are separated by commas.
    #[arg(long, value_name = "URL")]
    nats: Option<String>,
    /// `notify`: servers on one Postgres database, without a bus.
    #[arg(long, value_name = "HOW")]
    cluster: Option<String>,
    /// Name that clients use.
    #[arg(long, value_name = "NAME")]
    public_host: Option<String>,
    /// UDP and TCP address of the media of meetings.
    #[arg(long, value_name = "ADDR:PORT")]
    media_listen: Option<String>,
    /// Address at which clients reach the media.
    #[arg(long, value_name = "ADDR")]
    media_public: Option<String>,
    /// TOML file with further settings.
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Add /_chime/clock, by which anybody can move the time forwards.
    #[arg(long)]
    test_clock: bool,
}

impl Settings {
    fn read(self) -> Result<Config> {
        let flags = [
            ("--data-dir", "data_dir", self.data_dir),
            ("--http-listen", "http_listen", self.http_listen),
            ("--https-listen", "https_listen", self.https_listen),
            ("--database", "database", self.database),
            ("--nats", "nats", self.nats),
            ("--cluster", "cluster", self.cluster),
            ("--public-host", "public_host", self.public_host),
            ("--media-listen", "media_listen", self.media_listen),
            ("--media-public", "media_public", self.media_public),
            ("--test-clock", "test_clock", self.test_clock.then(|| "true".to_owned())),
        ];
        let flags: Vec<_> =
            flags.into_iter().filter_map(|(flag, key, value)| Some((flag, key, value?))).collect();
        Ok(Config::read(&flags, self.config.as_deref())?)
    }
}

fn main() -> ExitCode {
    let command = Cli::parse().command;
    // The failure of a question must not look like the answer "denied".
    let failure = if matches!(command, Command::Explain { .. }) { 2 } else { 1 };
    run(command).unwrap_or_else(|error| {
        let _ = writeln!(io::stderr(), "chime-server: {error:#}");
        ExitCode::from(failure)
    })
}

fn run(command: Command) -> Result<ExitCode> {
    match command {
        Command::Serve(settings) => serve(&settings.read()?)?,
        Command::Config(ConfigCommand::Check(settings)) => {
            settings.read()?;
            print("the configuration is good\n")?;
        }
        Command::Config(ConfigCommand::Schema) => print(&(config::schema() + "\n"))?,
        Command::Config(ConfigCommand::Explain(settings)) => print(&config::explain(&settings.read()?))?,
        Command::Backup { settings, to } => state(backup::backup(&settings.read()?, &to)?)?,
        Command::Restore { settings, from } => state(backup::restore(&settings.read()?, &from)?)?,
        Command::Verify { settings, backup } => state(backup::verify(&settings.read()?, backup.as_deref())?)?,
        Command::ExportAppInstance { settings, app_instance, to } => {
            let arn = AppInstanceArn::parse(&app_instance).context("--app-instance")?;
            state(archive::export(&settings.read()?, &arn, &to)?)?;
        }
        Command::ImportAppInstance { settings, from } => {
            print(&format!("app instance {}\n", archive::import(&settings.read()?, &from)?))?;
        }
        Command::Explain { settings, asked } => return explain(&settings.read()?, &asked.into()),
    }
    Ok(ExitCode::SUCCESS)
}

fn state(hash: impl std::fmt::Display) -> Result<()> {
    print(&format!("state {hash}\n"))
}

fn explain(config: &Config, question: &Question) -> Result<ExitCode> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let explained = runtime.block_on(boot::explain(config, question))?;
    print(&explained.text)?;
    Ok(if explained.allowed { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn serve(config: &Config) -> Result<()> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let observed = boot::observe(config, runtime.handle())?;
    raise_open_files();
    runtime.block_on(async {
        let mut terminate = signal(SignalKind::terminate())?;
        let mut interrupt = signal(SignalKind::interrupt())?;
        let mut stop = async || {
            tokio::select! {
                _ = terminate.recv() => {}
                _ = interrupt.recv() => {}
            }
        };
        let running = boot::start(config).await?;
        print(&greeting(running.endpoints(), config.demo))?;
        stop().await;
        running.stop(stop()).await;
        Ok::<_, anyhow::Error>(())
    })?;
    // The last traces are handed over on the runtime.
    observed.end();
    runtime.shutdown_timeout(LAST_WAIT);
    Ok(())
}

/// Every connection is an open file, and the usual soft limit of 1024 is for programs that use `select`.
fn raise_open_files() {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
    let limit = getrlimit(Resource::Nofile);
    if limit.current != limit.maximum {
        let raised = Rlimit { current: limit.maximum, ..limit };
        if let Err(error) = setrlimit(Resource::Nofile, raised) {
            tracing::debug!(%error, "the limit of open files cannot be raised");
        }
    }
}

fn greeting(endpoints: &Endpoints, demo: Demo) -> String {
    let mut text = format!(
        "chime-server {} is ready.\n  http         {}\n  https        {}\n",
        env!("CARGO_PKG_VERSION"),
        endpoints.http_url(),
        endpoints.https_url(),
    );
    let mut variables = format!("AWS_DEFAULT_REGION={}", endpoints.region);
    match &endpoints.credentials {
        Some(path) => {
            let _ = writeln!(text, "  credentials  {}", path.display());
            for (variable, member) in
                [("AWS_ACCESS_KEY_ID", "AccessKeyId"), ("AWS_SECRET_ACCESS_KEY", "SecretAccessKey")]
            {
                let _ = write!(
                    variables,
                    r#" {variable}=$(sed -n 's/.*"{member}": "\(.*\)".*/\1/p' '{}')"#,
                    path.display()
                );
            }
        }
        None => text.push_str("  credentials  from the configuration\n"),
    }
    if let Some(path) = &endpoints.authority {
        let _ = writeln!(text, "  CA to trust  {}", path.display());
    }
    let _ = writeln!(text, "  media        {}", endpoints.media);
    if demo != Demo::Off {
        let _ = writeln!(text, "  meet         {}/demo/meeting", endpoints.http_url());
    }
    let _ = writeln!(
        text,
        "Try:\n  {variables} \\\n    aws chime-sdk-identity create-app-instance --name demo --endpoint-url {}",
        endpoints.http_url()
    );
    text
}

fn print(text: &str) -> Result<()> {
    let mut out = io::stdout().lock();
    out.write_all(text.as_bytes()).and_then(|()| out.flush()).context("standard output")
}
