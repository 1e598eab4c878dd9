//! Where the control plane's binaries come from: KUBEBUILDER_ASSETS as it is, else the cache that the script `build` fills.

use std::{
    ffi::OsStr,
    fs,
    os::unix::{ffi::OsStrExt as _, fs::PermissionsExt as _},
    path::{Path, PathBuf},
    process::Stdio,
};

use tokio::process::Command;

use crate::{Error, Options};

pub const ETCD: &str = "etcd";
pub const APISERVER: &str = "kube-apiserver";
pub const CONTROLLER_MANAGER: &str = "kube-controller-manager";

const ASSETS: &str = "KUBEBUILDER_ASSETS";

/// The directory that holds every binary these options need. Builds them when they are nowhere: minutes, with progress on stderr.
pub async fn locate(options: &Options) -> Result<PathBuf, Error> {
    let names = names(options);
    let assets = options.assets.clone().map(|directory| (directory, "Options::assets"));
    let assets = assets
        .or_else(|| std::env::var_os(ASSETS).filter(|value| !value.is_empty()).map(|value| (value.into(), ASSETS)));
    let Some((directory, origin)) = assets else {
        return build(&names).await;
    };
    match [ETCD, APISERVER].into_iter().find(|name| !is_executable(&directory.join(name))) {
        None => Ok(directory),
        Some(name) => Err(Error::MissingBinary { name, directory, origin }),
    }
}

/// The directory that holds the controller manager: `directory`, else, since envtest's assets have none, the built one's.
pub async fn controller_manager(directory: &Path) -> Result<PathBuf, Error> {
    if is_executable(&directory.join(CONTROLLER_MANAGER)) {
        return Ok(directory.to_owned());
    }
    build(&[CONTROLLER_MANAGER]).await
}

fn names(options: &Options) -> Vec<&'static str> {
    let mut names = vec![ETCD, APISERVER];
    names.extend(options.controller_manager.then_some(CONTROLLER_MANAGER));
    names
}

async fn build(names: &[&str]) -> Result<PathBuf, Error> {
    let script = script();
    let mut command = Command::new(&script);
    command.env("COMPONENTS", names.join(" ")).stdin(Stdio::null()).stdout(Stdio::piped());
    let failed = || Error::io(format!("running {}", script.display()));
    // Not Command::output, which in tokio would keep the progress on stderr to itself.
    let output = command.spawn().map_err(failed())?.wait_with_output().await.map_err(failed())?;
    if !output.status.success() {
        return Err(Error::Build { script, status: output.status });
    }
    Ok(PathBuf::from(OsStr::from_bytes(output.stdout.trim_ascii_end())))
}

/// The script in the checkout that this runs in: several may share what Cargo has built, so the path of the one that was
/// compiled is only the second choice.
fn script() -> PathBuf {
    let here = std::env::current_dir().unwrap_or_default();
    let found = here.ancestors().map(|folder| folder.join("tests/cluster/build")).find(|path| is_executable(path));
    found.unwrap_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("build"))
}

fn is_executable(path: &Path) -> bool {
    fs::metadata(path).is_ok_and(|metadata| metadata.is_file() && metadata.permissions().mode() & 0o111 != 0)
}
