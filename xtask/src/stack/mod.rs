//! The compose stack: started until all of it is healthy, hurt, and taken down.

mod configurations;
mod dockerfile;
mod engine;
mod images;
mod ports;
mod progress;
mod pulls;
mod secrets;
mod standins;
mod verbs;

use std::collections::BTreeMap;
use std::io::Write;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::thread;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use serde_json::{Map, Value};

use crate::live;
use crate::wait;
use crate::workspace::Workspace;
pub(crate) use configurations::{forget_targets, read, targets, write, write_text};
pub(crate) use dockerfile::bases;
pub(crate) use engine::OwnEngine;
use engine::{Engine, output};
use images::Images;
use progress::Progress;
use standins::StandIns;

pub(crate) use secrets::{names as secret_names, random, value as secret};
pub(crate) use verbs::{down, images as make_images, start, up};

/// Until the last service is healthy, once all containers run.
const HEALTHY_DEADLINE: Duration = Duration::from_secs(300);

/// A server beside which commands are run.
const SERVER: &str = "campanile-1";

/// Until a command beside it has reached the database.
const OPERATOR_DEADLINE: Duration = Duration::from_secs(60);

/// How a stack differs from the one that people start.
#[derive(Default)]
pub(crate) struct Options {
    /// Further compose files, over ours.
    pub(crate) overrides: Vec<PathBuf>,
    /// For the variables in the compose files.
    pub(crate) environment: Vec<(String, String)>,
    /// Variables that are something else where a service has an image: the service, the name, the
    /// value.
    pub(crate) where_runs: Vec<(&'static str, &'static str, &'static str)>,
    /// Whether the chat server is the one that the tests build.
    pub(crate) debug: bool,
    /// Whether ports of this machine are whichever are free.
    pub(crate) random_ports: bool,
    /// Whether it stays when this is dropped.
    pub(crate) keep: bool,
}

/// A stack that runs.
pub(crate) struct Stack {
    compose: Compose,
    /// The services that run.
    services: Vec<String>,
    left_out: Vec<String>,
    keep: bool,
}

/// `docker compose` with its project, files and environment.
struct Compose {
    engine: Engine,
    project: String,
    files: Vec<PathBuf>,
    environment: Vec<(String, String)>,
}

impl Stack {
    /// Makes sure that containers can be started here. An engine that was started for this is the
    /// caller's.
    pub(crate) fn prepare(workspace: &Workspace) -> Result<Option<OwnEngine>> {
        Engine::begin(workspace)
    }

    /// Takes down what is left of an earlier stack, with what it stored.
    pub(crate) fn clear(workspace: &Workspace, project: &str) -> Result<()> {
        let engine = Engine::find(workspace)?;
        Compose::new(workspace, engine, project, &Options::default())?.down(true)
    }

    /// Provides engine, secrets and images, starts all services, and waits until they are healthy.
    pub(crate) fn start(workspace: &Workspace, project: &str, options: &Options) -> Result<Self> {
        let engine = Engine::find(workspace)?;
        secrets::make(&workspace.root.join(secrets::FOLDER))?;
        let mut compose = Compose::new(workspace, engine, project, options)?;
        compose.files.extend(options.overrides.iter().cloned());
        let images = compose.provide_images(workspace, options.debug)?;
        if options.random_ports {
            compose.choose_ports()?;
        }
        for (service, name, value) in &options.where_runs {
            if !images.left_out.iter().any(|left_out| left_out == service) {
                // What is set last counts.
                compose.environment.push(((*name).to_owned(), (*value).to_owned()));
            }
        }
        if !images.server_stood_in() {
            compose.run(&["build", "campanile-1"])?;
        }
        let services: Vec<String> = compose
            .services()?
            .into_keys()
            .filter(|service| !images.left_out.contains(service))
            .collect();
        let stack = Self { compose, services, left_out: images.left_out, keep: options.keep };
        stack.start_services()?;
        Ok(stack)
    }

    /// The services that have no image here.
    pub(crate) fn left_out(&self) -> &[String] {
        &self.left_out
    }

    /// Whether the service is part of it.
    pub(crate) fn runs(&self, service: &str) -> bool {
        self.services.iter().any(|running| running == service)
    }

    /// Where a port of a service is reached from this machine.
    pub(crate) fn address(&self, service: &str, port: u16) -> Result<SocketAddr> {
        let address = self.compose.output(&["port", service, &port.to_string()])?;
        address.parse().with_context(|| format!("{service} has no port {port}: `{address}`"))
    }

    /// The same, past what the engine puts between.
    pub(crate) fn inside(&self, service: &str, port: u16) -> Result<SocketAddr> {
        let format = "{{range .NetworkSettings.Networks}}{{.IPAddress}} {{end}}";
        let inspect = ["inspect", "--format", format, &self.container(service)?];
        let addresses = output(self.compose.engine.docker().args(inspect))?;
        let address = addresses.split_whitespace().next().context("it is in no network")?;
        Ok(SocketAddr::new(address.parse()?, port))
    }

    /// Runs a program in the container of a service; what it prints.
    pub(crate) fn exec(&self, service: &str, program: &[&str]) -> Result<String> {
        let mut arguments = vec!["exec", "-T", service];
        arguments.extend(program);
        self.compose.output(&arguments).with_context(|| format!("{service}: {}", program.join(" ")))
    }

    /// Makes an operator of the chat, or gives the one of this name this password. A database that is
    /// busy is asked again.
    pub(crate) fn operator(&self, name: &str, password: &str) -> Result<()> {
        wait::patiently("there is an operator", OPERATOR_DEADLINE, || {
            let add = self.user(&["add", name, "--operator"], password);
            add.or_else(|_| self.user(&["password", name], password))
        })
    }

    /// `campanile user …`: the accounts, administered beside a server; it reads a password.
    fn user(&self, arguments: &[&str], password: &str) -> Result<()> {
        let mut command = self.exec_command(SERVER);
        command.args(["campanile", "user"]).args(arguments);
        command.args(["--password-stdin", "--config", "/etc/campanile/campanile.toml"]);
        command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::piped());
        let mut child = command.spawn().context("cannot start docker")?;
        child.stdin.take().context("it reads nothing")?.write_all(password.as_bytes())?;
        let answer = child.wait_with_output()?;
        let complaint = String::from_utf8_lossy(&answer.stderr);
        ensure!(answer.status.success(), "user {}: {}", arguments.join(" "), complaint.trim());
        Ok(())
    }

    /// The same, for a program that runs beside us: it is still to be told which.
    pub(crate) fn exec_command(&self, service: &str) -> Command {
        self.compose.command(&["exec", "-T", service])
    }

    /// Stops a service as an operator would.
    pub(crate) fn stop(&self, service: &str) -> Result<()> {
        self.compose.run(&["stop", "--timeout", "5", service])
    }

    /// Kills a service at once.
    pub(crate) fn kill(&self, service: &str) -> Result<()> {
        self.compose.run(&["kill", service])
    }

    /// Sends a signal to a service.
    pub(crate) fn signal(&self, service: &str, signal: &str) -> Result<()> {
        self.compose.run(&["kill", "--signal", signal, service])
    }

    /// Keeps a service from running at all, until it is resumed.
    pub(crate) fn pause(&self, service: &str) -> Result<()> {
        self.compose.run(&["pause", service])
    }

    pub(crate) fn resume(&self, service: &str) -> Result<()> {
        self.compose.run(&["unpause", service])
    }

    /// Starts a service again that was stopped or killed.
    pub(crate) fn begin_again(&self, service: &str) -> Result<()> {
        self.compose.run(&["start", service])
    }

    /// The same, and waits until it is healthy.
    pub(crate) fn start_again(&self, service: &str) -> Result<()> {
        self.begin_again(service)?;
        self.wait_until_healthy(&[service.to_owned()])
    }

    /// Resumes and starts again whatever does not run, and waits until all is healthy.
    pub(crate) fn mend(&self) -> Result<()> {
        for (service, state) in self.compose.states()? {
            match state.as_str() {
                "paused" => self.resume(&service)?,
                state if has_ended(state) => self.compose.run(&["start", &service])?,
                _ => {}
            }
        }
        self.wait_until_healthy(&self.services)
    }

    /// The process of a service, as this machine numbers it.
    pub(crate) fn process(&self, service: &str) -> Result<u32> {
        let format = ["inspect", "--format", "{{.State.Pid}}", &self.container(service)?];
        Ok(output(self.compose.engine.docker().args(format))?.parse()?)
    }

    /// The container of a service, as the engine names it.
    pub(crate) fn container(&self, service: &str) -> Result<String> {
        self.compose.output(&["ps", "--quiet", service])
    }

    /// `docker update`: other limits for a running service.
    pub(crate) fn limit(&self, service: &str, limits: &[&str]) -> Result<()> {
        let container = self.container(service)?;
        output(self.compose.engine.docker().arg("update").args(limits).arg(container)).map(drop)
    }

    fn start_services(&self) -> Result<()> {
        // A service that runs already has its ports.
        let (states, definitions) = (self.compose.states()?, self.compose.definitions()?);
        let has_ports =
            |service: &String| states.get(service).is_some_and(|state| !has_ended(state));
        let starts = |service: &String| self.runs(service) && !has_ports(service);
        ports::check(definitions.iter().filter(|(service, _)| starts(service)))?;
        println!("starting {}", self.services.join(", "));
        let mut arguments = vec!["up", "--detach", "--no-build", "--quiet-pull"];
        arguments.extend(self.services.iter().map(String::as_str));
        let mut progress = Progress::start(&self.services);
        // It says nothing until all are healthy on which others depend, which takes most of the time.
        let up = thread::scope(|scope| {
            let up = scope.spawn(|| self.compose.run(&arguments));
            wait::beside(up, || {
                if let Ok(states) = self.compose.states() {
                    progress.show(&states);
                }
            })
        });
        up.and_then(|()| self.wait_for(progress)).inspect_err(|_| self.tell_what_is_ill())
    }

    fn wait_until_healthy(&self, services: &[String]) -> Result<()> {
        self.wait_for(Progress::start(services))
    }

    /// Shows each service as it becomes healthy.
    fn wait_for(&self, mut progress: Progress<'_>) -> Result<()> {
        wait::patiently("every service is healthy", HEALTHY_DEADLINE, || {
            let waiting = progress.show(&self.compose.states()?);
            ensure!(waiting.is_empty(), "{}", waiting.join(", "));
            Ok(())
        })
    }

    fn tell_what_is_ill(&self) {
        let Ok(states) = self.compose.states() else { return };
        let says_nothing = ["healthy", "created"];
        for (service, state) in states.iter().filter(|(_, s)| !says_nothing.contains(&s.as_str())) {
            println!("{service} is {state}; it said last:");
            let logs = ["logs", "--no-color", "--no-log-prefix", "--tail", "15", service];
            println!("{}", self.compose.output(&logs).unwrap_or_else(|error| format!("{error:#}")));
        }
    }
}

/// Whether a container in this state has no process.
fn has_ended(state: &str) -> bool {
    ["exited", "dead", "created"].contains(&state)
}

impl Drop for Stack {
    fn drop(&mut self) {
        if self.keep {
            return;
        }
        if let Err(error) = self.compose.down(true) {
            println!("the stack could not be taken down: {error:#}");
        }
    }
}

impl Compose {
    fn new(
        workspace: &Workspace,
        engine: Engine,
        project: &str,
        options: &Options,
    ) -> Result<Self> {
        let environment = options.environment.clone();
        let files = vec![workspace.root.join("deploy/compose.yaml")];
        Ok(Self { engine, project: project.to_owned(), files, environment })
    }

    /// Chosen here: the engine would choose others when a service is started again.
    fn choose_ports(&mut self) -> Result<()> {
        let mut free = live::quiet_ports();
        for name in ["", "PROMETHEUS_", "ALERTMANAGER_", "GRAFANA_"] {
            let port = free.next().context("no port is free")?.to_string();
            self.environment.push((format!("CAMPANILE_{name}PORT"), port));
        }
        Ok(())
    }

    /// Pulls the images, and for those that cannot be had makes stand-ins and takes what uses them
    /// along: beside each `x.yaml` there may be an `x.standin.yaml`.
    fn provide_images(&mut self, workspace: &Workspace, debug: bool) -> Result<Images> {
        let wanted = self.services()?;
        let standins = standins::beside(&self.files)?;
        let known = standins.iter().flat_map(StandIns::services).collect();
        let program = || images::build_program(workspace, !debug);
        let images = images::provide(workspace, &self.engine, &wanted, &known, program)?;
        let folder = workspace.folder("standin")?;
        for (number, standins) in standins.iter().enumerate() {
            let path = folder.join(format!("{}-{number}.json", self.project));
            if standins.write(&images.stood_in, &path)? {
                self.files.push(path);
            }
        }
        Ok(images)
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = self.engine.docker();
        command.args(["compose", "--project-name", &self.project]);
        for file in &self.files {
            command.arg("--file").arg(file);
        }
        command.envs(self.environment.iter().cloned());
        command.args(arguments);
        command
    }

    fn output(&self, arguments: &[&str]) -> Result<String> {
        output(&mut self.command(arguments))
    }

    fn run(&self, arguments: &[&str]) -> Result<()> {
        self.output(arguments).map(drop).with_context(|| format!("compose {}", arguments.join(" ")))
    }

    /// Every service of the files, as compose understands it.
    fn definitions(&self) -> Result<Map<String, Value>> {
        let text = self.output(&["config", "--format", "json"])?;
        let mut config: Value = serde_json::from_str(&text).context("compose prints no JSON")?;
        let services = config["services"].as_object_mut().context("there are no services")?;
        Ok(std::mem::take(services))
    }

    /// Every service of the files with its image.
    fn services(&self) -> Result<BTreeMap<String, String>> {
        let services = self.definitions()?;
        let image = |service: &Value| service["image"].as_str().unwrap_or_default().to_owned();
        Ok(services.iter().map(|(name, service)| (name.clone(), image(service))).collect())
    }

    /// How every container is: its health where it has one, else its state.
    fn states(&self) -> Result<BTreeMap<String, String>> {
        let text = self.output(&["ps", "--all", "--format", "json"])?;
        // Newer versions print an object a line, older ones an array.
        let containers: Vec<Value> = match text.trim_start().starts_with('[') {
            true => serde_json::from_str(&text)?,
            false => text.lines().map(serde_json::from_str).collect::<Result<_, _>>()?,
        };
        let state = |container: &Value| {
            let health = container["Health"].as_str().unwrap_or_default();
            let state = container["State"].as_str().unwrap_or_default();
            if health.is_empty() || state != "running" { state } else { health }.to_owned()
        };
        let name = |container: &Value| container["Service"].as_str().unwrap_or_default().to_owned();
        Ok(containers.iter().map(|container| (name(container), state(container))).collect())
    }

    fn down(&self, volumes: bool) -> Result<()> {
        let mut arguments = vec!["down", "--remove-orphans", "--timeout", "10"];
        if volumes {
            arguments.push("--volumes");
        }
        self.run(&arguments)
    }
}
