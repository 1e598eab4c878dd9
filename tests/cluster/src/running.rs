//! A running cluster as tests use it, and the order in which it starts.

use std::{
    ffi::OsStr,
    fs, io,
    path::{Path, PathBuf},
    process::Command,
};

use crate::{
    Error, binary,
    certificate::{self, CertificateAuthority},
    component::{self, Files},
    daemon::Daemon,
    kubeconfig,
    probe::Probe,
    readiness::{self, APISERVER_READY, CONTROLLER_MANAGER_READY},
    state::{Port, StateDirectory},
};

const ADMIN: &str = "admin";
const ADMINISTRATORS: &str = "system:masters";
const CONTROLLER_MANAGER_USER: &str = "system:kube-controller-manager";
/// How often to start, each time with other ports, if another process takes a port first.
const TRIES: u32 = 5;

/// What to start besides etcd and kube-apiserver, and from where.
#[derive(Debug, Clone, Default)]
pub struct Options {
    /// Also start kube-controller-manager: for ServiceAccounts, garbage collection and the deletion of namespaces.
    pub controller_manager: bool,
    /// The directory with the binaries, instead of KUBEBUILDER_ASSETS and the cache.
    pub assets: Option<PathBuf>,
}

/// A control plane on loopback. Dropping it ends its processes and removes its files. If this process is killed, the
/// kernel ends its processes.
pub struct Cluster {
    // The fields are dropped in this order: clients before servers, the directory last.
    controller_manager: Option<Daemon>,
    apiserver: Option<Daemon>,
    /// `None` only while it is set back.
    etcd: Option<Daemon>,
    binaries: PathBuf,
    files: Files,
    authority: CertificateAuthority,
    probe: Probe,
    server: String,
    admin: PathBuf,
    ports: Ports,
    state: StateDirectory,
}

struct Ports {
    etcd: Port,
    apiserver: Port,
}

impl Cluster {
    /// Starts etcd and kube-apiserver, and waits until they are ready. Needs a tokio runtime with IO and time.
    pub async fn start() -> Result<Self, Error> {
        Self::start_with(Options::default()).await
    }

    pub async fn start_with(options: Options) -> Result<Self, Error> {
        let binaries = binary::locate(&options).await?;
        let mut tries = 1;
        loop {
            match Self::bring_up(&binaries, &options).await {
                Err(error) if error.is_port_taken() && tries < TRIES => tries += 1,
                result => return result,
            }
        }
    }

    async fn bring_up(binaries: &Path, options: &Options) -> Result<Self, Error> {
        let mut cluster = Self::with_etcd(binaries)?;
        cluster.start_apiserver().await?;
        if options.controller_manager {
            let directory = binary::controller_manager(binaries).await?;
            cluster.start_controller_manager(&directory).await?;
        }
        Ok(cluster)
    }

    fn with_etcd(binaries: &Path) -> Result<Self, Error> {
        let state = StateDirectory::claim()?;
        let ports = Ports { etcd: state.claim_port()?, apiserver: state.claim_port()? };
        let etcd = component::etcd(binaries, &state, ports.etcd.number)?;
        let authority = CertificateAuthority::new()?;
        let files = Files::write(&state, &authority)?;
        let identity = authority.client(ADMIN, &[ADMINISTRATORS])?;
        let probe = Probe::new(&authority, &identity, ports.apiserver.number)?;
        let server = format!("https://127.0.0.1:{}", ports.apiserver.number);
        let admin = kubeconfig::render(&server, authority.identity(), ADMIN, &identity);
        let admin = state.write("admin.kubeconfig", &admin)?;
        let binaries = binaries.to_path_buf();
        Ok(Self {
            controller_manager: None,
            apiserver: None,
            etcd: Some(etcd),
            binaries,
            files,
            authority,
            probe,
            server,
            admin,
            ports,
            state,
        })
    }

    /// Starts kube-apiserver again after `kill_apiserver`, with the same port and data, and waits until it is ready. If
    /// it already runs, this starts nothing.
    pub async fn start_apiserver(&mut self) -> Result<(), Error> {
        if let Some(running) = &mut self.apiserver {
            return running.check();
        }
        let (etcd, port) = (self.ports.etcd.number, self.ports.apiserver.number);
        let apiserver = component::apiserver(&self.binaries, &self.state, &self.files, etcd, port)?;
        let apiserver = self.apiserver.insert(apiserver);
        let mut needed: Vec<&mut Daemon> = self.etcd.iter_mut().collect();
        readiness::answers(&self.probe, &APISERVER_READY, apiserver, &mut needed).await
    }

    /// Kills kube-apiserver with SIGKILL. When this returns, its port refuses connections. Its data stays in etcd.
    pub fn kill_apiserver(&mut self) {
        self.apiserver = None;
    }

    /// Copies the data of etcd, as a backup does. etcd stands still meanwhile.
    pub fn back_up(&self) -> Result<PathBuf, Error> {
        let (data, backup) = (self.state.file("etcd"), self.state.file("etcd.backup"));
        let pid = self.etcd.as_ref().map_or(0, Daemon::pid).to_string();
        let steps = [
            ("kill", ["-STOP".as_ref(), pid.as_ref()].to_vec()),
            ("cp", ["-r".as_ref(), data.as_os_str(), backup.as_os_str()].to_vec()),
            ("kill", ["-CONT".as_ref(), pid.as_ref()].to_vec()),
        ];
        let run = |(program, arguments): (&str, Vec<&OsStr>)| match Command::new(program).args(arguments).status()? {
            status if status.success() => Ok(()),
            status => Err(io::Error::other(format!("{program} failed: {status}"))),
        };
        steps.into_iter().try_for_each(run).map_err(Error::io("copying the data of etcd"))?;
        Ok(backup)
    }

    /// Sets etcd back to a backup and starts kube-apiserver again. Versions begin anew where they were at the backup.
    pub async fn set_back(&mut self, backup: &Path) -> Result<(), Error> {
        (self.apiserver, self.etcd) = (None, None);
        let data = self.state.file("etcd");
        let swap = || {
            fs::remove_dir_all(&data)?;
            fs::rename(backup, &data)
        };
        swap().map_err(Error::io("setting etcd back"))?;
        self.etcd = Some(component::etcd(&self.binaries, &self.state, self.ports.etcd.number)?);
        self.start_apiserver().await
    }

    async fn start_controller_manager(&mut self, directory: &Path) -> Result<(), Error> {
        let kubeconfig = self.kubeconfig_for(CONTROLLER_MANAGER_USER, &[])?;
        let started = component::controller_manager(directory, &self.state, &self.files, &kubeconfig)?;
        let started = self.controller_manager.insert(started);
        readiness::answers(&self.probe, &CONTROLLER_MANAGER_READY, started, &mut []).await
    }

    /// `https://127.0.0.1:PORT`
    pub fn server(&self) -> &str {
        &self.server
    }

    /// The administrator's kubeconfig, with keys and certificates embedded. Removed with the cluster.
    pub fn kubeconfig_path(&self) -> &Path {
        &self.admin
    }

    /// A kubeconfig for another user in these groups (Kubernetes adds `system:authenticated`). The user has no rights
    /// until RBAC grants some.
    pub fn kubeconfig_for(&self, user: &str, groups: &[&str]) -> Result<PathBuf, Error> {
        let identity = self.authority.client(user, groups)?;
        let content = kubeconfig::render(&self.server, self.authority.identity(), user, &identity);
        let write = || -> io::Result<PathBuf> {
            let file = tempfile::Builder::new().prefix("user-").suffix(".kubeconfig").tempfile_in(self.state.path())?;
            fs::write(file.path(), content)?;
            Ok(file.keep()?.1)
        };
        write().map_err(Error::io(format!("writing the kubeconfig of {user}")))
    }

    /// Writes a certificate for a server with these names into `folder`, in the shape of a Secret of type kubernetes.io/tls:
    /// tls.crt, tls.key and ca.crt. Each has a CA of its own.
    pub fn server_certificate(folder: &Path, names: &[&str]) -> Result<(), Error> {
        let authority = CertificateAuthority::new()?;
        let identity = authority.server(names, &[])?;
        let files = [
            ("tls.crt", identity.certificate_pem()),
            ("tls.key", identity.key.private_pem()),
            ("ca.crt", authority.identity().certificate_pem()),
        ];
        let write = || files.iter().try_for_each(|(name, text)| fs::write(folder.join(name), text));
        write().map_err(Error::io("writing a certificate"))
    }

    /// A token of a ServiceAccount with these claims (RFC 7519), signed with the cluster's key.
    pub fn token(&self, claims: &serde_json::Value) -> Result<String, Error> {
        let pem = fs::read_to_string(&self.files.accounts_key).map_err(Error::io("reading the key of tokens"))?;
        Ok(certificate::token(&pem, claims)?)
    }

    /// The process ids of the running components.
    pub fn pids(&self) -> Vec<u32> {
        [&self.controller_manager, &self.apiserver, &self.etcd].into_iter().flatten().map(Daemon::pid).collect()
    }

    /// The directory with the logs (`etcd.log`, `kube-apiserver.log`, …). Removed with the cluster.
    pub fn directory(&self) -> &Path {
        self.state.path()
    }

    /// The same as dropping it.
    pub fn stop(self) {}
}
