//! The real binary as a child process: start it, kill it, start it again.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Command, ExitStatus, Stdio};
use std::sync::mpsc;
use std::time::{Duration, Instant};

use super::client::OpenAi;

/// A running `modelgate serve`; killed when dropped.
pub struct Child {
    process: std::process::Child,
    base: String,
    output: std::sync::Arc<std::sync::Mutex<String>>,
}

impl Child {
    /// Starts the binary on a free port and waits until it is ready.
    pub fn serve(folder: &Path, env: &[(String, String)]) -> Self {
        // a file that may not grow is an error for the program, as a full disk is, and not its end
        let mut process = Self::command_of(Command::new("sh"), folder, env)
            .args(["-c", "trap '' XFSZ; exec \"$0\" serve"])
            .arg(env!("CARGO_BIN_EXE_modelgate"))
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the binary");
        let output = std::sync::Arc::<std::sync::Mutex<String>>::default();
        let (found, base) = mpsc::channel();
        let pipes: [Box<dyn std::io::Read + Send>; 2] = [
            Box::new(process.stdout.take().expect("a pipe")),
            Box::new(process.stderr.take().expect("a pipe")),
        ];
        for pipe in pipes {
            let (found, output) = (found.clone(), std::sync::Arc::clone(&output));
            std::thread::spawn(move || {
                for line in BufReader::new(pipe).lines().map_while(Result::ok) {
                    if let Some(base) = address_in(&line) {
                        let _nobody_waits_any_more = found.send(base);
                    }
                    let mut all = output.lock().expect("no panic");
                    all.push_str(&line);
                    all.push('\n');
                }
            });
        }
        drop(found);
        let base = base.recv_timeout(Duration::from_secs(30));
        let Ok(base) = base else {
            let _dead = process.kill();
            panic!("no address was told: {}", output.lock().expect("no panic"));
        };
        let child = Self {
            process,
            base,
            output,
        };
        child.wait_until_ready();
        child
    }

    /// The binary with nothing but `env` in its environment.
    pub fn command(folder: &Path, env: &[(String, String)]) -> Command {
        let binary = Command::new(env!("CARGO_BIN_EXE_modelgate"));
        Self::command_of(binary, folder, env)
    }

    fn command_of(mut command: Command, folder: &Path, env: &[(String, String)]) -> Command {
        command
            .current_dir(folder)
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap_or_default())
            .envs(env.iter().map(|(n, v)| (n, v)));
        command
    }

    fn wait_until_ready(&self) {
        let address = self.base.trim_start_matches("http://");
        let limit = Instant::now() + Duration::from_secs(30);
        while std::net::TcpStream::connect(address).is_err() {
            assert!(Instant::now() < limit, "not ready: {}", self.output());
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// `http://127.0.0.1:PORT`
    pub fn url(&self) -> &str {
        &self.base
    }

    pub fn openai(&self, key: &str) -> OpenAi {
        OpenAi::new(&self.base, key)
    }

    pub fn pid(&self) -> u32 {
        self.process.id()
    }

    /// Everything it has printed so far.
    pub fn output(&self) -> String {
        self.output.lock().expect("no panic").clone()
    }

    /// Kills it without a warning (SIGKILL).
    pub fn kill(mut self) {
        self.process.kill().expect("a process to kill");
        self.process.wait().expect("an exit status");
    }

    /// Asks it to end (SIGTERM) and waits.
    pub fn terminate(self) -> ExitStatus {
        self.end(rustix::process::Signal::TERM)
    }

    /// The same by the signal of a terminal that is closed (SIGHUP).
    pub fn hang_up(self) -> ExitStatus {
        self.end(rustix::process::Signal::HUP)
    }

    fn end(mut self, signal: rustix::process::Signal) -> ExitStatus {
        let pid = i32::try_from(self.pid())
            .ok()
            .and_then(rustix::process::Pid::from_raw);
        let pid = pid.expect("a process id");
        rustix::process::kill_process(pid, signal).expect("a signal");
        self.process.wait().expect("an exit status")
    }
}

impl Drop for Child {
    fn drop(&mut self) {
        let _already_gone = self.process.kill();
        let _reaped = self.process.wait();
    }
}

/// The address in the log line that says the server is there.
fn address_in(line: &str) -> Option<String> {
    let (_, rest) = line.split_once("serving")?.1.split_once("127.0.0.1:")?;
    let port: String = rest.chars().take_while(char::is_ascii_digit).collect();
    (!port.is_empty()).then(|| format!("http://127.0.0.1:{port}"))
}
