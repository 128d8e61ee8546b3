//! What is spoiled on the way is found out, whatever the protocol.

use std::net::TcpListener;

use crate::proxy::{STALL, Spoil, start};
use crate::run::{Protocol, run};
use crate::server;

fn check(spoil: Spoil, fault: &str) {
    let server = server::start();
    for protocol in [Protocol::Native, Protocol::Pusher] {
        let proxy = start(server.address, spoil);
        let arguments = "fanout --subscribers 5 --rate 60 --settle 1s";
        let ran = run(protocol, proxy, arguments);
        ran.expect_fault(fault);
        assert!(ran.report["named"][0].as_str().is_some_and(|text| text.contains("client")));
    }
}

#[test]
fn a_lost_message_is_found_out() {
    check(Spoil::Drop, "lost");
}

#[test]
fn a_doubled_message_is_found_out() {
    check(Spoil::Double, "duplicated");
}

#[test]
fn swapped_messages_are_found_out() {
    check(Spoil::Swap, "out_of_order");
}

#[test]
fn a_message_of_another_channel_is_found_out() {
    check(Spoil::Misdirect, "contradicted");
}

#[test]
fn a_message_that_a_returning_client_is_not_told_is_found_out() {
    let server = server::start();
    for spoil in [Spoil::Drop, Spoil::Double] {
        let proxy = start(server.address, spoil);
        let ran = run(Protocol::Native, proxy, "storm --clients 4 --each 4 --rate 40 --settle 1s");
        assert_eq!(ran.code, Some(1), "{}", ran.told());
    }
}

#[test]
fn a_cut_connection_is_found_out() {
    check_cut("fanout --subscribers 5 --rate 60 --settle 1s");
    check_cut("idle --connections 5");
    // Some are cut before it is their turn to enter: they come again.
    check_cut("idle --connections 4 --connect-rate 3");
}

fn check_cut(arguments: &str) {
    let server = server::start();
    let proxy = start(server.address, Spoil::Cut);
    run(Protocol::Pusher, proxy, arguments).expect_fault("cuts");
}

#[test]
fn a_stall_is_counted_for_all_that_was_due_in_it() {
    let server = server::start();
    let proxy = start(server.address, Spoil::Stall);
    let ran = run(Protocol::Pusher, proxy, "fanout --subscribers 2 --rate 100");
    let report = ran.expect_well();
    let sent = report["sent"].as_u64();
    assert!(sent.is_some_and(|sent| sent >= 100), "none is left out: {report:#}");
    // Half of a second's messages were due while nothing was answered: not one in a hundred, as a
    // client would count that had waited with them.
    let p90 = report["latencies"]["delivery"]["p90_ms"].as_f64();
    assert!(p90.is_some_and(|p90| p90 > STALL.as_millis() as f64 / 2.0), "{report:#}");
}

#[test]
fn a_server_that_hangs_up_after_each_answer_is_asked_anew() {
    let server = server::start();
    let proxy = start(server.address, Spoil::HangUp);
    let report = run(Protocol::Pusher, proxy, "http --publishers 2 --rate 60").expect_well();
    let (sent, acknowledged) = (&report["sent"], &report["acknowledged"]);
    assert!(sent == acknowledged && sent.as_u64() >= Some(60), "{report:#}");
    assert_eq!(report["unreachable"], 0);
}

#[test]
fn a_silent_run_is_not_a_good_one() {
    let server = server::start_with(|config| config.apps[0].enabled = false);
    let ran = run(Protocol::Pusher, server.address, "fanout --subscribers 1");
    assert_eq!(ran.code, Some(1), "{}", ran.told());
    assert!(ran.errors.contains("not let in"), "{}", ran.errors);
}

#[test]
fn a_server_that_is_not_there_is_said_at_once() {
    let free = TcpListener::bind("127.0.0.1:0").expect("a port").local_addr().expect("bound");
    for protocol in [Protocol::Native, Protocol::Pusher] {
        let ran = run(protocol, free, "fanout");
        assert_eq!(ran.code, Some(1), "{}", ran.told());
        assert!(ran.errors.contains("nobody answers"), "{}", ran.errors);
    }
}

#[test]
fn wrong_usage_is_another_exit_code() {
    let nowhere = "127.0.0.1:1".parse().expect("an address");
    for arguments in
        ["fanout --rate 0", "fanout --rate 5 --saturate", "idle --protocol pusher", "idle --pid x"]
    {
        let ran = run(Protocol::Native, nowhere, arguments);
        assert_eq!(ran.code, Some(2), "{arguments}: {}", ran.told());
    }
}
