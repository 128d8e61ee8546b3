//! Asking an HTTP endpoint of a running server.

use crate::readings::Reading;

/// Seconds that an endpoint may take.
const PATIENCE_SECONDS: u64 = 5;

/// Why there is no answer to read.
#[derive(Debug, thiserror::Error)]
pub(super) enum EndpointError {
    #[error("{url} is served over HTTPS, which this command does not speak")]
    Https { url: String },
    #[error("{url} does not answer: {source}")]
    Silent { url: String, source: minreq::Error },
    #[error("{url} wants a token (metrics.bearer_token, metrics.basic_auth)")]
    Token { url: String },
    #[error("{url} does not allow this address (metrics.allow_ips, metrics.allow_cidr)")]
    Address { url: String },
    #[error("{url} answers with status {status}")]
    Status { url: String, status: u16 },
    #[error("{url} is no metrics endpoint of this program")]
    Other { url: String },
}

/// An answer.
pub(super) struct Answer {
    pub(super) status: u16,
    pub(super) text: String,
}

/// Asks for a page.
pub(super) fn get(url: &str, token: Option<&str>) -> Result<Answer, EndpointError> {
    if url.starts_with("https:") {
        return Err(EndpointError::Https { url: url.to_owned() });
    }
    let mut request = minreq::get(url).with_timeout(PATIENCE_SECONDS);
    if let Some(token) = token {
        request = request.with_header("Authorization", format!("Bearer {token}"));
    }
    let answer = request.send();
    let answer = answer.map_err(|source| EndpointError::Silent { url: url.to_owned(), source })?;
    let status = answer.status_code;
    Ok(Answer { status, text: String::from_utf8_lossy(answer.as_bytes()).into_owned() })
}

/// Reads a metrics endpoint.
pub(super) fn scrape(url: &str, token: Option<&str>) -> Result<Reading, EndpointError> {
    let answer = get(url, token)?;
    let url = url.to_owned();
    match answer.status {
        200 => {}
        401 => return Err(EndpointError::Token { url }),
        403 => return Err(EndpointError::Address { url }),
        status => return Err(EndpointError::Status { url, status }),
    }
    let reading = Reading::of(&answer.text);
    if reading.is_ours() { Ok(reading.declared()) } else { Err(EndpointError::Other { url }) }
}
