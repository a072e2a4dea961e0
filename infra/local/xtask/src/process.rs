//! Commands that run to their end, and services that run until they are stopped.

use crate::{Context, Error, Result};
use rustix::process::{Pid, Signal, kill_process, test_kill_process};
use serde::{Deserialize, Serialize};
use std::fs::{self, File};
use std::io::{Read, Seek, SeekFrom};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

const POLL: Duration = Duration::from_millis(50);

/// Runs `command` with its output in the file `log`; an error shows the end of it.
pub async fn run(what: &str, command: &mut Command, log: &Path) -> Result<()> {
    let file = File::create(log).why(|| format!("cannot write {}", log.display()))?;
    let copy = file.try_clone().why(|| format!("cannot write {}", log.display()))?;
    command.stdin(Stdio::null()).stdout(file).stderr(copy);
    match wait_for(what, command).await {
        Ok(()) => Ok(()),
        Err(error) => Err(Error::new(format!("{error}\n{}\n  whole log: {}", tail(log), log.display()))),
    }
}

/// Runs `command` with the terminal as its output.
pub async fn run_shown(what: &str, command: &mut Command) -> Result<()> {
    command.stdin(Stdio::null());
    wait_for(what, command).await
}

async fn wait_for(what: &str, command: &mut Command) -> Result<()> {
    let program = command.get_program().to_string_lossy().into_owned();
    let child = command.spawn().map_err(|cause| {
        Error::new(format!("{what}: cannot start {program}: {cause}"))
            .remedy(format!("install {program}, or put it on the PATH"))
    })?;
    let mut running = Running { child };
    loop {
        if let Some(status) = running.child.try_wait().why(|| what.to_owned())? {
            return if status.success() { Ok(()) } else { Err(Error::new(format!("{what} failed ({status})"))) };
        }
        tokio::time::sleep(POLL).await;
    }
}

/// A command that ends with the wait for it: when the wait is dropped, nobody wants its result.
struct Running {
    child: Child,
}

impl Drop for Running {
    fn drop(&mut self) {
        if !matches!(self.child.try_wait(), Ok(None)) {
            return;
        }
        if let Err(cause) = ProcessId::of(self.child.id())
            .signal(Signal::TERM)
            .and_then(|()| self.child.wait().map(drop).why(|| "waiting".into()))
        {
            eprintln!("cannot end process {}: {cause}", self.child.id());
        }
    }
}

/// The last lines of a log.
pub fn tail(log: &Path) -> String {
    const BYTES: u64 = 6_000;
    let read = || -> std::io::Result<String> {
        let mut file = File::open(log)?;
        let length = file.metadata()?.len();
        file.seek(SeekFrom::Start(length.saturating_sub(BYTES)))?;
        let mut bytes = Vec::new();
        file.read_to_end(&mut bytes)?;
        Ok(String::from_utf8_lossy(&bytes).into_owned())
    };
    match read() {
        Ok(text) => {
            let lines: Vec<&str> = text.lines().collect();
            lines[lines.len().saturating_sub(25)..].iter().map(|line| format!("  | {line}\n")).collect()
        }
        Err(cause) => format!("  | (cannot read {}: {cause})", log.display()),
    }
}

/// A process, told apart from a later one that was given the same id.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProcessId {
    pub pid: u32,
    /// Clock ticks since boot, as in field 22 of `/proc/<pid>/stat` (proc(5)); `None` where there is no such file.
    pub begun: Option<u64>,
}

impl ProcessId {
    pub fn of(pid: u32) -> Self {
        Self { pid, begun: begun(pid) }
    }

    pub fn is_running(&self) -> bool {
        let alive = self.raw().is_some_and(|pid| test_kill_process(pid).is_ok());
        alive && begun(self.pid) == self.begun && !is_zombie(self.pid)
    }

    pub fn signal(&self, signal: Signal) -> Result<()> {
        let pid = self.raw().ok_or_else(|| Error::new(format!("{} is no process id", self.pid)))?;
        kill_process(pid, signal).why(|| format!("cannot signal process {}", self.pid))
    }

    /// Asks the process to end and waits until it has.
    pub async fn end(&self, patience: Duration) -> Result<()> {
        if !self.is_running() {
            return Ok(());
        }
        self.signal(Signal::TERM)?;
        let deadline = Instant::now() + patience;
        while self.is_running() {
            if Instant::now() > deadline {
                return Err(Error::new(format!(
                    "process {} did not end within {} s of SIGTERM",
                    self.pid,
                    patience.as_secs()
                ))
                .remedy(format!("look at what it does, then `kill -9 {}`", self.pid)));
            }
            tokio::time::sleep(POLL).await;
        }
        Ok(())
    }

    fn raw(&self) -> Option<Pid> {
        i32::try_from(self.pid).ok().and_then(Pid::from_raw)
    }
}

fn stat(pid: u32) -> Option<Vec<String>> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    // The second field is the command in parentheses and may hold spaces.
    let (_, rest) = stat.rsplit_once(')')?;
    Some(rest.split_whitespace().map(str::to_owned).collect())
}

fn begun(pid: u32) -> Option<u64> {
    stat(pid)?.get(19)?.parse().ok()
}

fn is_zombie(pid: u32) -> bool {
    stat(pid).is_some_and(|fields| fields.first().is_some_and(|state| state == "Z"))
}

/// A server of the local cloud. It is in a process group of its own, so that Ctrl-C reaches it only through us.
#[derive(Debug)]
pub struct Service {
    pub name: &'static str,
    pub log: PathBuf,
    child: Child,
    id: ProcessId,
    patience: Duration,
}

impl Service {
    /// `patience` is how long it may take to end after SIGTERM.
    pub fn start(name: &'static str, command: &mut Command, log: PathBuf, patience: Duration) -> Result<Self> {
        let file = File::create(&log).why(|| format!("cannot write {}", log.display()))?;
        let copy = file.try_clone().why(|| format!("cannot write {}", log.display()))?;
        let child = command
            .stdin(Stdio::null())
            .stdout(file)
            .stderr(copy)
            .process_group(0)
            .spawn()
            .why(|| format!("cannot start {name}"))?;
        let id = ProcessId::of(child.id());
        Ok(Self { name, log, child, id, patience })
    }

    pub fn id(&self) -> ProcessId {
        self.id
    }

    /// An error that shows its last words, once it has ended.
    pub fn check(&mut self) -> Result<()> {
        match self.child.try_wait().why(|| self.name.to_owned())? {
            None => Ok(()),
            Some(status) => Err(Error::new(format!(
                "{} ended by itself ({status})\n{}  whole log: {}",
                self.name,
                tail(&self.log),
                self.log.display()
            ))),
        }
    }

    pub async fn stop(mut self) -> Result<()> {
        if self.child.try_wait().why(|| self.name.to_owned())?.is_none() {
            self.id.signal(Signal::TERM)?;
            let deadline = Instant::now() + self.patience;
            while self.child.try_wait().why(|| self.name.to_owned())?.is_none() {
                if Instant::now() > deadline {
                    self.child.kill().why(|| format!("cannot end {}", self.name))?;
                    return Err(Error::new(format!(
                        "{} did not end within {} s of SIGTERM and was killed; what it had not yet stored is lost",
                        self.name,
                        self.patience.as_secs()
                    )));
                }
                tokio::time::sleep(POLL).await;
            }
        }
        Ok(())
    }
}

/// For the ways out that pass by `stop`: an error during start, a panic in a test.
impl Drop for Service {
    fn drop(&mut self) {
        if !matches!(self.child.try_wait(), Ok(None)) {
            return;
        }
        let deadline = Instant::now() + self.patience;
        let mut ended = self.id.signal(Signal::TERM).is_err();
        while !ended && Instant::now() < deadline {
            ended = !matches!(self.child.try_wait(), Ok(None));
            std::thread::sleep(POLL);
        }
        if !ended && let Err(cause) = self.child.kill() {
            eprintln!("cannot end {} (process {}): {cause}", self.name, self.id.pid);
        }
    }
}
