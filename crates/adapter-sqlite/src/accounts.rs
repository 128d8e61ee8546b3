//! Accounts.

use crate::{
    SqliteStore,
    fault::fault,
    invites,
    rows::Columns,
    shapes::Shapes,
    writer::{Change, Ledger},
};
use async_trait::async_trait;
use campanile_core::{
    name::UserName,
    port::{AccountChange, AccountStore, CreateAccountError, Fault, NewAccount},
    time::Timestamp,
    user::{Account, PasswordHash},
};
use sqlx::{Error, SqliteConnection, query, query_scalar, sqlite::SqliteRow};
use std::{collections::HashMap, sync::LazyLock};

#[async_trait]
impl AccountStore for SqliteStore {
    async fn create(&self, account: NewAccount) -> Result<Account, CreateAccountError> {
        self.writer().change(Create(account)).await?
    }

    async fn find(&self, name: &UserName) -> Result<Option<Account>, Fault> {
        let mut reader = self.reader().await?;
        find(&mut reader, name).await.map_err(fault)
    }

    async fn change(
        &self,
        name: &UserName,
        change: AccountChange,
    ) -> Result<Option<Account>, Fault> {
        let name = name.clone();
        self.writer().change(Alter { name, change }).await
    }

    async fn touch(&self, seen: &[(UserName, Timestamp)]) -> Result<(), Fault> {
        let mut latest: HashMap<UserName, Timestamp> = HashMap::new();
        for (name, at) in seen {
            let known = latest.entry(name.clone()).or_insert(*at);
            *known = (*known).max(*at);
        }
        if latest.is_empty() {
            return Ok(());
        }
        let seen = latest.into_iter().collect();
        self.writer().change(Touch(seen)).await
    }

    async fn count(&self) -> Result<u64, Fault> {
        let mut reader = self.reader().await?;
        let count: i64 = query_scalar("SELECT count(*) FROM accounts")
            .fetch_one(&mut *reader)
            .await
            .map_err(fault)?;
        Ok(count.unsigned_abs())
    }
}

struct Create(NewAccount);

#[async_trait]
impl Change for Create {
    type Answer = Result<Account, CreateAccountError>;

    async fn make(&self, ledger: &mut Ledger) -> Result<Self::Answer, Error> {
        let Self(new) = self;
        if let Some(invite) = new.invite
            && invites::find(ledger.connection(), invite, new.created_at).await?.is_none()
        {
            return Ok(Err(CreateAccountError::NotInvited));
        }
        let operator: Option<bool> = query_scalar(
            "INSERT INTO accounts (name, password, operator, created_at) \
             VALUES (?1, ?2, ?3 OR NOT EXISTS (SELECT 1 FROM accounts), ?4) \
             ON CONFLICT DO NOTHING RETURNING operator",
        )
        .bind(new.name.as_str().to_owned())
        .bind(new.password.0.clone())
        .bind(new.operator)
        .bind(new.created_at.0)
        .fetch_optional(ledger.connection())
        .await?;
        let Some(operator) = operator else {
            return Ok(Err(CreateAccountError::Taken));
        };
        if let Some(invite) = new.invite {
            invites::take_use(ledger.connection(), invite).await?;
        }
        Ok(Ok(new.clone().made(operator)))
    }
}

struct Alter {
    name: UserName,
    change: AccountChange,
}

#[async_trait]
impl Change for Alter {
    type Answer = Option<Account>;

    async fn make(&self, ledger: &mut Ledger) -> Result<Self::Answer, Error> {
        let update = match &self.change {
            AccountChange::Password(password) => {
                query("UPDATE accounts SET password = ?1 WHERE name = ?2").bind(password.0.clone())
            }
            AccountChange::Operator(operator) => {
                query("UPDATE accounts SET operator = ?1 WHERE name = ?2").bind(*operator)
            }
            AccountChange::Banned(banned) => {
                query("UPDATE accounts SET banned = ?1 WHERE name = ?2").bind(*banned)
            }
        };
        update.bind(self.name.as_str().to_owned()).execute(ledger.connection()).await?;
        find(ledger.connection(), &self.name).await
    }
}

struct Touch(Vec<(UserName, Timestamp)>);

#[async_trait]
impl Change for Touch {
    type Answer = ();

    async fn make(&self, ledger: &mut Ledger) -> Result<(), Error> {
        static UPDATE: LazyLock<Shapes> = LazyLock::new(|| {
            let update = "UPDATE accounts SET last_seen = v.column2 FROM ROWS v \
                 WHERE name = v.column1 AND coalesce(last_seen < v.column2, TRUE)";
            Shapes::new(update, 2)
        });
        UPDATE
            .execute(ledger.connection(), &self.0, |query, (name, at)| {
                query.bind(name.as_str().to_owned()).bind(at.0)
            })
            .await
            .map(drop)
    }
}

async fn find(
    connection: &mut SqliteConnection,
    name: &UserName,
) -> Result<Option<Account>, Error> {
    let found = query(
        "SELECT name, password, operator, banned, created_at, last_seen \
         FROM accounts WHERE name = ?1",
    )
    .bind(name.as_str().to_owned())
    .fetch_optional(connection)
    .await?;
    found.as_ref().map(account).transpose()
}

fn account(row: &SqliteRow) -> Result<Account, Error> {
    let mut columns = Columns::from(row, 0);
    Ok(Account {
        name: columns.user()?,
        password: PasswordHash(columns.take()?),
        operator: columns.take()?,
        banned: columns.take()?,
        created_at: columns.time()?,
        last_seen: columns.take::<Option<i64>>()?.map(Timestamp),
    })
}
