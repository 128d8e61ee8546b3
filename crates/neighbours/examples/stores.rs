//! A PostgreSQL and a Redis for a task that starts programs over both: prints the URL of a database
//! and that of Redis, a line each, and ends them when its input ends.

use campanile_neighbours::{Postgres, Redis};
use std::io::{self, Write};

fn main() -> io::Result<()> {
    let (postgres, redis) = (Postgres::start(), Redis::start());
    let mut out = io::stdout();
    writeln!(out, "{}\n{}", postgres.create_database("chat"), redis.url())?;
    out.flush()?;
    // Whoever started it has ended, or is done.
    io::copy(&mut io::stdin(), &mut io::sink()).map(drop)
}
