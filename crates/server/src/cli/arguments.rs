//! What can be written on the command line.

use crate::config::Flags;
use clap::{Args, Parser, Subcommand, ValueEnum};
use std::{net::SocketAddr, path::PathBuf};

/// A chat server with its own bell tower: chat, metrics and alerts in one program.
#[derive(Debug, Parser)]
#[command(name = "campanile", version, about, args_override_self = true)]
pub struct Arguments {
    #[command(subcommand)]
    command: Option<Command>,
    #[command(flatten)]
    settings: SettingFlags,
}

/// Settings that can be given on the command line; they go before all others.
#[derive(Debug, Args)]
struct SettingFlags {
    /// The configuration file.
    #[arg(long, global = true, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Address and port to listen on.
    #[arg(long, global = true, value_name = "ADDRESS")]
    listen: Option<String>,
    /// Address and port of the scrape endpoint.
    #[arg(long, global = true, value_name = "ADDRESS")]
    metrics_listen: Option<SocketAddr>,
    /// Directory for everything the server writes.
    #[arg(long, global = true, value_name = "DIRECTORY")]
    data_dir: Option<PathBuf>,
}

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Run the server; what is done when nothing else is asked for.
    Serve,
    /// Say what is wrong, and fail if anything is.
    Check {
        /// What to look at; everything without it.
        #[arg(value_enum)]
        what: Option<What>,
        #[command(flatten)]
        trusted: Trusted,
    },
    /// Print the catalogue of metrics.
    Metrics(MetricsFormat),
    /// Show live rates, read from a metrics endpoint.
    Top(TopOptions),
    /// Administer users.
    #[command(subcommand)]
    User(UserCommand),
    /// Move everything from one store to another, and prove that it arrived. What was interrupted
    /// goes on when the same is asked again.
    Migrate(MigrateOptions),
    /// Copy everything into a new directory, from which a server can be started; also beside one
    /// that runs.
    Backup {
        /// The directory, which is not there yet.
        #[arg(long, value_name = "DIRECTORY")]
        to: PathBuf,
    },
    /// Print the settings in force, their reference, or an example file.
    Config(ConfigFormat),
}

/// What to check.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum What {
    /// The settings.
    Config,
    /// The parts that the settings choose: ports free, store and bus reachable.
    Modules,
    /// The metrics endpoint of a running server.
    Metrics,
    /// What scrapes a running server, and whether Loki takes lines where logs are shipped.
    Monitoring,
}

#[derive(Debug, Args)]
#[group(multiple = false)]
pub(super) struct MetricsFormat {
    /// As JSON.
    #[arg(long)]
    pub(super) json: bool,
    /// As the reference in Markdown.
    #[arg(long)]
    pub(super) markdown: bool,
}

#[derive(Debug, Args)]
#[group(multiple = false)]
pub(super) struct ConfigFormat {
    /// The settings in force, without secrets; what is printed when nothing else is asked for.
    #[arg(long)]
    pub(super) print: bool,
    /// The reference in Markdown.
    #[arg(long)]
    pub(super) markdown: bool,
    /// A file with every setting and its default.
    #[arg(long)]
    pub(super) example: bool,
}

/// Who is believed to be a server.
#[derive(Debug, Args)]
pub(super) struct Trusted {
    /// File with the authorities, in PEM, that vouch for what is served over HTTPS; without it,
    /// the certificate that is configured and no other is believed.
    #[arg(long, value_name = "FILE")]
    pub(super) ca: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub(super) struct TopOptions {
    /// The metrics endpoint; without it, the one that is configured, with its token or password.
    #[arg(long)]
    pub(super) url: Option<String>,
    #[command(flatten)]
    pub(super) trusted: Trusted,
    /// Seconds between two looks.
    #[arg(long, default_value_t = 2.0, value_parser = interval)]
    pub(super) interval: f64,
    /// Look twice, print once, and end.
    #[arg(long)]
    pub(super) once: bool,
    /// A token that the endpoint asks for.
    #[arg(long, env = "CAMPANILE_TOP_TOKEN", hide_env_values = true)]
    pub(super) token: Option<String>,
}

#[derive(Debug, Args)]
pub(super) struct MigrateOptions {
    /// The store to read: sqlite://FILE or postgres://USER@HOST/DATABASE.
    #[arg(long, value_name = "URL")]
    pub(super) from: String,
    /// The store to fill, which is empty.
    #[arg(long, value_name = "URL")]
    pub(super) to: String,
    /// Where uploads are that are kept as files; without it, in `uploads` beside the file.
    #[arg(long, value_name = "DIRECTORY")]
    pub(super) from_uploads: Option<PathBuf>,
    /// Where uploads go that are kept as files; without it, to `uploads` beside the file.
    #[arg(long, value_name = "DIRECTORY")]
    pub(super) to_uploads: Option<PathBuf>,
}

#[derive(Debug, Subcommand)]
pub(super) enum UserCommand {
    /// Make an account.
    Add {
        /// The user's name.
        name: String,
        /// Read the password from standard input: its first line.
        #[arg(long, required = true)]
        password_stdin: bool,
        /// Make the user an operator.
        #[arg(long)]
        operator: bool,
    },
    /// Make an invitation, with whose code an account can be made where `server.registration` is
    /// `invite`.
    Invite {
        /// How many accounts may be made with it.
        #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=1_000))]
        uses: u32,
        /// Days for which it lets somebody in.
        #[arg(long, default_value_t = 7, value_parser = clap::value_parser!(u32).range(1..=365))]
        days: u32,
    },
    /// Ban a user: end all sessions, and let nobody log in.
    Ban {
        /// The user's name.
        name: String,
    },
    /// Let a banned user log in again.
    Unban {
        /// The user's name.
        name: String,
    },
    /// Give a user a new password, and end all sessions.
    Password {
        /// The user's name.
        name: String,
        /// Read the password from standard input: its first line.
        #[arg(long, required = true)]
        password_stdin: bool,
    },
}

impl Arguments {
    /// What is asked, and the settings that were given with it.
    pub(super) fn split(self) -> (Command, Flags) {
        let SettingFlags { config, listen, metrics_listen, data_dir } = self.settings;
        let mut settings = Vec::new();
        if let Some(listen) = listen {
            settings.push(("server.listen", listen));
        }
        if let Some(address) = metrics_listen {
            settings.push(("metrics.host", address.ip().to_string()));
            settings.push(("metrics.port", address.port().to_string()));
        }
        if let Some(directory) = data_dir {
            settings.push(("server.data_dir", directory.display().to_string()));
        }
        (self.command.unwrap_or(Command::Serve), Flags { file: config, settings })
    }
}

fn interval(text: &str) -> Result<f64, String> {
    match text.parse() {
        Ok(seconds) if (0.1..=3_600.0).contains(&seconds) => Ok(seconds),
        _ => Err("a number of seconds from 0.1 to 3600".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn the_command_line_is_well_formed() {
        Arguments::command().debug_assert();
    }

    #[test]
    fn flags_are_settings() {
        let line = ["campanile", "--listen", "[::1]:80", "--metrics-listen", "127.0.0.1:9"];
        let (command, flags) = Arguments::parse_from(line).split();
        assert!(matches!(command, Command::Serve));
        let expected =
            [("server.listen", "[::1]:80"), ("metrics.host", "127.0.0.1"), ("metrics.port", "9")];
        assert_eq!(flags.settings, expected.map(|(key, value)| (key, value.to_owned())));
    }
}
