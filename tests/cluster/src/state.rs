//! What a cluster owns on the machine: a state directory and ports. For each there is a file that is locked as long as
//! the owner lives. So the next start can distinguish a crashed owner from a living one, and removes what a crashed one
//! left.
//!
//! ```text
//! $TMPDIR/customimage-operator-cluster-UID/lock               held during cleanup and claims
//!                                          cluster-XXXX/lock  held by the owner of the directory
//!                                          port-NNNNN         held by the owner of the port
//! ```

use std::{
    fs::{self, DirBuilder, File, Permissions},
    io,
    net::{Ipv4Addr, TcpListener},
    os::unix::fs::{DirBuilderExt as _, PermissionsExt as _},
    path::{Path, PathBuf},
};

use aws_lc_rs::rand;
use tempfile::TempDir;

use crate::Error;

/// Below Linux's ephemeral range (32768 and up), so that no outgoing connection takes the port while a daemon is down.
const PORTS: std::ops::Range<u16> = 20_000..32_000;

/// A directory for one cluster. It is removed when dropped or, after a crash, by the next start.
pub struct StateDirectory {
    directory: TempDir,
    root: PathBuf,
    _lock: File,
}

impl StateDirectory {
    /// Removes what crashed owners left, then claims a new directory.
    pub fn claim() -> Result<Self, Error> {
        let root = root().map_err(Error::io("preparing the directory for clusters"))?;
        let claim = |root: &Path| {
            let _claiming = claiming(root)?;
            sweep(root)?;
            let directory = tempfile::Builder::new().prefix("cluster-").tempdir_in(root)?;
            let lock = File::create(directory.path().join("lock"))?;
            lock.lock()?;
            Ok((directory, lock))
        };
        let (directory, lock) =
            claim(&root).map_err(Error::io(format!("claiming a directory in {}", root.display())))?;
        Ok(Self { directory, root, _lock: lock })
    }

    pub fn path(&self) -> &Path {
        self.directory.path()
    }

    pub fn file(&self, name: &str) -> PathBuf {
        self.path().join(name)
    }

    /// Writes a file. Only its user can read it, because the root directory has mode 0700.
    pub fn write(&self, name: &str, content: &str) -> Result<PathBuf, Error> {
        let path = self.file(name);
        fs::write(&path, content).map_err(Error::io(format!("writing {}", path.display())))?;
        Ok(path)
    }

    /// Claims a loopback port on which nothing listens and which no other cluster has claimed.
    pub fn claim_port(&self) -> Result<Port, Error> {
        let failed = || Error::io("claiming a port");
        let _claiming = claiming(&self.root).map_err(failed())?;
        for _ in 0..200 {
            let number = random_port()?;
            let path = self.root.join(format!("port-{number}"));
            let lock = File::create(&path).map_err(failed())?;
            if lock.try_lock().is_err() {
                continue;
            }
            let port = Port { number, path, _lock: lock };
            if TcpListener::bind((Ipv4Addr::LOCALHOST, number)).is_ok() {
                return Ok(port);
            }
        }
        Err(Error::NoFreePort)
    }
}

/// A claimed loopback port.
pub struct Port {
    pub number: u16,
    path: PathBuf,
    _lock: File,
}

impl Drop for Port {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.path);
    }
}

fn random_port() -> Result<u16, Error> {
    let mut bytes = [0; 2];
    rand::fill(&mut bytes)?;
    Ok(PORTS.start + u16::from_be_bytes(bytes) % (PORTS.end - PORTS.start))
}

fn root() -> io::Result<PathBuf> {
    let user = rustix::process::getuid().as_raw();
    let root = std::env::temp_dir().join(format!("customimage-operator-cluster-{user}"));
    DirBuilder::new().recursive(true).mode(0o700).create(&root)?;
    fs::set_permissions(&root, Permissions::from_mode(0o700))?; // fails if another user created it first
    Ok(root)
}

fn claiming(root: &Path) -> io::Result<File> {
    let lock = File::create(root.join("lock"))?;
    lock.lock()?;
    Ok(lock)
}

fn sweep(root: &Path) -> io::Result<()> {
    for entry in fs::read_dir(root)? {
        let (path, name) = entry.map(|entry| (entry.path(), entry.file_name()))?;
        let name = name.to_string_lossy();
        if name.starts_with("cluster-") && is_free(&path.join("lock")) {
            let _ = fs::remove_dir_all(&path); // fails if its daemons still write; the next start retries
        } else if name.starts_with("port-") && is_free(&path) {
            let _ = fs::remove_file(&path);
        }
    }
    Ok(())
}

/// A missing lock file counts as free: the owner was killed before it created the file, or is removing the directory.
fn is_free(lock: &Path) -> bool {
    File::open(lock).map_or_else(|error| error.kind() == io::ErrorKind::NotFound, |lock| lock.try_lock().is_ok())
}
