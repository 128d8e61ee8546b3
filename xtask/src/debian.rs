//! Programs out of the packages of a newer Debian, without installing the package: this may be an
//! older one.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use anyhow::{Context, Result, ensure};
use xshell::cmd;

use crate::provide;

/// The release of Debian whose compose understands our file, and works as a plug-in, whose amtool
/// knows our configuration, and whose packages stand in for images.
pub(crate) const RELEASE: &str = "trixie";

pub(crate) const MIRROR: &str = "http://deb.debian.org/debian";

/// Copies a program, named by its path in the package, to this place, unless one is there already.
pub(crate) fn take(package: &str, program: &str, place: &Path) -> Result<()> {
    if place.exists() {
        return Ok(());
    }
    ensure!(
        provide::find("apt-get").is_some() && provide::is_root()?,
        "{package} cannot be taken from Debian: there is no apt-get, or this is not root"
    );
    println!("taking {program} from Debian's package {package}");
    let folder = tempfile::tempdir()?;
    let shell = xshell::Shell::new()?;
    shell.change_dir(folder.path());
    for sub in ["lists/partial", "cache/archives/partial"] {
        fs::create_dir_all(folder.path().join(sub))?;
    }
    let keys = "/usr/share/keyrings/debian-archive-keyring.gpg";
    let source = format!("deb [signed-by={keys}] {MIRROR} {RELEASE} main\n");
    fs::write(folder.path().join("sources.list"), source)?;
    let options = [
        format!("Dir::Etc::SourceList={}/sources.list", folder.path().display()),
        "Dir::Etc::SourceParts=/dev/null".to_owned(),
        format!("Dir::State::Lists={}/lists", folder.path().display()),
        format!("Dir::Cache={}/cache", folder.path().display()),
        "APT::Sandbox::User=root".to_owned(),
    ];
    let options: Vec<&str> = options.iter().flat_map(|option| ["-o", option]).collect();
    let given = &options;
    cmd!(shell, "apt-get {given...} --quiet --quiet update").run()?;
    cmd!(shell, "apt-get {given...} --quiet --quiet download {package}").run()?;
    let unpack = format!("dpkg-deb --extract {package}_*.deb unpacked");
    cmd!(shell, "sh -c {unpack}").run()?;
    fs::create_dir_all(place.parent().context("a program lies in a folder")?)?;
    fs::copy(folder.path().join("unpacked").join(program), place)
        .with_context(|| format!("the package {package} holds no {program}"))?;
    fs::set_permissions(place, fs::Permissions::from_mode(0o755))?;
    Ok(())
}
