//! The command lines of etcd, kube-apiserver and kube-controller-manager, as close to their defaults as one machine
//! allows: RBAC, the default admission plugins and inflight limits, no feature gates. Everything listens on loopback
//! only.

use std::path::{Path, PathBuf};

use crate::{
    Error,
    binary::{APISERVER, CONTROLLER_MANAGER, ETCD},
    certificate::{CertificateAuthority, Key},
    daemon::Daemon,
    state::StateDirectory,
};

const SERVICE_RANGE: &str = "10.0.0.0/24";
const SERVICE_ADDRESS: [u8; 4] = [10, 0, 0, 1];
const SERVICE_ISSUER: &str = "https://kubernetes.default.svc.cluster.local";
const SERVER_NAMES: [&str; 5] =
    ["localhost", "kubernetes", "kubernetes.default", "kubernetes.default.svc", "kubernetes.default.svc.cluster.local"];

/// The paths of the files that the components read.
pub struct Files {
    authority: PathBuf,
    authority_key: PathBuf,
    server: PathBuf,
    server_key: PathBuf,
    accounts: PathBuf,
    pub accounts_key: PathBuf,
}

impl Files {
    pub fn write(state: &StateDirectory, authority: &CertificateAuthority) -> Result<Self, Error> {
        let server = authority.server(&SERVER_NAMES, &[[127, 0, 0, 1], SERVICE_ADDRESS])?;
        let accounts = Key::generate()?;
        Ok(Self {
            authority: state.write("ca.crt", &authority.identity().certificate_pem())?,
            authority_key: state.write("ca.key", &authority.identity().key.private_pem())?,
            server: state.write("kube-apiserver.crt", &server.certificate_pem())?,
            server_key: state.write("kube-apiserver.key", &server.key.private_pem())?,
            accounts: state.write("service-accounts.pub", &accounts.public_pem())?,
            accounts_key: state.write("service-accounts.key", &accounts.private_pem())?,
        })
    }
}

pub fn etcd(binaries: &Path, state: &StateDirectory, port: u16) -> Result<Daemon, Error> {
    let client = etcd_url(port);
    let arguments = [
        flag("data-dir", state.file("etcd").display()),
        flag("listen-client-urls", &client),
        flag("advertise-client-urls", &client),
        flag("listen-peer-urls", "http://127.0.0.1:0"), // there are no peers: any port will do
        flag("unsafe-no-fsync", true),
        flag("log-level", "warn"),
    ];
    Daemon::start(ETCD, &binaries.join(ETCD), &arguments, state.file("etcd.log"))
}

pub fn apiserver(
    binaries: &Path,
    state: &StateDirectory,
    files: &Files,
    etcd: u16,
    port: u16,
) -> Result<Daemon, Error> {
    let arguments = [
        flag("etcd-servers", etcd_url(etcd)),
        flag("bind-address", "127.0.0.1"),
        flag("advertise-address", "127.0.0.1"),
        flag("endpoint-reconciler-type", "none"), // the default one refuses loopback addresses
        flag("secure-port", port),
        flag("tls-cert-file", files.server.display()),
        flag("tls-private-key-file", files.server_key.display()),
        flag("client-ca-file", files.authority.display()),
        flag("service-account-issuer", SERVICE_ISSUER),
        flag("service-account-key-file", files.accounts.display()),
        flag("service-account-signing-key-file", files.accounts_key.display()),
        flag("service-cluster-ip-range", SERVICE_RANGE),
        flag("authorization-mode", "RBAC"),
    ];
    Daemon::start(APISERVER, &binaries.join(APISERVER), &arguments, state.file("kube-apiserver.log"))
}

pub fn controller_manager(
    binaries: &Path,
    state: &StateDirectory,
    files: &Files,
    kubeconfig: &Path,
) -> Result<Daemon, Error> {
    let arguments = [
        flag("kubeconfig", kubeconfig.display()),
        flag("leader-elect", false),
        flag("secure-port", 0), // nothing calls it
        flag("use-service-account-credentials", true),
        flag("service-account-private-key-file", files.accounts_key.display()),
        flag("root-ca-file", files.authority.display()),
        flag("cluster-signing-cert-file", files.authority.display()),
        flag("cluster-signing-key-file", files.authority_key.display()),
        flag("flex-volume-plugin-dir", state.file("volume-plugins").display()),
        flag("kube-api-qps", 300), // with the default of 20, the first ServiceAccount comes 5 s later
        flag("kube-api-burst", 600),
    ];
    Daemon::start(
        CONTROLLER_MANAGER,
        &binaries.join(CONTROLLER_MANAGER),
        &arguments,
        state.file("kube-controller-manager.log"),
    )
}

fn etcd_url(port: u16) -> String {
    format!("http://127.0.0.1:{port}")
}

fn flag(name: &str, value: impl std::fmt::Display) -> String {
    format!("--{name}={value}")
}

#[cfg(test)]
mod tests {
    use std::{net::TcpListener, thread::sleep, time::Duration};

    use super::*;
    use crate::{Options, binary};

    #[tokio::test]
    async fn a_port_taken_by_another_process_is_recognized() -> Result<(), Error> {
        let binaries = binary::locate(&Options::default()).await?;
        let state = StateDirectory::claim()?;
        let files = Files::write(&state, &CertificateAuthority::new()?)?;
        let claimed = state.claim_port()?;
        let _other = TcpListener::bind(("127.0.0.1", claimed.number)).map_err(Error::io("listening"))?;
        for mut daemon in [
            etcd(&binaries, &state, claimed.number)?,
            apiserver(&binaries, &state, &files, claimed.number, claimed.number)?,
        ] {
            let error = loop {
                match daemon.check() {
                    Ok(()) => sleep(Duration::from_millis(20)),
                    Err(error) => break error,
                }
            };
            assert!(error.is_port_taken(), "{error}");
        }
        Ok(())
    }
}
