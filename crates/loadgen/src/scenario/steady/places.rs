//! Which rooms a user is in, and how it gets in.

use anyhow::{Context, Result, bail};
use serde_json::{Value, json};

use super::Options;
use crate::api::{Ask, Reply};
use crate::backoff::Backoff;
use crate::people::{Person, Session};
use crate::stop::Phase;
use crate::world::World;

/// The name of a room that has one.
pub(super) fn name(world: &World, number: usize) -> String {
    world.room(&format!("{}-{number}", if is_private(number) { "private" } else { "public" }))
}

/// Every other room is private.
pub(super) fn is_private(number: usize) -> bool {
    number % 2 == 1
}

/// Makes the user a member of its rooms; their names. `None` once the run is over.
pub(super) async fn enter(
    options: &Options,
    world: &World,
    person: &Person,
    session: &Session,
) -> Result<Option<Vec<String>>> {
    let (users, rooms) = (options.users as usize, options.rooms as usize);
    let guest = Guest { world, person, session };
    let mut names = Vec::new();
    // Each user is in a public and in a private room, where there are both; a few own one.
    let first = person.number % rooms;
    let mine = if rooms > 1 { vec![first, (first + 1) % rooms] } else { vec![first] };
    for number in mine {
        let Some(name) = guest.room(number).await? else { return Ok(None) };
        names.push(name);
    }
    let partner = person.number ^ 1;
    if person.number / 2 < rooms && partner < users {
        let with = world.user(partner).name;
        let Some(name) = guest.direct(&with).await? else { return Ok(None) };
        names.push(name);
    }
    Ok(Some(names))
}

/// Somebody on the way in.
struct Guest<'a> {
    world: &'a World,
    person: &'a Person,
    session: &'a Session,
}

impl Guest<'_> {
    /// Makes the room, which makes one its owner, or becomes a member.
    async fn room(&self, number: usize) -> Result<Option<String>> {
        let name = name(self.world, number);
        let kind = if is_private(number) { "private" } else { "public" };
        if self.person.number == number {
            let room = json!({"name": name, "kind": kind});
            let made = self.insist(|| Ask::post("/api/v1/rooms", &room), &[201, 409]).await?;
            return Ok(made.map(|_| name));
        }
        if !is_private(number) {
            // Whoever owns it may not have made it yet.
            let path = format!("/api/v1/rooms/{name}/members/{}", self.person.name);
            let entered = self.insist(|| Ask::put(path.clone(), &json!({})), &[200, 201, 204]);
            return Ok(entered.await?.map(|_| name));
        }
        self.await_invitation(name).await
    }

    /// A private room is entered when its owner has invited one; see [`invite`].
    async fn await_invitation(&self, name: String) -> Result<Option<String>> {
        let path = format!("/api/v1/rooms/{name}");
        Ok(self.insist(|| Ask::get(path.clone()), &[200]).await?.map(|_| name))
    }

    async fn direct(&self, with: &str) -> Result<Option<String>> {
        let room = json!({"kind": "direct", "with": with});
        let made = self.insist(|| Ask::post("/api/v1/rooms", &room), &[200, 201]).await?;
        let name = |reply: Reply| reply.text("/room/name").map(str::to_owned);
        made.map(|reply| name(reply).context("a direct room has a name")).transpose()
    }

    /// Asks until it is done. What is not there yet may be there later.
    async fn insist(&self, ask: impl Fn() -> Ask, wanted: &[u16]) -> Result<Option<Reply>> {
        let mut backoff = Backoff::default();
        let mut stop = self.world.stop.clone();
        loop {
            let ask = ask().by(&self.session.token).from(self.person.number);
            let wait = match self.world.api.ask(ask).await {
                Ok(reply) if wanted.contains(&reply.status) => return Ok(Some(reply)),
                Ok(reply) if reply.status == 404 || reply.is_away() => {
                    backoff.fail(reply.retry_after)
                }
                Ok(reply) => bail!("{} got {}: {}", self.person.name, reply.status, reply.body),
                Err(_) => backoff.fail(None),
            };
            if !stop.sleep(wait, Phase::Settling).await {
                return Ok(None);
            }
        }
    }
}

/// The owner of a private room invites everybody who belongs there, until all have come.
pub(super) async fn invite(
    options: &Options,
    world: &World,
    owner: &Person,
    session: &Session,
) -> Result<()> {
    let (users, rooms) = (options.users as usize, options.rooms as usize);
    let room = name(world, owner.number);
    let belongs = |user: usize| user % rooms == owner.number || (user + 1) % rooms == owner.number;
    let guest = Guest { world, person: owner, session };
    for user in (0..users).filter(|user| *user != owner.number && belongs(*user)) {
        let path = format!("/api/v1/rooms/{room}/members/{}", world.user(user).name);
        let body: Value = json!({"role": "member"});
        // Who has no account yet is not found, and waited for.
        if guest.insist(|| Ask::put(path.clone(), &body), &[200, 201, 204]).await?.is_none() {
            break;
        }
    }
    Ok(())
}
