//! The faults, each as it happens to operators, and the alerts that it sets off.

use anyhow::Result;

use super::super::scene::Scene;
use super::{Drill, Heal};

pub(crate) const DRILLS: &[Drill] = &[
    Drill {
        name: "server-killed",
        fault: "one of two servers is killed",
        alerts: &["ChatServerDown", "ChatClusterNodesMissing"],
        hurt: server_killed,
    },
];

fn server_killed(scene: &Scene<'_>) -> Result<Heal> {
    scene.stack.kill("campanile-2")?;
    Ok(Box::new(|scene| scene.stack.start_again("campanile-2")))
}
