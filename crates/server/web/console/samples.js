// Five minutes of samples: the server's totals, once a second, made into rates.

export const SPAN_MS = 5 * 60_000;
const LONGEST_STEP_MS = 10_000;
const RATIO_MS = 60_000;

/** What was seen of the server in the last five minutes. */
export class Samples {
  /** Oldest first. A sample without `values` is a moment at which the server did not answer. */
  list = [];
  #previous = null;

  /** The newest sample's values, or null. */
  get latest() {
    return this.list.findLast((sample) => sample.values)?.values ?? null;
  }

  /** Of the look-ups of the cache in the last minute, the part that found something; null without any. */
  hitRatio(now) {
    let [hits, all] = [0, 0];
    for (const { at, values } of this.list) {
      if (now - at > RATIO_MS || !values || values.cacheHits === null || values.cacheMisses === null) continue;
      hits += values.cacheHits;
      all += values.cacheHits + values.cacheMisses;
    }
    return all > 0 ? hits / all : null;
  }

  /** Takes an answer of `GET /stats`, seen at `now`. */
  add(stats, now) {
    this.#push({ at: now, values: valuesOf(stats, this.#previous) });
    this.#previous = stats;
  }

  /** Notes that there was no answer, so that the plots show a gap and not a guess. */
  addGap(now) {
    this.#push({ at: now, values: null });
    this.#previous = null;
  }

  #push(sample) {
    this.list.push(sample);
    const oldest = sample.at - SPAN_MS;
    while (this.list[0].at < oldest) this.list.shift();
  }
}

/** Smallest, largest, mean and newest of a series; nulls where it has no value. */
export function summary(samples, pick) {
  const numbers = samples.map((sample) => (sample.values ? pick(sample.values) : null)).filter((value) => value !== null && value !== undefined);
  if (numbers.length === 0) return { least: null, most: null, mean: null, now: null };
  const total = numbers.reduce((sum, value) => sum + value, 0);
  return { least: Math.min(...numbers), most: Math.max(...numbers), mean: total / numbers.length, now: numbers.at(-1) };
}

function valuesOf(stats, previous) {
  const rate = rater(stats, previous);
  return {
    connections: stats.connections.active,
    users: stats.users_online,
    rooms: stats.rooms_active,
    opened: rate((one) => one.connections.opened_total),
    closed: rate((one) => one.connections.closed_total),
    refused: rate((one) => one.connections.rejected_total),
    received: rate((one) => one.messages.received_total),
    sent: rate((one) => one.messages.sent_total),
    accepted: rate((one) => one.messages.accepted_total),
    rejected: rate((one) => one.messages.rejected_total),
    failed: rate((one) => one.messages.failed_total),
    p50: stats.delivery.p50_seconds,
    p99: stats.delivery.p99_seconds,
    requests: rate((one) => one.http.requests_total),
    httpErrors: rate((one) => one.http.errors_total),
    storeOperations: rate((one) => one.store.operations_total),
    storeErrors: rate((one) => one.store.errors_total),
    published: rate((one) => one.bus.published_total),
    heard: rate((one) => one.bus.received_total),
    dropped: rate((one) => one.bus.dropped_total),
    lag50: stats.bus.lag_p50_seconds,
    lag99: stats.bus.lag_p99_seconds,
    cacheHits: rate((one) => one.cache.hits_total),
    cacheMisses: rate((one) => one.cache.misses_total),
    evicted: rate((one) => one.cache.evictions_total),
    logsSent: rate((one) => one.logs?.sent_total),
    logsDropped: rate((one) => one.logs?.dropped_total),
    memory: stats.memory_bytes,
    cpu: rate((one) => one.cpu_seconds_total),
  };
}

/** Rates between two answers; null for the first, after a pause, where there is no such total, and where it went back: a restart. */
function rater(stats, previous) {
  const stepMs = previous ? new Date(stats.at) - new Date(previous.at) : 0;
  const isUsable = stepMs > 0 && stepMs <= LONGEST_STEP_MS && stats.uptime_seconds >= previous.uptime_seconds;
  return (pick) => {
    if (!isUsable) return null;
    const rise = pick(stats) - pick(previous);
    return Number.isNaN(rise) || rise < 0 ? null : (rise * 1000) / stepMs;
  };
}
