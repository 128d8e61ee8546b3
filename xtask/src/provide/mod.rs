//! What tests need and a machine may lack: found, or installed from Debian's packages, or from
//! those of PyPI and npm into the target folder.

mod node;
mod python;

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Once;

use anyhow::{Context, Result, ensure};
use xshell::{Shell, cmd};

pub(crate) use node::{node, node_modules};
pub(crate) use python::python;

/// Debian asks this program whether a package may start its service.
const SERVICE_POLICY: &str = "/usr/sbin/policy-rc.d";

/// The first of these programs that is there, or the first after its Debian package is installed.
pub(crate) fn program(names: &[&str], package: &str) -> Result<PathBuf> {
    if let Some(path) = names.iter().find_map(|name| find(name)) {
        return Ok(path);
    }
    let wanted = names.join(" or ");
    ensure!(
        find("apt-get").is_some() && is_root()?,
        "{wanted} is not here: install it (Debian: `apt-get install {package}`), or run this as root"
    );
    install(package).with_context(|| format!("cannot install {package} for {wanted}"))?;
    let found = names.iter().find_map(|name| find(name));
    found.with_context(|| format!("the package {package} holds no {wanted}"))
}

/// Where the program is, if it can be run. A name may be a path with stars in it, for programs
/// whose place depends on their version.
pub(crate) fn find(name: &str) -> Option<PathBuf> {
    let script = "for name in $0; do command -v \"$name\" && exit; done; exit 1";
    let output = Command::new("sh").args(["-c", script, name]).output().ok()?;
    let path = String::from_utf8(output.stdout).ok()?;
    output.status.success().then(|| PathBuf::from(path.trim()))
}

/// A browser that is driven.
pub(crate) fn chromium() -> Result<PathBuf> {
    program(&["chromium", "chromium-browser", "google-chrome"], "chromium")
}

/// Installs a Debian package without starting any service that it brings.
fn install(package: &str) -> Result<()> {
    static UPDATED: Once = Once::new();
    let shell = Shell::new()?;
    let _environment = shell.push_env("DEBIAN_FRONTEND", "noninteractive");
    let _quiet_services = ServicesStayOff::begin(Path::new(SERVICE_POLICY))?;
    // A list that cannot be renewed may still do; installing tells.
    UPDATED.call_once(|| {
        if let Err(error) = cmd!(shell, "apt-get update --quiet --quiet").run() {
            println!("{error}");
        }
    });
    cmd!(shell, "apt-get install --yes --quiet --quiet --no-install-recommends {package}").run()?;
    disable_services(&shell, package)
}

pub(crate) fn is_root() -> Result<bool> {
    let shell = Shell::new()?;
    Ok(cmd!(shell, "id -u").quiet().read()? == "0")
}

/// Keeps the services of a package from starting with the machine, where systemd is about.
fn disable_services(shell: &Shell, package: &str) -> Result<()> {
    let files = cmd!(shell, "dpkg-query --listfiles {package}").quiet().read()?;
    let units = files.lines().filter(|file| file.ends_with(".service"));
    let names: Vec<&str> = units.filter_map(|file| file.rsplit('/').next()).collect();
    if !names.is_empty() && find("systemctl").is_some() {
        cmd!(shell, "systemctl --quiet disable {names...}").run()?;
    }
    Ok(())
}

/// While it lives, packages that are installed do not start their services.
struct ServicesStayOff<'p> {
    /// What we wrote; somebody else's policy is left alone.
    policy: Option<&'p Path>,
}

impl<'p> ServicesStayOff<'p> {
    fn begin(policy: &'p Path) -> Result<Self> {
        if policy.exists() {
            return Ok(Self { policy: None });
        }
        let refusal = "#!/bin/sh\nexit 101\n";
        fs::write(policy, refusal)
            .with_context(|| format!("cannot keep services off in {}", policy.display()))?;
        fs::set_permissions(policy, fs::Permissions::from_mode(0o755))?;
        Ok(Self { policy: Some(policy) })
    }
}

impl Drop for ServicesStayOff<'_> {
    fn drop(&mut self) {
        if let Some(policy) = self.policy
            && let Err(error) = fs::remove_file(policy)
        {
            println!("cannot remove {}: {error}", policy.display());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_program_that_is_here_is_found() {
        assert!(find("sh").is_some_and(|path| path.ends_with("sh")));
        assert_eq!(find("no-such-program-anywhere"), None);
    }

    #[test]
    fn services_stay_off_only_while_we_install() {
        let folder = tempfile::tempdir().expect("a temporary folder can be made");
        let policy = folder.path().join("policy-rc.d");
        let quiet = ServicesStayOff::begin(&policy).expect("the policy is written");
        let status = Command::new(&policy).status().expect("the policy is a program");
        assert_eq!(status.code(), Some(101));
        let second = ServicesStayOff::begin(&policy).expect("there is a policy already");
        drop(second);
        assert!(policy.exists(), "it is not the second one's");
        drop(quiet);
        assert!(!policy.exists());
    }
}
