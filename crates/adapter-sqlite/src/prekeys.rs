//! Prekeys: bundles, and the piles of those that are used once.

use crate::{
    SqliteStore,
    fault::fault,
    rows::{Columns, senseless},
    writer::{Change, Ledger},
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
use sqlx::{Error, SqliteConnection, query, sqlite::SqliteRow};

/// What [`count`] reads, of one bundle or of all.
macro_rules! count_columns {
    () => {
        "count(*), coalesce(sum(one_time_left), 0), coalesce(sum(kem_left), 0), \
         count(last_resort_id)"
    };
}

#[async_trait]
impl PrekeyStore for SqliteStore {
    async fn put(
        &self,
        user: &UserName,
        prekeys: Prekeys,
        each_max: u64,
    ) -> Result<PrekeyCount, PutPrekeysError> {
        self.writer().change(Put { user: user.clone(), prekeys, each_max }).await?
    }

    async fn count(&self, user: &UserName) -> Result<PrekeyCount, Fault> {
        let mut reader = self.reader().await?;
        let found =
            query(concat!("SELECT ", count_columns!(), " FROM key_bundles WHERE user = ?1"))
                .bind(user.as_str().to_owned())
                .fetch_one(&mut *reader)
                .await
                .map_err(fault)?;
        count(&mut Columns::from(&found, 0)).map_err(fault)
    }

    async fn claim(&self, user: &UserName) -> Result<Option<PrekeyBundle>, Fault> {
        self.writer().change(Claim(user.clone())).await
    }

    async fn totals(&self, low: u64) -> Result<PrekeyTotals, Fault> {
        let mut reader = self.reader().await?;
        let found = query(concat!(
            "SELECT ",
            count_columns!(),
            ", count(*) FILTER (WHERE one_time_left < ?1), \
             count(*) FILTER (WHERE one_time_left = 0) FROM key_bundles"
        ))
        .bind(i64::try_from(low).unwrap_or(i64::MAX))
        .fetch_one(&mut *reader)
        .await
        .map_err(fault)?;
        totals(&found).map_err(fault)
    }
}

/// A kind of prekey that is used once, as the database numbers it.
#[derive(Clone, Copy)]
enum Kind {
    OneTime = 0,
    Kem = 1,
}

struct Put {
    user: UserName,
    prekeys: Prekeys,
    each_max: u64,
}

/// How many prekeys of a kind are left, and the highest id there ever was.
#[derive(Clone, Copy, Default)]
struct Pile {
    left: u64,
    highest: Option<PrekeyId>,
}

#[async_trait]
impl Change for Put {
    type Answer = Result<PrekeyCount, PutPrekeysError>;

    async fn make(&self, ledger: &mut Ledger) -> Result<Self::Answer, Error> {
        let Self { user, prekeys, each_max } = self;
        let connection = ledger.connection();
        let known = piles(connection, user).await?;
        let is_anew = known.as_ref().is_some_and(|(identity, _)| *identity != prekeys.identity_key);
        let piles = known.filter(|_| !is_anew).map(|(_, piles)| piles).unwrap_or_default();
        let [one_time_pile, kem_pile] = piles;
        let one_time = unpublished(&prekeys.one_time, |key| key.id, one_time_pile.highest);
        let kem = unpublished(&prekeys.kem, |key| key.id, kem_pile.highest);
        let one_time_ids = one_time.last().map(|key| key.id);
        let kem_ids = kem.last().map(|key| key.id);
        let piles =
            [one_time_pile.with(one_time.len(), one_time_ids), kem_pile.with(kem.len(), kem_ids)];
        if piles.iter().any(|pile| pile.left > *each_max) {
            return Ok(Err(PutPrekeysError::TooMany));
        }
        if is_anew {
            forget(connection, user).await?;
        }
        put_bundle(connection, user, prekeys, piles).await?;
        for key in &one_time {
            add(connection, user, Kind::OneTime, (key.id, &key.key, None)).await?;
        }
        for key in &kem {
            add(connection, user, Kind::Kem, (key.id, &key.key, Some(&key.signature))).await?;
        }
        Ok(Ok(PrekeyCount {
            signed: 1,
            one_time: one_time.len() as u64,
            kem: kem.len() as u64,
            last_resort: u64::from(prekeys.last_resort.is_some()),
        }))
    }
}

struct Claim(UserName);

#[async_trait]
impl Change for Claim {
    type Answer = Option<PrekeyBundle>;

    async fn make(&self, ledger: &mut Ledger) -> Result<Self::Answer, Error> {
        let Self(user) = self;
        let connection = ledger.connection();
        let found = query(
            "SELECT identity_key, signed_id, signed_key, signed_signature, \
             last_resort_id, last_resort_key, last_resort_signature \
             FROM key_bundles WHERE user = ?1",
        )
        .bind(user.as_str().to_owned())
        .fetch_optional(&mut *connection)
        .await?;
        let Some(row) = found else {
            return Ok(None);
        };
        let one_time = take(connection, user, Kind::OneTime).await?;
        let kem = take(connection, user, Kind::Kem).await?;
        query(
            "UPDATE key_bundles SET one_time_left = one_time_left - ?2, kem_left = kem_left - ?3 \
             WHERE user = ?1",
        )
        .bind(user.as_str().to_owned())
        .bind(one_time.is_some())
        .bind(kem.is_some())
        .execute(connection)
        .await?;
        bundle(&row, one_time.as_ref(), kem.as_ref()).map(Some)
    }
}

impl Pile {
    fn with(self, added: usize, highest: Option<PrekeyId>) -> Self {
        Self { left: self.left + added as u64, highest: highest.or(self.highest) }
    }

    fn highest_number(self) -> i64 {
        self.highest.map_or(-1, |id| id.0.into())
    }
}

/// A user's identity key and piles, one-time prekeys first.
async fn piles(
    connection: &mut SqliteConnection,
    user: &UserName,
) -> Result<Option<(Material, [Pile; 2])>, Error> {
    let found = query(
        "SELECT identity_key, one_time_left, one_time_highest, kem_left, kem_highest \
         FROM key_bundles WHERE user = ?1",
    )
    .bind(user.as_str().to_owned())
    .fetch_optional(connection)
    .await?;
    let Some(row) = found else {
        return Ok(None);
    };
    let mut columns = Columns::from(&row, 0);
    let identity_key = material(columns.take()?)?;
    let mut pile = || {
        let left = columns.take::<i64>()?.unsigned_abs();
        let highest = columns.take::<i64>()?;
        let highest = (highest >= 0).then(|| id(highest)).transpose()?;
        Ok::<_, Error>(Pile { left, highest })
    };
    Ok(Some((identity_key, [pile()?, pile()?])))
}

async fn forget(connection: &mut SqliteConnection, user: &UserName) -> Result<(), Error> {
    query("DELETE FROM prekeys WHERE user = ?1")
        .bind(user.as_str().to_owned())
        .execute(connection)
        .await?;
    Ok(())
}

async fn put_bundle(
    connection: &mut SqliteConnection,
    user: &UserName,
    prekeys: &Prekeys,
    [one_time, kem]: [Pile; 2],
) -> Result<(), Error> {
    let last_resort = prekeys.last_resort.as_ref();
    query(
        "INSERT INTO key_bundles (user, one_time_left, one_time_highest, kem_left, kem_highest, \
         identity_key, signed_id, signed_key, signed_signature, \
         last_resort_id, last_resort_key, last_resort_signature) \
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12) \
         ON CONFLICT (user) DO UPDATE SET one_time_left = ?2, one_time_highest = ?3, \
         kem_left = ?4, kem_highest = ?5, identity_key = ?6, signed_id = ?7, signed_key = ?8, \
         signed_signature = ?9, last_resort_id = ?10, last_resort_key = ?11, \
         last_resort_signature = ?12",
    )
    .bind(user.as_str().to_owned())
    .bind(one_time.left as i64)
    .bind(one_time.highest_number())
    .bind(kem.left as i64)
    .bind(kem.highest_number())
    .bind(bytes(&prekeys.identity_key))
    .bind(i64::from(prekeys.signed.id.0))
    .bind(bytes(&prekeys.signed.key))
    .bind(bytes(&prekeys.signed.signature))
    .bind(last_resort.map(|prekey| i64::from(prekey.id.0)))
    .bind(last_resort.map(|prekey| bytes(&prekey.key)))
    .bind(last_resort.map(|prekey| bytes(&prekey.signature)))
    .execute(connection)
    .await?;
    Ok(())
}

async fn add(
    connection: &mut SqliteConnection,
    user: &UserName,
    kind: Kind,
    (id, key, signature): (PrekeyId, &Material, Option<&Material>),
) -> Result<(), Error> {
    query("INSERT INTO prekeys (user, kind, id, key, signature) VALUES (?1, ?2, ?3, ?4, ?5)")
        .bind(user.as_str().to_owned())
        .bind(kind as i64)
        .bind(i64::from(id.0))
        .bind(bytes(key))
        .bind(signature.map(bytes))
        .execute(connection)
        .await?;
    Ok(())
}

/// Takes the prekey with the lowest id off its pile.
async fn take(
    connection: &mut SqliteConnection,
    user: &UserName,
    kind: Kind,
) -> Result<Option<SqliteRow>, Error> {
    query(
        "DELETE FROM prekeys WHERE user = ?1 AND kind = ?2 \
         AND id = (SELECT min(id) FROM prekeys WHERE user = ?1 AND kind = ?2) \
         RETURNING id, key, signature",
    )
    .bind(user.as_str().to_owned())
    .bind(kind as i64)
    .fetch_optional(connection)
    .await
}

fn bundle(
    row: &SqliteRow,
    one_time: Option<&SqliteRow>,
    kem: Option<&SqliteRow>,
) -> Result<PrekeyBundle, Error> {
    let mut columns = Columns::from(row, 0);
    let identity_key = material(columns.take()?)?;
    let signed_prekey = signed(&mut columns)?;
    let one_time = one_time.map(|row| {
        let mut columns = Columns::from(row, 0);
        Ok::<_, Error>(OneTimePrekey { id: id(columns.take()?)?, key: material(columns.take()?)? })
    });
    let kem = match kem {
        Some(row) => Some(signed(&mut Columns::from(row, 0))?),
        None => last_resort(row)?,
    };
    Ok(PrekeyBundle { identity_key, signed: signed_prekey, one_time: one_time.transpose()?, kem })
}

fn last_resort(row: &SqliteRow) -> Result<Option<SignedPrekey>, Error> {
    let has_one = Columns::from(row, 4).take::<Option<i64>>()?.is_some();
    has_one.then(|| signed(&mut Columns::from(row, 4))).transpose()
}

fn signed(columns: &mut Columns<'_>) -> Result<SignedPrekey, Error> {
    Ok(SignedPrekey {
        id: id(columns.take()?)?,
        key: material(columns.take()?)?,
        signature: material(columns.take()?)?,
    })
}

fn count(columns: &mut Columns<'_>) -> Result<PrekeyCount, Error> {
    let mut number = || columns.take::<i64>().map(i64::unsigned_abs);
    Ok(PrekeyCount {
        signed: number()?,
        one_time: number()?,
        kem: number()?,
        last_resort: number()?,
    })
}

fn totals(row: &SqliteRow) -> Result<PrekeyTotals, Error> {
    let mut columns = Columns::from(row, 0);
    Ok(PrekeyTotals {
        left: count(&mut columns)?,
        users_low: columns.take::<i64>()?.unsigned_abs(),
        users_exhausted: columns.take::<i64>()?.unsigned_abs(),
    })
}

fn id(number: i64) -> Result<PrekeyId, Error> {
    u32::try_from(number).map(PrekeyId).map_err(senseless)
}

fn material(bytes: Vec<u8>) -> Result<Material, Error> {
    Material::parse(bytes).map_err(senseless)
}

fn bytes(material: &Material) -> Vec<u8> {
    material.as_bytes().to_vec()
}
