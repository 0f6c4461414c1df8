//! Runs one command to its end and keeps its output.
//!
//! Standard output and standard error go through one pipe, so that their lines keep their order. The end of
//! the *command* ends the run, not the end of the pipe: a process that it left behind may hold the
//! pipe open. A command that exceeds its limit is ended, and the output says so.

use std::{
    io::{self, BufRead, BufReader, PipeReader},
    path::Path,
    process::{Child, Command, Stdio},
    sync::mpsc::{self, Receiver, RecvTimeoutError, Sender},
    thread,
    time::{Duration, Instant},
};

/// Result of a command.
#[derive(Debug)]
pub(crate) struct Run {
    pub(crate) success: bool,
    pub(crate) output: String,
}

/// Runs `command` for at most `limit`. Calls `line` with each line of output, and with an empty line
/// every second.
pub(crate) fn run(command: &mut Command, limit: Duration, mut line: impl FnMut(&str)) -> Run {
    match start(command) {
        Ok((child, lines)) => follow(child, &lines, limit, &mut line),
        Err(error) => {
            let program = command.get_program().to_string_lossy().into_owned();
            Run { success: false, output: format!("cannot start {program}: {error}\n") }
        }
    }
}

/// Returns a command as a person would type it, without its environment.
pub(crate) fn describe(command: &Command) -> String {
    let program = Path::new(command.get_program());
    let mut text = program.file_name().unwrap_or_default().to_string_lossy().into_owned();
    for argument in command.get_args() {
        text.push(' ');
        text.push_str(&argument.to_string_lossy());
    }
    text
}

/// Returns the current time, to measure durations.
#[expect(clippy::disallowed_methods, reason = "durations are only shown, nothing depends on them")]
pub(crate) fn now() -> Instant {
    Instant::now()
}

fn start(command: &mut Command) -> io::Result<(Child, Receiver<String>)> {
    let (reader, writer) = io::pipe()?;
    command.stdin(Stdio::null()).stdout(writer.try_clone()?).stderr(writer);
    let child = command.spawn();
    // The command still owns write ends of the pipe in this process. While they are open, reading would
    // never end.
    command.stdout(Stdio::null()).stderr(Stdio::null());
    let child = child?;
    let (sender, lines) = mpsc::channel();
    thread::spawn(move || forward(reader, &sender));
    Ok((child, lines))
}

fn forward(reader: PipeReader, lines: &Sender<String>) {
    let mut reader = BufReader::new(reader);
    let mut bytes = Vec::new();
    while reader.read_until(b'\n', &mut bytes).is_ok_and(|read| read > 0) {
        if lines.send(String::from_utf8_lossy(&bytes).into_owned()).is_err() {
            return;
        }
        bytes.clear();
    }
}

fn follow(
    mut child: Child,
    lines: &Receiver<String>,
    limit: Duration,
    line: &mut impl FnMut(&str),
) -> Run {
    let started = now();
    let mut output = String::new();
    loop {
        match lines.recv_timeout(TICK) {
            Ok(text) => {
                line(text.trim_end());
                output.push_str(&text);
            }
            Err(RecvTimeoutError::Disconnected) => return end(&mut child, output),
            Err(RecvTimeoutError::Timeout) => {
                line("");
                if matches!(child.try_wait(), Ok(Some(_))) {
                    // The command has ended and has written nothing since. Other processes that hold the
                    // pipe are not waited for.
                    return end(&mut child, output);
                }
            }
        }
        if started.elapsed() > limit {
            stop(&mut child, lines);
            output.push_str("this took longer than its limit and was ended\n");
            return Run { success: false, output };
        }
    }
}

fn end(child: &mut Child, mut output: String) -> Run {
    match child.wait() {
        Ok(status) => Run { success: status.success(), output },
        Err(error) => {
            output.push_str(&error.to_string());
            Run { success: false, output }
        }
    }
}

/// Sends SIGTERM, so that a test runner can end the processes that it started, and kills the command
/// if it has not ended after [`GRACE_TICKS`].
fn stop(child: &mut Child, lines: &Receiver<String>) {
    Command::new("kill").args(["-TERM", &child.id().to_string()]).status().ok();
    for _ in 0..GRACE_TICKS {
        if matches!(child.try_wait(), Ok(Some(_))) {
            return;
        }
        // Nothing is left to read. This only waits, and returns early when the pipe ends.
        lines.recv_timeout(TICK).ok();
    }
    child.kill().ok();
    child.wait().ok();
}

const TICK: Duration = Duration::from_secs(1);

/// Number of lines or seconds after SIGTERM, after which the command is killed.
const GRACE_TICKS: u32 = 10;

#[cfg(test)]
mod tests {
    use super::*;

    fn shell(script: &str) -> Command {
        let mut command = Command::new("sh");
        command.args(["-c", script]);
        command
    }

    #[test]
    fn both_streams_are_kept_in_order() {
        let run = run(&mut shell("echo a; echo b >&2; echo c"), LONG, |_| {});

        assert!(run.success);
        assert_eq!(run.output, "a\nb\nc\n");
    }

    #[test]
    fn a_failing_command_is_a_failure() {
        assert!(!run(&mut shell("exit 3"), LONG, |_| {}).success);
    }

    #[test]
    fn a_missing_command_is_a_failure_that_names_it() {
        let run = run(&mut Command::new("no-such-program-here"), LONG, |_| {});

        assert!(!run.success);
        assert!(run.output.contains("no-such-program-here"), "{}", run.output);
    }

    #[test]
    fn a_process_left_behind_is_not_waited_for() {
        let run = run(&mut shell("sleep 30 & echo started"), LONG, |_| {});

        assert!(run.success);
        assert_eq!(run.output, "started\n");
    }

    #[test]
    fn a_command_over_its_limit_is_ended() {
        let run = run(&mut shell("exec sleep 30"), Duration::from_millis(100), |_| {});

        assert!(!run.success);
        assert!(run.output.contains("limit"), "{}", run.output);
    }

    const LONG: Duration = Duration::from_secs(20);
}
