//! `campanile user`: accounts, administered beside a running server or without one.

use super::{Failure, arguments::UserCommand, output};
use crate::{
    app::prepare_directory,
    config::{Config, Flags, Sources},
    password, token,
    wiring::adapters::Administration,
};
use campanile_adapter_memory::SystemClock;
use campanile_core::{
    invite::Invite,
    name::UserName,
    port::{AccountChange, Clock, NewAccount},
    user::PasswordHash,
};
use std::{io, process::ExitCode, time::Duration};

pub(super) fn run(command: UserCommand, flags: Flags) -> Result<ExitCode, Failure> {
    let config = Sources::of_process(flags).load()?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    runtime.map_err(Failure::failed)?.block_on(async {
        let store = open(&config).await?;
        let done = execute(command, &store).await;
        store.close().await;
        done
    })
}

async fn open(config: &Config) -> Result<Administration, Failure> {
    prepare_directory(&config.server.data_dir)?;
    let opened = Administration::open(config).await.map_err(Failure::wrong)?;
    opened.ok_or_else(|| {
        Failure::wrong("the store forgets everything: there are no users to administer")
    })
}

async fn execute(command: UserCommand, store: &Administration) -> Result<ExitCode, Failure> {
    match command {
        UserCommand::Add { name, operator, .. } => add(store, &name, operator).await,
        UserCommand::Invite { uses, days } => invite(store, uses, days).await,
        UserCommand::Ban { name } => {
            change(store, &name, AccountChange::Banned(true)).await?;
            end_sessions(store, &name).await?;
            done(&format!("{name} is banned"))
        }
        UserCommand::Unban { name } => {
            change(store, &name, AccountChange::Banned(false)).await?;
            done(&format!("{name} is banned no longer"))
        }
        UserCommand::Password { name, .. } => {
            let password = hash(&read_password()?)?;
            change(store, &name, AccountChange::Password(password)).await?;
            end_sessions(store, &name).await?;
            done(&format!("{name} has a new password"))
        }
    }
}

async fn add(store: &Administration, name: &str, operator: bool) -> Result<ExitCode, Failure> {
    let name = parse(name)?;
    let password = hash(&read_password()?)?;
    let created_at = SystemClock::new().now();
    let account = NewAccount { name, password, operator, created_at, invite: None };
    let account = store.accounts.create(account).await.map_err(Failure::failed)?;
    let role = if account.operator { "an operator" } else { "a user" };
    done(&format!("{} is {role}", account.name))
}

async fn invite(store: &Administration, uses: u32, days: u32) -> Result<ExitCode, Failure> {
    let (code, made_at) = (token::new(), SystemClock::new().now());
    let expires_at = made_at.plus(Duration::from_secs(u64::from(days) * 86_400));
    let hash = token::invite_hash(&code);
    let invite = Invite { hash, made_by: None, made_at, expires_at, uses_left: uses };
    store.invites.put(invite, store.invites_max).await.map_err(Failure::failed)?;
    output::line(&code);
    let accounts = if uses == 1 { "one account".to_owned() } else { format!("{uses} accounts") };
    output::line(&format!("for {accounts} within {days} days, at /#invite={code} of the server"));
    Ok(ExitCode::SUCCESS)
}

async fn change(store: &Administration, name: &str, change: AccountChange) -> Result<(), Failure> {
    let changed = store.accounts.change(&parse(name)?, change).await;
    match changed.map_err(Failure::failed)? {
        Some(_) => Ok(()),
        None => Err(Failure::failed(format!("there is no user {name}"))),
    }
}

/// A server that runs beside notices, and closes the connections that are open now.
async fn end_sessions(store: &Administration, name: &str) -> Result<(), Failure> {
    store.end_sessions(&parse(name)?).await.map_err(Failure::failed)
}

fn parse(name: &str) -> Result<UserName, Failure> {
    UserName::parse(name).map_err(|error| Failure::wrong(format!("{name:?}: {error}")))
}

fn hash(password: &str) -> Result<PasswordHash, Failure> {
    password::check_length(password).map_err(Failure::wrong)?;
    Ok(password::hash(password))
}

fn read_password() -> Result<String, Failure> {
    let mut line = String::new();
    io::stdin().read_line(&mut line).map_err(Failure::failed)?;
    Ok(line.trim_end_matches(['\r', '\n']).to_owned())
}

fn done(what: &str) -> Result<ExitCode, Failure> {
    output::line(what);
    Ok(ExitCode::SUCCESS)
}
