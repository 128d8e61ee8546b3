//! Accounts.

use crate::{PostgresStore, invites, metrics::Statement, rows::Columns, work::Work};
use async_trait::async_trait;
use campanile_core::{
    name::UserName,
    port::{AccountChange, AccountStore, CreateAccountError, Fault, NewAccount},
    time::Timestamp,
    user::{Account, PasswordHash},
};
use sqlx::{Error, PgConnection, postgres::PgRow, query, query_scalar};
use std::collections::BTreeMap;

/// Held while an account is made, so that of many made at once exactly one is first.
const LOCK: i64 = 0x4341_4d52;

#[async_trait]
impl AccountStore for PostgresStore {
    async fn create(&self, account: NewAccount) -> Result<Account, CreateAccountError> {
        self.worker().change(Create(account)).await?
    }

    async fn find(&self, name: &UserName) -> Result<Option<Account>, Fault> {
        self.worker().read(Find(name)).await
    }

    async fn change(
        &self,
        name: &UserName,
        change: AccountChange,
    ) -> Result<Option<Account>, Fault> {
        self.worker().change(Alter { name, change }).await
    }

    async fn touch(&self, seen: &[(UserName, Timestamp)]) -> Result<(), Fault> {
        // In one order on every node, so that none waits for another that waits for it.
        let mut latest: BTreeMap<&UserName, Timestamp> = BTreeMap::new();
        for (name, at) in seen {
            let known = latest.entry(name).or_insert(*at);
            *known = (*known).max(*at);
        }
        if latest.is_empty() {
            return Ok(());
        }
        let (names, times) =
            latest.into_iter().map(|(name, at)| (name.as_str().to_owned(), at.0)).unzip();
        self.worker().change(Touch { names, times }).await
    }

    async fn count(&self) -> Result<u64, Fault> {
        self.worker().read(Count).await
    }
}

struct Create(NewAccount);

#[async_trait]
impl Work for Create {
    type Answer = Result<Account, CreateAccountError>;
    const STATEMENT: Statement = Statement::AccountPut;

    async fn run(&self, connection: &mut PgConnection) -> Result<Self::Answer, Error> {
        let Self(new) = self;
        query("SELECT pg_advisory_xact_lock($1)").bind(LOCK).execute(&mut *connection).await?;
        if let Some(invite) = new.invite
            && !invites::lets_in(connection, invite, new.created_at).await?
        {
            return Ok(Err(CreateAccountError::NotInvited));
        }
        let operator: Option<bool> = query_scalar(
            "INSERT INTO accounts (name, password, operator, created_at) \
             VALUES ($1, $2, $3 OR NOT EXISTS (SELECT 1 FROM accounts), $4) \
             ON CONFLICT DO NOTHING RETURNING operator",
        )
        .bind(new.name.as_str())
        .bind(&new.password.0)
        .bind(new.operator)
        .bind(new.created_at.0)
        .fetch_optional(&mut *connection)
        .await?;
        let Some(operator) = operator else {
            return Ok(Err(CreateAccountError::Taken));
        };
        if let Some(invite) = new.invite {
            invites::take_use(connection, invite).await?;
        }
        Ok(Ok(new.clone().made(operator)))
    }
}

struct Find<'a>(&'a UserName);

#[async_trait]
impl Work for Find<'_> {
    type Answer = Option<Account>;
    const STATEMENT: Statement = Statement::AccountGet;

    async fn run(&self, connection: &mut PgConnection) -> Result<Self::Answer, Error> {
        let found = query(
            "SELECT name, password, operator, banned, created_at, last_seen \
             FROM accounts WHERE name = $1",
        )
        .bind(self.0.as_str())
        .fetch_optional(connection)
        .await?;
        found.as_ref().map(account).transpose()
    }
}

struct Alter<'a> {
    name: &'a UserName,
    change: AccountChange,
}

#[async_trait]
impl Work for Alter<'_> {
    type Answer = Option<Account>;
    const STATEMENT: Statement = Statement::AccountPut;

    async fn run(&self, connection: &mut PgConnection) -> Result<Self::Answer, Error> {
        let update = match &self.change {
            AccountChange::Password(password) => {
                query("UPDATE accounts SET password = $1 WHERE name = $2").bind(&password.0)
            }
            AccountChange::Operator(operator) => {
                query("UPDATE accounts SET operator = $1 WHERE name = $2").bind(operator)
            }
            AccountChange::Banned(banned) => {
                query("UPDATE accounts SET banned = $1 WHERE name = $2").bind(banned)
            }
        };
        update.bind(self.name.as_str()).execute(&mut *connection).await?;
        Find(self.name).run(connection).await
    }
}

struct Touch {
    names: Vec<String>,
    times: Vec<i64>,
}

#[async_trait]
impl Work for Touch {
    type Answer = ();
    const STATEMENT: Statement = Statement::AccountPut;

    async fn run(&self, connection: &mut PgConnection) -> Result<(), Error> {
        query(
            "UPDATE accounts a SET last_seen = greatest(a.last_seen, v.at) FROM \
             (SELECT a.name, t.at FROM UNNEST($1::text[], $2::bigint[]) t (name, at) \
             JOIN accounts a ON a.name = t.name ORDER BY a.name FOR NO KEY UPDATE OF a) v \
             WHERE a.name = v.name",
        )
        .bind(&self.names)
        .bind(&self.times)
        .execute(connection)
        .await?;
        Ok(())
    }
}

struct Count;

#[async_trait]
impl Work for Count {
    type Answer = u64;
    const STATEMENT: Statement = Statement::AccountGet;

    async fn run(&self, connection: &mut PgConnection) -> Result<u64, Error> {
        let count: i64 =
            query_scalar("SELECT count(*) FROM accounts").fetch_one(connection).await?;
        Ok(count.unsigned_abs())
    }
}

fn account(row: &PgRow) -> Result<Account, Error> {
    let mut columns = Columns::of(row);
    Ok(Account {
        name: columns.user()?,
        password: PasswordHash(columns.take()?),
        operator: columns.take()?,
        banned: columns.take()?,
        created_at: columns.time()?,
        last_seen: columns.optional_time()?,
    })
}
