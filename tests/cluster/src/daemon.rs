//! Child processes that end with this process, however it ends. The kernel sends them SIGKILL (PR_SET_PDEATHSIG) when
//! the *thread* that started them ends, so one thread that lives as long as this process starts them all.

use std::{
    fs::{self, File},
    io,
    os::unix::process::{CommandExt as _, parent_id},
    path::{Path, PathBuf},
    process::{Child, Command, ExitStatus, Stdio, id},
    sync::{OnceLock, mpsc},
    thread,
    time::Duration,
};

use rustix::process::{Signal, set_parent_process_death_signal};

use crate::Error;

/// A running process. Dropping it kills the process.
pub struct Daemon {
    name: &'static str,
    child: Child,
    log: PathBuf,
}

impl Daemon {
    /// Starts `program` with its output in the file `log`, which is truncated.
    pub fn start(name: &'static str, program: &Path, arguments: &[String], log: PathBuf) -> Result<Self, Error> {
        let doing = || format!("starting {}", program.display());
        let output = File::create(&log).map_err(Error::io(doing()))?;
        let mut command = Command::new(program);
        command.args(arguments).stdin(Stdio::null());
        command.stdout(output.try_clone().map_err(Error::io(doing()))?).stderr(output);
        let child = spawn(command).map_err(Error::io(doing()))?;
        Ok(Self { name, child, log })
    }

    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Fails if the process has ended.
    pub fn check(&mut self) -> Result<(), Error> {
        let status = self.child.try_wait().map_err(Error::io(format!("watching {}", self.name)))?;
        match status {
            None => Ok(()),
            Some(status) => Err(self.ended(status)),
        }
    }

    pub fn not_ready(&self, after: Duration, last: String) -> Error {
        Error::NotReady { name: self.name, seconds: after.as_secs(), last, log: self.log_tail() }
    }

    fn ended(&self, status: ExitStatus) -> Error {
        Error::Ended { name: self.name, status, log: self.log_tail() }
    }

    fn log_tail(&self) -> String {
        let bytes = fs::read(&self.log).unwrap_or_default();
        let text = String::from_utf8_lossy(&bytes);
        let lines: Vec<_> = text.lines().collect();
        lines[lines.len().saturating_sub(20)..].join("\n")
    }
}

impl Drop for Daemon {
    /// SIGKILL, because the state is discarded, and because a kube-apiserver with open watches shuts down slowly.
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

struct Request {
    command: Command,
    reply: mpsc::Sender<io::Result<Child>>,
}

fn spawn(mut command: Command) -> io::Result<Child> {
    static SPAWNER: OnceLock<mpsc::Sender<Request>> = OnceLock::new();
    let spawner = SPAWNER.get_or_init(|| {
        let (sender, requests) = mpsc::channel::<Request>();
        // If the thread cannot be started, the channel is closed and every send below fails.
        let _ = thread::Builder::new().name("daemon-parent".into()).spawn(move || {
            for Request { mut command, reply } in requests {
                let _ = reply.send(command.spawn());
            }
        });
        sender
    });
    die_with_parent(&mut command);
    let (reply, answer) = mpsc::channel();
    let gone = || io::Error::other("the thread that starts processes is gone");
    spawner.send(Request { command, reply }).map_err(|_| gone())?;
    answer.recv().map_err(|_| gone())?
}

#[allow(unsafe_code, reason = "no safe way to run prctl between fork and exec")]
fn die_with_parent(command: &mut Command) {
    let parent = id();
    command.process_group(0); // Ctrl-C in a terminal must reach only this process
    // SAFETY: between fork and exec, the closure makes only two system calls. Both are async-signal-safe, and nothing
    // is allocated or locked.
    unsafe {
        command.pre_exec(move || {
            set_parent_process_death_signal(Some(Signal::KILL))?;
            // The parent may have died before the prctl.
            if parent_id() == parent { Ok(()) } else { Err(io::ErrorKind::NotFound.into()) }
        });
    }
}
