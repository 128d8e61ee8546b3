//! The command as people use it: what it reads, what it says, and with which code it ends.

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::net::TcpListener;
use std::path::Path;
use std::process::{Command, Output};
use std::thread;

use serde_json::Value;
use tempfile::TempDir;

const IDLE: &str =
    "groups:\n- name: g\n  rules:\n  - alert: A\n    expr: rate(chat_sent_total[5m]) < 1\n";

const FINE: &str = "groups:\n- name: g\n  rules:\n  - alert: A\n    expr: chat_queue_depth > 1\n";

fn folder(files: &[(&str, &str)]) -> TempDir {
    let folder = TempDir::new().expect("a folder");
    for (name, text) in files {
        let path = folder.path().join(name);
        fs::create_dir_all(path.parent().expect("a parent")).expect("a folder");
        fs::write(path, text).expect("a file");
    }
    folder
}

fn run(folder: &Path, arguments: &[&str]) -> Output {
    let program = env!("CARGO_BIN_EXE_monitor-lint");
    Command::new(program).current_dir(folder).args(arguments).output().expect("it runs")
}

fn code(output: &Output) -> i32 {
    output.status.code().expect("it was not killed")
}

fn stdout(output: &Output) -> &str {
    std::str::from_utf8(&output.stdout).expect("UTF-8")
}

fn stderr(output: &Output) -> &str {
    std::str::from_utf8(&output.stderr).expect("UTF-8")
}

/// The rules of the findings, as JSON has them.
fn rules(output: &Output) -> Vec<String> {
    let found: Value = serde_json::from_slice(&output.stdout).expect("JSON");
    let rules = found.as_array().expect("an array").iter().map(|one| one["rule"].as_str());
    rules.map(|rule| rule.expect("a rule").to_owned()).collect()
}

#[test]
fn the_code_says_whether_something_was_found() {
    let folder = folder(&[("idle.yaml", IDLE), ("fine.yaml", FINE)]);
    let found = run(folder.path(), &["idle.yaml"]);
    assert_eq!(code(&found), 1);
    let line = "idle.yaml:5:16: error: an alert rings while nothing happens [fires-when-idle]\n 5 |     expr: rate(chat_sent_total[5m]) < 1\n   |                ^\n";
    assert!(stdout(&found).starts_with(line), "{}", stdout(&found));
    assert!(stdout(&found).ends_with("1 file: 1 found (1 error)\n"));
    let fine = run(folder.path(), &["fine.yaml"]);
    assert_eq!((code(&fine), stdout(&fine)), (0, "1 file: nothing found\n"));
}

#[test]
fn what_cannot_be_read_is_said_in_a_line() {
    let folder = folder(&[("fine.yaml", FINE), ("a/b.txt", ""), ("bad.json", "{}")]);
    for (arguments, expected) in [
        (&["missing.yaml"][..], "cannot read missing.yaml: "),
        (&["a"], "a has no file to look at"),
        (&["--catalogue", "bad.json", "fine.yaml"], "bad.json: "),
        (&["--catalogue", "http://127.0.0.1:1/metrics", "fine.yaml"], "cannot ask http://127"),
    ] {
        let output = run(folder.path(), arguments);
        assert_eq!((code(&output), stdout(&output)), (2, ""), "{arguments:?}");
        let said = stderr(&output);
        assert!(said.starts_with(&format!("monitor-lint: {expected}")), "{said}");
        assert_eq!(said.lines().count(), 1, "{said}");
    }
    assert_eq!(code(&run(folder.path(), &[])), 2);
    assert_eq!(code(&run(folder.path(), &["--format", "xml", "fine.yaml"])), 2);
}

#[test]
fn json_has_the_fields_that_are_promised() {
    let folder = folder(&[("idle.yaml", IDLE)]);
    let output = run(folder.path(), &["--format", "json", "idle.yaml"]);
    let found: Value = serde_json::from_slice(&output.stdout).expect("JSON");
    let one = found[0].as_object().expect("an object");
    assert_eq!((&one["file"], &one["line"]), (&"idle.yaml".into(), &5.into()));
    assert_eq!((&one["alert"], &one["panel"]), (&"A".into(), &Value::Null));
    assert_eq!((&one["rule"], &one["severity"]), (&"fires-when-idle".into(), &"error".into()));
    assert_eq!(one["query"], "rate(chat_sent_total[5m]) < 1");
    assert!(
        ["why", "better"]
            .iter()
            .all(|name| one[*name].as_str().is_some_and(|said| !said.is_empty()))
    );
}

#[test]
fn sarif_describes_each_rule_that_was_broken() {
    let folder = folder(&[("idle.yaml", IDLE)]);
    let output = run(folder.path(), &["--format", "sarif", "idle.yaml"]);
    let log: Value = serde_json::from_slice(&output.stdout).expect("JSON");
    let run = &log["runs"][0];
    let described = run["tool"]["driver"]["rules"].as_array().expect("rules");
    let result = &run["results"][0];
    assert!(described.iter().any(|rule| rule["id"] == result["ruleId"]));
    assert_eq!((&log["version"], &result["level"]), (&"2.1.0".into(), &"error".into()));
    let place = &result["locations"][0]["physicalLocation"];
    assert_eq!(place["artifactLocation"]["uri"], "idle.yaml");
    assert_eq!(place["region"]["startLine"], 5);
}

#[test]
fn files_that_are_given_together_are_one_setup_and_a_guide_is_its_own() {
    let config = "global: {scrape_interval: 15s}\nscrape_configs: []\n";
    let guide = format!("```yaml\n{config}```\n");
    let folder = folder(&[("rules/fine.yaml", FINE), ("prometheus.yml", config), ("a.md", &guide)]);
    let together = run(folder.path(), &["--format", "json", "rules", "prometheus.yml"]);
    assert_eq!(rules(&together), ["rules-not-loaded"]);
    for alone in
        [&["--format", "json", "prometheus.yml"][..], &["--format", "json", "rules", "a.md"]]
    {
        assert_eq!(rules(&run(folder.path(), alone)), [""; 0]);
    }
}

/// A server that has these answers, each to whoever asks for its path.
fn serve(answers: &'static [(&'static str, &'static str)]) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = listener.local_addr().expect("an address");
    thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.expect("a connection");
            let mut lines = BufReader::new(stream.try_clone().expect("a socket")).lines();
            let first = lines.next().expect("a line").expect("UTF-8");
            let path = first.split(' ').nth(1).unwrap_or_default().to_owned();
            while lines.next().is_some_and(|line| line.is_ok_and(|line| !line.is_empty())) {}
            let answer = answers.iter().find(|(known, _)| *known == path);
            let (status, body) = answer.map_or(("404 Not Found", ""), |(_, body)| ("200 OK", body));
            let head = format!(
                "HTTP/1.1 {status}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n",
                body.len()
            );
            let _ =
                stream.write_all(head.as_bytes()).and_then(|()| stream.write_all(body.as_bytes()));
        }
    });
    format!("http://{address}")
}

#[test]
fn a_server_says_what_can_be_asked_for() {
    let url = serve(&[
        ("/metrics", "# TYPE chat_queue_length gauge\nchat_queue_length 1\n"),
        ("/api/v1/metadata", r#"{"data": {"chat_queue_depth": [{"type": "counter"}]}}"#),
        ("/api/v1/label/__name__/values", r#"{"data": ["chat_queue_depth"]}"#),
    ]);
    let folder = folder(&[("fine.yaml", FINE)]);
    let with =
        |name: &str, url: &str| run(folder.path(), &["--format", "json", name, url, "fine.yaml"]);
    let unknown = with("--catalogue", &format!("{url}/metrics"));
    assert_eq!(rules(&unknown), ["unknown-metric"]);
    assert!(stdout(&unknown).contains("perhaps chat_queue_length"), "{}", stdout(&unknown));
    assert_eq!(
        rules(&with("--prometheus", &url)),
        [""; 0],
        "above 1 it asks whether, not how many"
    );
    let missing = with("--catalogue", &format!("{url}/other"));
    assert_eq!(code(&missing), 2);
    assert!(stderr(&missing).contains("it answers 404"), "{}", stderr(&missing));
}

#[test]
fn exceptions_reach_as_far_as_what_they_stand_above() {
    let rule = |name: &str, before: &str| {
        format!("{before}  - alert: {name}\n    expr: rate(chat_sent_total[5m]) < 1\n")
    };
    let reason = "  # lint: allow fires-when-idle because it is a test\n";
    let rules_of = |rules: &str| format!("groups:\n- name: g\n  rules:\n{rules}");
    let trailing = "  - alert: C\n    expr: rate(chat_sent_total[5m]) < 1 # lint: allow fires-when-idle because it is a test\n";
    for (text, expected) in [
        (rules_of(&(rule("A", reason) + &rule("B", ""))), &["fires-when-idle"][..]),
        (rules_of(&(rule("A", reason) + &rule("B", reason))), &[]),
        (rules_of(trailing), &[]),
        (
            rules_of(&rule("A", "  # lint: allow fires-when-idle\n")),
            &["allow-without-reason", "fires-when-idle"],
        ),
        (
            rules_of(&rule("A", "  # lint: allow fires-when-idl because of a slip\n")),
            &["allow-unused", "fires-when-idle"],
        ),
        (format!("{reason}{FINE}"), &["allow-unused"]),
        (format!("a: 'say `# lint: allow fires-when-idle because of this`'\n{FINE}"), &[]),
    ] {
        let folder = folder(&[("a.yaml", &text)]);
        let output = run(folder.path(), &["--format", "json", "a.yaml"]);
        assert_eq!(rules(&output), expected, "{text}");
    }
    let fence = "<!-- lint: allow fires-when-idle because it is a test -->\n```yaml\n";
    let guide = format!("{fence}{IDLE}```\n\n```yaml\n{IDLE}```\n");
    let folder = folder(&[("a.md", &guide)]);
    assert_eq!(rules(&run(folder.path(), &["--format", "json", "a.md"])), ["fires-when-idle"]);
}

#[test]
fn what_commands_are_fed_is_looked_at() {
    let rules = IDLE.replace(
        "groups",
        "apiVersion: monitoring.coreos.com/v1\nkind: PrometheusRule\nspec:\n  groups",
    );
    let rules = rules.replace("\n- name", "\n  - name").replace("\n  rules", "\n    rules");
    let rules = rules.replace("\n  - alert", "\n    - alert").replace("\n    expr", "\n      expr");
    let guide = format!("# A\n\n```sh\nkubectl apply -f - <<EOF\n{rules}EOF\n```\n");
    let folder = folder(&[("a.md", &guide)]);
    let output = run(folder.path(), &["a.md"]);
    assert!(
        stdout(&output).starts_with("a.md:12:18: error: an alert rings"),
        "{guide}{}",
        stdout(&output)
    );
}

#[test]
fn help_and_the_list_of_rules_say_what_there_is() {
    let folder = folder(&[]);
    let help = run(folder.path(), &["--help"]);
    for word in
        ["Exit code 0", "--catalogue", "--prometheus", "--format", "lint: allow", "Markdown"]
    {
        assert!(stdout(&help).contains(word), "{word}: {}", stdout(&help));
    }
    let list = run(folder.path(), &["--rules"]);
    assert_eq!(code(&list), 0);
    assert!(stdout(&list).lines().any(|line| line.contains("rate-of-gauge")));
}

#[test]
fn what_is_safe_is_mended_and_the_rest_is_said() {
    let rules = "groups:\n- name: g\n  rules:\n  - alert: A\n    expr: redis_memory_used_bytes{a=\"b\"}/redis_memory_max_bytes{a=\"b\"} > 0.9\n";
    let board = "{\"title\": \"T\", \"panels\": [{\"title\": \"P\", \"targets\": [\n{\"expr\": \"rate(a_total[$__interval]) + rate(b_total[$__interval])\"}]}]}\n";
    let guide =
        "# A\n\n```sh\ncurl -s 'http://a:9090/api/v1/query?query=up{job=\"b\"}' | jq .\n```\n";
    let compose = "version: '3'\nservices:\n  a: {image: b}\n";
    let files = [("a.yaml", rules), ("b.json", board), ("c.md", guide), ("d.yml", compose)];
    let folder = folder(&files);
    let output = run(folder.path(), &["--fix", "--format", "json", "."]);
    assert_eq!(stderr(&output), "monitor-lint: 4 mended in 4 files\n");
    let left = self::rules(&output);
    assert!(!left.is_empty() && left.iter().all(|rule| rule.starts_with("panel-")), "{left:?}");
    let now = |name: &str| fs::read_to_string(folder.path().join(name)).expect("it is there");
    assert!(now("a.yaml").contains("{a=\"b\"}/ (redis_memory_max_bytes{a=\"b\"} > 0) > 0.9\n"));
    assert!(!now("b.json").contains("$__interval") && now("b.json").contains("$__rate_interval"));
    assert!(now("c.md").contains(
        "curl -s -G 'http://a:9090/api/v1/query' --data-urlencode 'query=up{job=\"b\"}' | jq .\n"
    ));
    assert_eq!(now("d.yml"), "services:\n  a: {image: b}\n");
    assert_eq!(fs::read_dir(folder.path()).expect("a folder").count(), files.len());
}
