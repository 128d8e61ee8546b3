//! The id of a trace: what everything that one request or message causes is found by.

use campanile_metrics::TraceId;

/// Bytes of a `traceparent` of the version that is known: version, trace, parent and flags.
const TRACEPARENT_BYTES: usize = 55;

/// A trace that nobody has begun yet.
pub(crate) fn random() -> TraceId {
    // All 0 once in 2^128 times.
    TraceId(rand::random())
}

/// The trace that a `traceparent` header names. `None` where it is malformed: whoever receives such
/// a header has to begin a trace of its own.
pub(crate) fn of_traceparent(header: &str) -> Option<TraceId> {
    let (version, rest) = header.split_once('-')?;
    let (trace, rest) = rest.split_once('-')?;
    let (parent, rest) = rest.split_once('-')?;
    let (flags, more) = rest.split_once('-').map_or((rest, None), |(flags, _)| (flags, Some(())));
    // Later versions may say more behind what is known; this one may not.
    let fits = version != "00" || more.is_none() && header.len() == TRACEPARENT_BYTES;
    let parts = [(version, 2), (trace, 32), (parent, 16), (flags, 2)];
    let is_good = version != "ff"
        && fits
        && parts.iter().all(|(part, digits)| is_hex(part, *digits))
        && parent.bytes().any(|digit| digit != b'0');
    let trace = u128::from_str_radix(trace, 16).ok()?;
    (is_good && trace != 0).then(|| TraceId(trace.to_be_bytes()))
}

/// Whether a text is so many hexadecimal digits in lower case.
fn is_hex(text: &str, digits: usize) -> bool {
    text.len() == digits && text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

    #[test]
    fn a_trace_that_somebody_began_goes_on() {
        for good in [
            GOOD.to_owned(),
            GOOD.replacen("00", "cc", 1),
            format!("{}-x", GOOD.replacen("00", "cc", 1)),
        ] {
            let trace = of_traceparent(&good).map(|trace| trace.to_string());
            assert_eq!(trace.as_deref(), Some("0af7651916cd43dd8448eb211c80319c"), "{good}");
        }
    }

    #[test]
    fn what_is_malformed_begins_a_new_trace() {
        let trace = "0af7651916cd43dd8448eb211c80319c";
        for bad in [
            String::new(),
            "00".to_owned(),
            GOOD.replacen("00", "ff", 1),
            GOOD.to_uppercase(),
            format!("{GOOD}-x"),
            format!("{GOOD}\n"),
            GOOD.replace(trace, &"0".repeat(32)),
            GOOD.replace(trace, &format!("+{}", &trace[1..])),
            GOOD.replace("b7ad6b7169203331", &"0".repeat(16)),
            GOOD.replace("-01", "-1"),
        ] {
            assert!(of_traceparent(&bad).is_none(), "{bad}");
        }
        assert!(random() != random());
    }
}
