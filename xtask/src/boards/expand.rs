//! The variables of Grafana in a query, put in as Grafana would.

/// What the variables of a board stand for.
pub(crate) struct Variables {
    pub(crate) job: String,
    pub(crate) instance: String,
    /// `$__rate_interval`, and what else depends on how closely one looks.
    pub(crate) interval: String,
    /// `$__range`: how far back the board looks.
    pub(crate) range: String,
}

impl Default for Variables {
    /// Everything of the chat, looked at closely.
    fn default() -> Self {
        let text = str::to_owned;
        Self { job: text("chat"), instance: text(".+"), interval: text("1m"), range: text("1h") }
    }
}

/// The query as the datasource gets it.
pub(crate) fn expand(query: &str, variables: &Variables) -> String {
    let known = [
        ("$__rate_interval", &variables.interval),
        ("$__interval", &variables.interval),
        ("$__auto", &variables.interval),
        ("$__range", &variables.range),
        ("$job", &variables.job),
        ("$instance", &variables.instance),
    ];
    known.iter().fold(query.to_owned(), |query, (name, value)| query.replace(name, value))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_variable_is_put_in() {
        let query =
            "rate(a{job=~\"$job\", instance=~\"$instance\"}[$__rate_interval]) + b[$__range]";
        let expanded = expand(query, &Variables::default());
        assert_eq!(expanded, "rate(a{job=~\"chat\", instance=~\".+\"}[1m]) + b[1h]");
    }
}
