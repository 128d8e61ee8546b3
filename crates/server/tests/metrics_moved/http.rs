//! What is asked over HTTP.

use crate::{
    scene::{Scene, cases},
    support::{socket::Socket, start, start_with},
};
use campanile_core::instrumented::Driver;
use campanile_metrics::testing::Recording;
use campanile_metrics::{Registry, standard::RuntimeWatch};
use campanile_server::{
    health::{Health, Neighbours},
    metrics::HealthMetrics,
    tasks::Tasks,
};
use serde_json::json;
use std::{
    io::{Read, Write},
    net::TcpStream,
    sync::Arc,
    time::Duration,
};

const LOGIN: (&str, &str) = ("route", "/api/v1/login");
const POST: (&str, &str) = ("method", "POST");
const ME: [(&str, &str); 2] = [("method", "GET"), ("route", "/api/v1/me")];

cases! {
    a_request_is_counted_by_method_route_and_status moves [
        "chat_http_requests_total{method=GET|POST,route=/api/v1/login|_unmatched,status=401|404}",
        "chat_http_request_duration_seconds{method=POST,route=/api/v1/login}",
        "chat_http_request_size_bytes{route=/api/v1/login}",
        "chat_http_response_size_bytes{route=/api/v1/login}",
    ] counted;
    a_connection_that_becomes_a_websocket_is_a_request_without_a_duration moves [
        "chat_http_requests_total{method=GET,route=/ws,status=101}",
        "chat_connections_active",
        "chat_http_request_duration_seconds",
    ] upgraded;
    a_request_that_does_not_come_in_time_is_counted moves [
        "chat_http_requests_total{method=_OTHER,route=_unmatched,status=408}",
    ] late;
    a_request_that_is_being_answered_is_seen_and_one_that_is_given_up_too moves [
        "chat_http_requests_in_flight{method=GET}",
        "chat_http_requests_total{method=GET,route=/api/v1/me,status=499}",
    ] given_up;
    a_panic_of_a_task_is_caught_and_counted moves [
        "chat_runtime_panics_total",
    ] panicked;
}

fn counted(scene: &Scene) {
    let server = start();
    let before = server.scrape();
    let guess = json!({"name": "ada", "password": "is it this?"});
    let answer = server.post("/api/v1/login", &guess);
    let status = &[POST, LOGIN, ("status", "401")];
    scene.rose(&server, &before, ("chat_http_requests_total", status), 1.0);
    let endpoint = &[POST, LOGIN];
    scene.rose(&server, &before, ("chat_http_request_duration_seconds_count", endpoint), 1.0);
    let request = guess.to_string().len() as f64;
    scene.rose(&server, &before, ("chat_http_request_size_bytes_count", &[LOGIN]), 1.0);
    scene.rose(&server, &before, ("chat_http_request_size_bytes_sum", &[LOGIN]), request);
    let response = answer.body.len() as f64;
    scene.rose(&server, &before, ("chat_http_response_size_bytes_count", &[LOGIN]), 1.0);
    scene.rose(&server, &before, ("chat_http_response_size_bytes_sum", &[LOGIN]), response);
    assert_eq!(server.get("/who/knows/what").status, 404);
    let unmatched = &[("method", "GET"), ("route", "_unmatched"), ("status", "404")];
    scene.rose(&server, &before, ("chat_http_requests_total", unmatched), 1.0);
    scene.total_rose(&server, &before, "chat_http_requests_total", 2.0);
}

fn upgraded(scene: &Scene) {
    let server = start();
    let before = server.scrape();
    let socket = Socket::open(&server);
    let endpoint = [("method", "GET"), ("route", "/ws")];
    let switched = &[endpoint[0], endpoint[1], ("status", "101")];
    scene.rose(&server, &before, ("chat_http_requests_total", switched), 1.0);
    socket.close();
    scene.is(
        &server,
        "chat_connections_active",
        &[crate::scene::NATIVE, crate::scene::WEBSOCKET],
        0.0,
    );
    scene.stays(&server, &before, ("chat_http_request_duration_seconds_count", &endpoint));
}

fn late(scene: &Scene) {
    let server = start_with(|config| config.server.request_timeout_seconds = 1.5);
    let before = server.scrape();
    // One that begins to ask, and one that leaves before it is answered.
    let mut slow = TcpStream::connect(server.address).expect("it listens");
    slow.write_all(b"GET / HTTP/1.1\r\nHost:").expect("sent");
    drop(TcpStream::connect(server.address).expect("it listens"));
    let mut answer = String::new();
    slow.read_to_string(&mut answer).expect("an answer");
    assert!(answer.starts_with("HTTP/1.1 408 "), "{answer}");
    let labels = [("method", "_OTHER"), ("route", "_unmatched"), ("status", "408")];
    scene.rose(&server, &before, ("chat_http_requests_total", &labels), 1.0);
    server.get("/livez");
    scene.total_rose(&server, &before, "chat_http_requests_total", 2.0);
}

fn given_up(scene: &Scene) {
    // The second request waits for its time, and so it can be looked at, and given up.
    let server = start_with(|config| {
        config.limits.api_per_address.per_second = 0.2;
        config.limits.api_per_address.burst = 1;
        config.limits.rate_wait_max_seconds = 60.0;
    });
    assert_eq!(server.get("/api/v1/me").status, 401);
    let before = server.scrape();
    let mut stream = TcpStream::connect(server.address).expect("it listens");
    stream.write_all(b"GET /api/v1/me HTTP/1.1\r\nHost: x\r\n\r\n").expect("sent");
    let get = &[("method", "GET")];
    scene.is(&server, "chat_http_requests_in_flight", get, 1.0);
    // Without a lingering goodbye: the server is told at once that nobody waits.
    let socket = socket2::Socket::from(stream);
    socket.set_linger(Some(Duration::ZERO)).expect("a socket takes it");
    drop(socket);
    scene.is(&server, "chat_http_requests_in_flight", get, 0.0);
    let gone = &[ME[0], ME[1], ("status", "499")];
    scene.rose(&server, &before, ("chat_http_requests_total", gone), 1.0);
}

fn panicked(scene: &Scene) {
    let recording = Recording::with(Registry::builder().values::<Driver>(["memory"]));
    let registry = recording.registry();
    let neighbours = Neighbours {
        store: Box::new(|| Box::pin(async { true })),
        bus: Box::new(|| Box::pin(async { true })),
    };
    let runtime = RuntimeWatch::install(registry).metrics().clone();
    let health = Arc::new(Health::new(HealthMetrics::register(registry), runtime, neighbours));
    actix_web::rt::System::new().block_on(async {
        let mut tasks = Tasks::default();
        let (ended, ending) = tokio::sync::oneshot::channel::<()>();
        tasks.spawn("a task that fails", &health, async move {
            let _dropped_on_the_way_out = ended;
            panic!("as it should");
        });
        ending.await.expect_err("it ends without a word");
        tasks.stop().await;
    });
    scene.note("chat_runtime_panics_total");
    assert_eq!(recording.probe().value("chat_runtime_panics_total", &[]), Some(1.0));
}
