//! Where the control plane's binaries come from: `Options::assets`, else KUBEBUILDER_ASSETS, else the cache that the
//! script `build` fills.

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

/// The directory with etcd and kube-apiserver. If no directory is given, the script `build` downloads or builds what is
/// not in the cache. That can take minutes; progress is on stderr.
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

/// The directory with the controller manager: `directory` if it is there, else the cache, because envtest's assets do
/// not contain it.
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
    // Not Command::output, because in tokio it would capture stderr and hide the progress.
    let output = command.spawn().map_err(failed())?.wait_with_output().await.map_err(failed())?;
    if !output.status.success() {
        return Err(Error::Build { script, status: output.status });
    }
    Ok(PathBuf::from(OsStr::from_bytes(output.stdout.trim_ascii_end())))
}

/// The script in the checkout that this runs in. Several checkouts can share Cargo's build, so the path at compile time
/// is only the second choice.
fn script() -> PathBuf {
    let here = std::env::current_dir().unwrap_or_default();
    let found = here.ancestors().map(|folder| folder.join("tests/cluster/build")).find(|path| is_executable(path));
    found.unwrap_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("build"))
}

fn is_executable(path: &Path) -> bool {
    fs::metadata(path).is_ok_and(|metadata| metadata.is_file() && metadata.permissions().mode() & 0o111 != 0)
}
