//! Helpers: `local-cluster` and kubectl as child processes, and their state in /proc. No assertions about clusters
//! here.

use std::{
    fs,
    io::{BufRead as _, BufReader},
    path::{Path, PathBuf},
    process::{Child, ChildStdin, Command, Output, Stdio},
    sync::OnceLock,
    thread::sleep,
    time::{Duration, Instant},
};

/// A running `local-cluster`. Dropping it kills the process.
pub struct LocalCluster {
    pub child: Child,
    pub stdin: Option<ChildStdin>,
    pub kubeconfig: PathBuf,
    pub server: String,
}

impl LocalCluster {
    pub fn start(command: &mut Command) -> Self {
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        let stdin = child.stdin.take();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let mut value = |key: &str| lines.next().unwrap().unwrap().strip_prefix(key).unwrap().to_owned();
        let (kubeconfig, server) = (PathBuf::from(value("KUBECONFIG=")), value("server="));
        Self { child, stdin, kubeconfig, server }
    }

    /// The process ids of its etcd and kube-apiserver.
    pub fn daemons(&self) -> Vec<u32> {
        let daemons = children(self.child.id());
        assert_eq!(daemons.len(), 2, "{daemons:?}");
        daemons
    }
}

impl Drop for LocalCluster {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

pub fn local_cluster() -> Command {
    Command::new(env!("CARGO_BIN_EXE_local-cluster"))
}

pub fn kubectl(kubeconfig: &Path, arguments: &[&str]) -> Output {
    static KUBECTL: OnceLock<PathBuf> = OnceLock::new();
    let kubectl = KUBECTL.get_or_init(|| script("kubectl"));
    Command::new(kubectl).arg("--kubeconfig").arg(kubeconfig).args(arguments).output().unwrap()
}

/// The output of kubectl, which must succeed.
pub fn kubectl_ok(kubeconfig: &Path, arguments: &[&str]) -> String {
    let output = kubectl(kubeconfig, arguments);
    assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

/// The path that one of the crate's scripts prints.
pub fn script(name: &str) -> PathBuf {
    let output = Command::new(Path::new(&std::env::var_os("CARGO_MANIFEST_DIR").unwrap()).join(name))
        .stderr(Stdio::inherit())
        .output()
        .unwrap();
    assert!(output.status.success());
    PathBuf::from(String::from_utf8(output.stdout).unwrap().trim_end())
}

pub fn children(parent: u32) -> Vec<u32> {
    let processes = fs::read_dir("/proc").unwrap().filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok());
    processes.filter(|pid| stat(*pid).is_some_and(|(_, of)| of == parent)).collect()
}

pub fn program(pid: u32) -> PathBuf {
    let line = fs::read_to_string(format!("/proc/{pid}/cmdline")).unwrap();
    PathBuf::from(line.split('\0').next().unwrap())
}

/// Whether the process runs. A zombie that is not yet reaped does not.
pub fn runs(pid: u32) -> bool {
    stat(pid).is_some_and(|(state, _)| state != 'Z')
}

/// State and parent, from the fields after the program's name in parentheses.
fn stat(pid: u32) -> Option<(char, u32)> {
    let line = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    let mut fields = line.rsplit_once(')')?.1.split_whitespace();
    Some((fields.next()?.chars().next()?, fields.next()?.parse().ok()?))
}

pub fn wait_until(what: &str, mut is_so: impl FnMut() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(30);
    while !is_so() {
        assert!(Instant::now() < deadline, "not within 30 s: {what}");
        sleep(Duration::from_millis(20));
    }
}
