//! Alerts that nobody hears, and such as mute, or are muted by, what is not there.

use super::finds;

const ALERTMANAGER: &str = "deploy/alertmanager/alertmanager.yml";

#[test]
fn a_misspelt_field_is_found() {
    finds(
        ALERTMANAGER,
        "group_wait",
        "group_waits",
        "alertmanager.yml:16: there is no field `route.group_waits`",
    );
    finds(
        ALERTMANAGER,
        "repeat_interval: 24h",
        "repeat: 24h",
        "there is no field `route.routes.3.repeat`",
    );
    finds(
        ALERTMANAGER,
        "- url_file:",
        "- url:",
        "there is no field `receivers.0.webhook_configs.0.url`",
    );
}

#[test]
fn every_severity_has_a_route_and_every_route_a_receiver() {
    for (from, to, expected) in [
        (
            "receiver: page",
            "receiver: pager",
            "`route.routes.1.receiver`: there is no receiver `pager`",
        ),
        ("receiver: page", "receiver: mail", "`receivers.page`: no route leads to it"),
        ("name: mail", "name: page", "`receivers`: there are two of the name `page`"),
        (
            "[severity=\"info\"]",
            "[severity=\"information\"]",
            "`route.routes`: none takes the severity `info`, as of ",
        ),
        (
            "[severity=\"info\"]",
            "[severity=\"information\"]",
            "`route.routes.3.matchers`: no alert has the `severity` `information`",
        ),
        (
            "[severity=\"info\"]",
            "[team=\"a\"]",
            "`route.routes.3.matchers`: no alert has the label `team`",
        ),
        (
            "[severity=\"info\"]",
            "[severity]",
            "`route.routes.3.matchers`: `severity` is no matcher",
        ),
        ("  receiver: channel\n", "", "`route.receiver` is not set"),
        (
            "  receiver: channel\n",
            "  receiver: channel\n  matchers: [job=\"chat\"]\n",
            "`route.matchers`: the first route takes everything",
        ),
        (
            "[alertname, job]",
            "[alertname, service]",
            "`route.group_by`: no alert has the label `service`",
        ),
        ("group_wait: 30s", "group_wait: soon", "`route.group_wait` is no duration: `soon`"),
        (
            "repeat_interval: 1h",
            "repeat_interval: 1x",
            "`route.routes.1.repeat_interval` is no duration: `1x`",
        ),
        (
            "resolve_timeout: 5m",
            "resolve_timeout: soon",
            "`global.resolve_timeout` is no duration: `soon`",
        ),
    ] {
        finds(ALERTMANAGER, from, to, expected);
    }
    finds(
        "alerts/up.yaml",
        "severity: critical",
        "severity: page",
        "`route.routes`: none takes the severity `page`, as of Chat",
    );
}

#[test]
fn a_receiver_tells_somebody() {
    for (from, to, expected) in [
        (
            "    email_configs:\n      - to: operators@example.org                       # CHANGE\n        send_resolved: true\n",
            "",
            "`receivers.mail` tells nobody",
        ),
        (
            "  smtp_from: campanile@example.org                      # CHANGE\n",
            "",
            "`receivers.mail.email_configs`: `global.smtp_from` is not set",
        ),
        (
            "  slack_api_url_file: /run/secrets/alertmanager_slack_url\n",
            "",
            "`receivers.page.slack_configs`: `global.slack_api_url_file` is not set",
        ),
        (
            "receivers:\n",
            "templates: [/etc/alertmanager-templates/*.tmpl]\nreceivers:\n",
            "`templates`: nothing is at `/etc/alertmanager-templates/*.tmpl`",
        ),
        (
            "alertmanager_watchdog_url",
            "alertmanager_dog_url",
            "`services.alertmanager.secrets` has not `alertmanager_dog_url`",
        ),
    ] {
        finds(ALERTMANAGER, from, to, expected);
    }
}

#[test]
fn what_mutes_and_what_is_muted_are_there() {
    for (from, to, expected) in [
        (
            "source_matchers: [alertname=\"ChatServerAbsent\"]",
            "source_matchers: [alertname=\"ChatServersAbsent\"]",
            "`inhibit_rules.0.source_matchers`: no alert has the `alertname` `ChatServersAbsent`",
        ),
        (
            "alertname=~\"Chat.+\"",
            "alertname=~\"Tchat.+\"",
            "`inhibit_rules.0.target_matchers`: no alert has such a `alertname`",
        ),
        (
            "ChatServerAbsent|ChatServerDown",
            "ChatServerAbsent|ChatServerGone",
            "`inhibit_rules.0.target_matchers`: no alert has the `alertname` `ChatServerGone`",
        ),
        (
            "severity=~\"warning|info\"",
            "severity=~\"warning|notice\"",
            "`inhibit_rules.1.target_matchers`: no alert has the `severity` `notice`",
        ),
        (
            "equal: [job, instance]",
            "equal: [job, node]",
            "`inhibit_rules.1.equal`: no alert has the label `node`",
        ),
        ("equal: [job, instance]", "equal: []", "`inhibit_rules.1.equal` is empty"),
        (
            "target_matchers: [severity=\"warning\"]",
            "target_matchers: []",
            "`inhibit_rules.2.target_matchers` takes everything",
        ),
        (
            "target_matchers: [severity=\"warning\"]",
            "target_matchers: [severity=\"(\"]",
            "no alert has",
        ),
    ] {
        finds(ALERTMANAGER, from, to, expected);
    }
}

#[test]
fn what_mutes_is_seen_on_the_live_stack() {
    finds(
        ALERTMANAGER,
        "inhibit_rules:\n",
        "inhibit_rules:\n  - source_matchers: [alertname=\"ChatBrokerDown\"]\n    target_matchers: [severity=\"info\"]\n    equal: [job]\n",
        "`inhibit_rules.0` is not seen alone: xtask/src/e2e/routes.rs has no such two",
    );
    finds(
        ALERTMANAGER,
        "equal: [alertname, job]",
        "equal: [alertname, severity]",
        "no `inhibit_rules` lets (\"ChatApiErrorBudgetBurn\", \"critical\") mute",
    );
    finds(
        "alerts/slo.yaml",
        "alert: ChatApiErrorBudgetBurn",
        "alert: ChatApiBudgetBurn",
        "names (\"ChatApiErrorBudgetBurn\", \"critical\"), which is no alert",
    );
}
