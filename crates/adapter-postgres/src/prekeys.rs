//! Prekeys: bundles, and the piles of those that are used once. The bundle's row is locked first,
//! so that of many who claim at once each takes another.

use crate::{
    PostgresStore,
    metrics::Statement,
    rows::{Columns, senseless},
    work::Work,
};
use async_trait::async_trait;
use campanile_core::{
    name::UserName,
    port::{Fault, PrekeyStore, PrekeyTotals, PutPrekeysError},
    prekey::{
        Material, OneTimePrekey, PrekeyBundle, PrekeyCount, PrekeyId, Prekeys, SignedPrekey,
        unpublished,
    },
};
use sqlx::{Error, PgConnection, postgres::PgRow, query};

/// What [`count`] reads, of one bundle or of all.
macro_rules! count_columns {
    () => {
        "count(*), coalesce(sum(one_time_left), 0)::bigint, coalesce(sum(kem_left), 0)::bigint, \
         count(last_resort_id)"
    };
}

#[async_trait]
impl PrekeyStore for PostgresStore {
    async fn put(
        &self,
        user: &UserName,
        prekeys: Prekeys,
        each_max: u64,
    ) -> Result<PrekeyCount, PutPrekeysError> {
        self.worker().change(Put { user, prekeys, each_max }).await?
    }

    async fn count(&self, user: &UserName) -> Result<PrekeyCount, Fault> {
        self.worker().read(Count(user)).await
    }

    async fn claim(&self, user: &UserName) -> Result<Option<PrekeyBundle>, Fault> {
        self.worker().change(Claim(user)).await
    }

    async fn totals(&self, low: u64) -> Result<PrekeyTotals, Fault> {
        self.worker().read(Totals { low }).await
    }
}

/// A kind of prekey that is used once, as the database numbers it.
#[derive(Clone, Copy)]
enum Kind {
    OneTime = 0,
    Kem = 1,
}

struct Put<'a> {
    user: &'a UserName,
    prekeys: Prekeys,
    each_max: u64,
}

/// How many prekeys of a kind are left, and the highest id there ever was.
#[derive(Clone, Copy, Default)]
struct Pile {
    left: u64,
    highest: Option<PrekeyId>,
}

/// A prekey that is used once, as it is kept.
struct Kept<'a> {
    id: PrekeyId,
    key: &'a Material,
    signature: Option<&'a Material>,
}

#[async_trait]
impl Work for Put<'_> {
    type Answer = Result<PrekeyCount, PutPrekeysError>;
    const STATEMENT: Statement = Statement::PrekeyPut;

    async fn run(&self, connection: &mut PgConnection) -> Result<Self::Answer, Error> {
        let Self { user, prekeys, each_max } = self;
        let known = piles(connection, user).await?;
        let is_anew = known.as_ref().is_some_and(|(identity, _)| *identity != prekeys.identity_key);
        let piles = known.filter(|_| !is_anew).map(|(_, piles)| piles).unwrap_or_default();
        let [one_time_pile, kem_pile] = piles;
        let one_time: Vec<Kept<'_>> =
            unpublished(&prekeys.one_time, |key| key.id, one_time_pile.highest)
                .into_iter()
                .map(|key| Kept { id: key.id, key: &key.key, signature: None })
                .collect();
        let kem: Vec<Kept<'_>> = unpublished(&prekeys.kem, |key| key.id, kem_pile.highest)
            .into_iter()
            .map(|key| Kept { id: key.id, key: &key.key, signature: Some(&key.signature) })
            .collect();
        let piles = [one_time_pile.with(&one_time), kem_pile.with(&kem)];
        if piles.iter().any(|pile| pile.left > *each_max) {
            return Ok(Err(PutPrekeysError::TooMany));
        }
        if is_anew {
            query("DELETE FROM prekeys WHERE account = $1")
                .bind(user.as_str())
                .execute(&mut *connection)
                .await?;
        }
        put_bundle(connection, user, prekeys, piles).await?;
        add(connection, user, Kind::OneTime, &one_time).await?;
        add(connection, user, Kind::Kem, &kem).await?;
        Ok(Ok(PrekeyCount {
            signed: 1,
            one_time: one_time.len() as u64,
            kem: kem.len() as u64,
            last_resort: u64::from(prekeys.last_resort.is_some()),
        }))
    }
}

struct Claim<'a>(&'a UserName);

#[async_trait]
impl Work for Claim<'_> {
    type Answer = Option<PrekeyBundle>;
    const STATEMENT: Statement = Statement::PrekeyPut;

    async fn run(&self, connection: &mut PgConnection) -> Result<Self::Answer, Error> {
        let Self(user) = self;
        let found = query(
            "SELECT identity_key, signed_id, signed_key, signed_signature, \
             last_resort_id, last_resort_key, last_resort_signature \
             FROM key_bundles WHERE account = $1 FOR NO KEY UPDATE",
        )
        .bind(user.as_str())
        .fetch_optional(&mut *connection)
        .await?;
        let Some(row) = found else {
            return Ok(None);
        };
        let one_time = take(connection, user, Kind::OneTime).await?;
        let kem = take(connection, user, Kind::Kem).await?;
        query(
            "UPDATE key_bundles SET one_time_left = one_time_left - $2, kem_left = kem_left - $3 \
             WHERE account = $1",
        )
        .bind(user.as_str())
        .bind(i64::from(one_time.is_some()))
        .bind(i64::from(kem.is_some()))
        .execute(connection)
        .await?;
        bundle(&row, one_time.as_ref(), kem.as_ref()).map(Some)
    }
}

struct Count<'a>(&'a UserName);

#[async_trait]
impl Work for Count<'_> {
    type Answer = PrekeyCount;
    const STATEMENT: Statement = Statement::PrekeyGet;

    async fn run(&self, connection: &mut PgConnection) -> Result<PrekeyCount, Error> {
        let Self(user) = self;
        let found =
            query(concat!("SELECT ", count_columns!(), " FROM key_bundles WHERE account = $1"))
                .bind(user.as_str())
                .fetch_one(connection)
                .await?;
        count(&mut Columns::of(&found))
    }
}

struct Totals {
    low: u64,
}

#[async_trait]
impl Work for Totals {
    type Answer = PrekeyTotals;
    const STATEMENT: Statement = Statement::PrekeyGet;

    async fn run(&self, connection: &mut PgConnection) -> Result<PrekeyTotals, Error> {
        let found = query(concat!(
            "SELECT ",
            count_columns!(),
            ", count(*) FILTER (WHERE one_time_left < $1), \
             count(*) FILTER (WHERE one_time_left = 0) FROM key_bundles"
        ))
        .bind(i64::try_from(self.low).unwrap_or(i64::MAX))
        .fetch_one(connection)
        .await?;
        let mut columns = Columns::of(&found);
        Ok(PrekeyTotals {
            left: count(&mut columns)?,
            users_low: columns.count()?,
            users_exhausted: columns.count()?,
        })
    }
}

impl Pile {
    /// With keys by rising id added.
    fn with(self, added: &[Kept<'_>]) -> Self {
        let highest = added.last().map(|kept| kept.id);
        Self { left: self.left + added.len() as u64, highest: highest.or(self.highest) }
    }

    fn highest_number(self) -> i64 {
        self.highest.map_or(-1, |id| id.0.into())
    }
}

/// A user's identity key and piles, one-time prekeys first. From then on nobody else changes them:
/// the account's row is locked too, since there may be no bundle yet.
async fn piles(
    connection: &mut PgConnection,
    user: &UserName,
) -> Result<Option<(Material, [Pile; 2])>, Error> {
    query("SELECT 1 FROM accounts WHERE name = $1 FOR NO KEY UPDATE")
        .bind(user.as_str())
        .execute(&mut *connection)
        .await?;
    let found = query(
        "SELECT identity_key, one_time_left, one_time_highest, kem_left, kem_highest \
         FROM key_bundles WHERE account = $1 FOR NO KEY UPDATE",
    )
    .bind(user.as_str())
    .fetch_optional(connection)
    .await?;
    let Some(row) = found else {
        return Ok(None);
    };
    let mut columns = Columns::of(&row);
    let identity_key = material(columns.take()?)?;
    let mut pile = || {
        let left = columns.count()?;
        let highest = columns.take::<i64>()?;
        let highest = (highest >= 0).then(|| id(highest)).transpose()?;
        Ok::<_, Error>(Pile { left, highest })
    };
    Ok(Some((identity_key, [pile()?, pile()?])))
}

async fn put_bundle(
    connection: &mut PgConnection,
    user: &UserName,
    prekeys: &Prekeys,
    [one_time, kem]: [Pile; 2],
) -> Result<(), Error> {
    let last_resort = prekeys.last_resort.as_ref();
    query(
        "INSERT INTO key_bundles (account, one_time_left, one_time_highest, kem_left, \
         kem_highest, identity_key, signed_id, signed_key, signed_signature, \
         last_resort_id, last_resort_key, last_resort_signature) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12) \
         ON CONFLICT (account) DO UPDATE SET one_time_left = $2, one_time_highest = $3, \
         kem_left = $4, kem_highest = $5, identity_key = $6, signed_id = $7, signed_key = $8, \
         signed_signature = $9, last_resort_id = $10, last_resort_key = $11, \
         last_resort_signature = $12",
    )
    .bind(user.as_str())
    .bind(one_time.left as i64)
    .bind(one_time.highest_number())
    .bind(kem.left as i64)
    .bind(kem.highest_number())
    .bind(prekeys.identity_key.as_bytes())
    .bind(i64::from(prekeys.signed.id.0))
    .bind(prekeys.signed.key.as_bytes())
    .bind(prekeys.signed.signature.as_bytes())
    .bind(last_resort.map(|prekey| i64::from(prekey.id.0)))
    .bind(last_resort.map(|prekey| prekey.key.as_bytes()))
    .bind(last_resort.map(|prekey| prekey.signature.as_bytes()))
    .execute(connection)
    .await?;
    Ok(())
}

async fn add(
    connection: &mut PgConnection,
    user: &UserName,
    kind: Kind,
    added: &[Kept<'_>],
) -> Result<(), Error> {
    if added.is_empty() {
        return Ok(());
    }
    let ids: Vec<i64> = added.iter().map(|kept| kept.id.0.into()).collect();
    let keys: Vec<&[u8]> = added.iter().map(|kept| kept.key.as_bytes()).collect();
    let signatures: Vec<Option<&[u8]>> =
        added.iter().map(|kept| kept.signature.map(Material::as_bytes)).collect();
    query(
        "INSERT INTO prekeys (account, kind, id, key, signature) \
         SELECT $1, $2, t.id, t.key, t.signature \
         FROM UNNEST($3::bigint[], $4::bytea[], $5::bytea[]) AS t (id, key, signature)",
    )
    .bind(user.as_str())
    .bind(kind as i16)
    .bind(ids)
    .bind(keys)
    .bind(signatures)
    .execute(connection)
    .await?;
    Ok(())
}

/// Takes the prekey with the lowest id off its pile. The bundle's row must be locked.
async fn take(
    connection: &mut PgConnection,
    user: &UserName,
    kind: Kind,
) -> Result<Option<PgRow>, Error> {
    query(
        "DELETE FROM prekeys WHERE account = $1 AND kind = $2 \
         AND id = (SELECT min(id) FROM prekeys WHERE account = $1 AND kind = $2) \
         RETURNING id, key, signature",
    )
    .bind(user.as_str())
    .bind(kind as i16)
    .fetch_optional(connection)
    .await
}

fn bundle(
    row: &PgRow,
    one_time: Option<&PgRow>,
    kem: Option<&PgRow>,
) -> Result<PrekeyBundle, Error> {
    let mut columns = Columns::of(row);
    let identity_key = material(columns.take()?)?;
    let signed_prekey = signed(&mut columns)?;
    let last_resort = last_resort(&mut columns)?;
    let one_time = one_time.map(|row| {
        let mut columns = Columns::of(row);
        Ok::<_, Error>(OneTimePrekey { id: id(columns.take()?)?, key: material(columns.take()?)? })
    });
    let kem = kem.map(|row| signed(&mut Columns::of(row))).transpose()?.or(last_resort);
    Ok(PrekeyBundle { identity_key, signed: signed_prekey, one_time: one_time.transpose()?, kem })
}

fn last_resort(columns: &mut Columns<'_>) -> Result<Option<SignedPrekey>, Error> {
    let number: Option<i64> = columns.take()?;
    let key: Option<&[u8]> = columns.take()?;
    let signature: Option<&[u8]> = columns.take()?;
    let (Some(number), Some(key), Some(signature)) = (number, key, signature) else {
        return Ok(None);
    };
    let signature = material(signature)?;
    Ok(Some(SignedPrekey { id: id(number)?, key: material(key)?, signature }))
}

fn signed(columns: &mut Columns<'_>) -> Result<SignedPrekey, Error> {
    Ok(SignedPrekey {
        id: id(columns.take()?)?,
        key: material(columns.take()?)?,
        signature: material(columns.take()?)?,
    })
}

fn count(columns: &mut Columns<'_>) -> Result<PrekeyCount, Error> {
    Ok(PrekeyCount {
        signed: columns.count()?,
        one_time: columns.count()?,
        kem: columns.count()?,
        last_resort: columns.count()?,
    })
}

fn id(number: i64) -> Result<PrekeyId, Error> {
    u32::try_from(number).map(PrekeyId).map_err(senseless)
}

fn material(bytes: &[u8]) -> Result<Material, Error> {
    Material::parse(bytes.to_vec()).map_err(senseless)
}
