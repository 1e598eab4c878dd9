//! The operator as a child process.

use super::describe::program;
use super::eventually;
use super::http::request;
use std::path::Path;
use std::process::Stdio;
use std::sync::{Arc, Mutex};
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, Command};

/// A running operator. Dropping it kills it.
pub struct Operator {
    pub address: String,
    process: Child,
    log: Arc<Mutex<Vec<String>>>,
}

/// Short times, so that no test waits for minutes. A test overrides the settings that it is about.
const QUICK: [(&str, &str); 11] = [
    ("CUSTOMIMAGE_LEADER_ELECTION", "false"),
    ("CUSTOMIMAGE_LISTEN", "127.0.0.1:0"),
    ("CUSTOMIMAGE_IN_PROGRESS_INTERVAL", "200ms"),
    ("CUSTOMIMAGE_SETTLED_INTERVAL", "500ms"),
    ("CUSTOMIMAGE_ABSENT_INTERVAL", "200ms"),
    ("CUSTOMIMAGE_ABSENT_INTERVAL_MAX", "500ms"),
    ("CUSTOMIMAGE_ERROR_INTERVAL", "200ms"),
    ("CUSTOMIMAGE_ERROR_INTERVAL_MAX", "500ms"),
    ("AWS_MAX_ATTEMPTS", "1"),
    ("CUSTOMIMAGE_AWS_BUDGET", "100"),
    ("CUSTOMIMAGE_AWS_ASSUMED_RATE", "1000"),
];

impl Operator {
    /// Starts `run` and waits until it logs its address.
    pub async fn start(endpoint: &str, kubeconfig: &Path, settings: &[(&str, &str)]) -> Self {
        let mut command: Command = program(endpoint);
        command
            .arg("run")
            .env("KUBECONFIG", kubeconfig)
            .envs(QUICK)
            .envs(settings.iter().copied())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .kill_on_drop(true);
        let mut process = command.spawn().unwrap();
        let mut lines = BufReader::new(process.stderr.take().unwrap()).lines();
        let log = Arc::new(Mutex::new(Vec::new()));
        let address = loop {
            let Ok(Some(line)) = lines.next_line().await else {
                panic!("the operator ended: {:#?}", log.lock().unwrap());
            };
            let address =
                line.split("listen=").nth(1).and_then(|rest| rest.split_whitespace().next()).map(str::to_owned);
            log.lock().unwrap().push(line);
            if let Some(address) = address {
                break address;
            }
        };
        let rest = log.clone();
        tokio::spawn(async move {
            while let Ok(Some(line)) = lines.next_line().await {
                rest.lock().unwrap().push(line);
            }
        });
        Self { address, process, log }
    }

    /// How many files it has open.
    pub fn files(&self) -> usize {
        std::fs::read_dir(format!("/proc/{}/fd", self.process.id().unwrap())).unwrap().count()
    }

    /// The memory that it holds, in MiB.
    pub fn memory(&self) -> f64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.process.id().unwrap())).unwrap();
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
        line.trim().trim_end_matches(" kB").parse::<f64>().unwrap() / 1024.0
    }

    /// From now on it can open a file only while it has fewer than `limit`.
    pub async fn limit_files(&self, limit: usize) {
        let pid = self.process.id().unwrap().to_string();
        let set = Command::new("prlimit").args(["--pid", &pid, &format!("--nofile={limit}")]).status().await.unwrap();
        assert!(set.success(), "prlimit failed");
    }

    /// The log so far.
    pub fn log(&self) -> Vec<String> {
        self.log.lock().unwrap().clone()
    }

    /// How many lines of the log so far have these words.
    pub fn lines(&self, words: &str) -> usize {
        self.log.lock().unwrap().iter().filter(|line| line.contains(words)).count()
    }

    /// Waits until a line of the log has these words. Returns how many have them.
    pub async fn logged(&self, words: &str) -> usize {
        eventually(&format!("the log has '{words}'"), || async {
            let count = self.lines(words);
            if count > 0 { Ok(count) } else { Err(format!("{:?}", self.log())) }
        })
        .await
    }

    /// Sends SIGTERM and returns the exit code.
    pub async fn terminate(mut self) -> i32 {
        let pid = self.process.id().unwrap().to_string();
        Command::new("kill").args(["-TERM", &pid]).status().await.unwrap();
        self.process.wait().await.unwrap().code().unwrap_or(-1)
    }

    /// Waits until it ends by itself and returns the exit code.
    pub async fn ended(mut self) -> i32 {
        self.process.wait().await.unwrap().code().unwrap_or(-1)
    }

    /// Sends a GET to its HTTP server. Returns status and body.
    pub async fn get(&self, path: &str) -> (u16, String) {
        let reply = request(&self.address, "GET", path, &[]).await;
        (reply.code, reply.text)
    }

    /// The value of the metric whose line begins with `name`; 0 if there is no such line.
    pub async fn metric(&self, name: &str) -> f64 {
        let (_, text) = self.get("/metrics").await;
        let line = text.lines().find_map(|line| line.strip_prefix(name)?.trim().parse().ok());
        line.unwrap_or(0.0)
    }

    /// Waits until this metric has this value.
    pub async fn measures(&self, name: &str, value: f64) {
        eventually(&format!("{name} is {value}"), || async {
            let now = self.metric(name).await;
            if now == value { Ok(()) } else { Err(now.to_string()) }
        })
        .await;
    }
}
