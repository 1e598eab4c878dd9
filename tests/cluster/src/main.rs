//! `local-cluster`: runs a cluster until it is stopped. This file decides only when to stop.

use std::{
    error::Error,
    fs::{self, OpenOptions, Permissions},
    io::{self, Write as _},
    os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _},
    path::{Path, PathBuf},
    process::ExitCode,
    thread,
};

use clap::Parser;
use cluster::{CONTEXT, Cluster, Options};
use tokio::{
    signal::unix::{SignalKind, signal},
    sync::oneshot,
};

/// Run a real local Kubernetes control plane until SIGTERM or SIGINT
#[derive(Parser)]
struct Arguments {
    /// Also run kube-controller-manager
    #[arg(long)]
    with_controller_manager: bool,
    /// Also write the administrator's kubeconfig to FILE, and remove it at the end
    #[arg(long, value_name = "FILE")]
    kubeconfig_out: Option<PathBuf>,
    /// Also stop when standard input ends
    #[arg(long)]
    stdin_lifeline: bool,
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    match run(Arguments::parse()).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("local-cluster: {error}");
            ExitCode::FAILURE
        }
    }
}

async fn run(arguments: Arguments) -> Result<(), Box<dyn Error>> {
    let (mut terminate, mut interrupt) = (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?);
    let lifeline = lifeline(arguments.stdin_lifeline);
    let cluster = async {
        let options = Options { controller_manager: arguments.with_controller_manager, ..Options::default() };
        let cluster = Cluster::start_with(options).await?;
        let _copy = announce(&cluster, arguments.kubeconfig_out)?;
        std::future::pending::<()>().await;
        Ok(())
    };
    tokio::select! { // the first branch that ends drops the cluster, even if it is half started
        result = cluster => result,
        _ = terminate.recv() => Ok(()),
        _ = interrupt.recv() => Ok(()),
        () = lifeline => Ok(()),
    }
}

fn announce(cluster: &Cluster, copy: Option<PathBuf>) -> Result<Option<Copy>, Box<dyn Error>> {
    let copy = copy.map(|path| Copy::write(cluster.kubeconfig_path(), path)).transpose()?;
    let kubeconfig = copy.as_ref().map_or(cluster.kubeconfig_path(), |copy| &copy.0);
    let mut out = io::stdout();
    writeln!(out, "KUBECONFIG={}\nserver={}", kubeconfig.display(), cluster.server())?;
    out.flush()?;
    Ok(copy)
}

/// A copy of the kubeconfig. Dropping it removes the file.
struct Copy(PathBuf);

impl Copy {
    fn write(kubeconfig: &Path, path: PathBuf) -> Result<Self, Box<dyn Error>> {
        let path = std::path::absolute(path)?;
        let is_ours = |content: String| content.contains(CONTEXT);
        if path.exists() && !fs::read_to_string(&path).is_ok_and(is_ours) {
            return Err(format!(
                "{} is not a local cluster's kubeconfig; next step: choose another file",
                path.display()
            )
            .into());
        }
        let mut file = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&path)?;
        file.set_permissions(Permissions::from_mode(0o600))?;
        file.write_all(&fs::read(kubeconfig)?)?;
        Ok(Self(path))
    }
}

impl Drop for Copy {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.0);
    }
}

/// Ends when standard input ends; never if not `wanted`. It uses its own thread, because tokio's stdin would keep the
/// runtime from ending.
async fn lifeline(wanted: bool) {
    let (sender, ended) = oneshot::channel::<()>();
    if wanted {
        thread::spawn(move || {
            let _ = io::copy(&mut io::stdin(), &mut io::sink());
            drop(sender);
        });
        let _ = ended.await;
    } else {
        std::future::pending::<()>().await;
    }
}
