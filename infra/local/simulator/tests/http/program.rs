use std::{
    io::{BufRead, BufReader},
    process::{Child, Command, Stdio},
};

use crate::support::{CUSTOMER, http};

fn simulator(args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_simulator"));
    command.args(args).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

/// Starts the program and waits for the line that names its address.
fn started(args: &[&str]) -> (Child, String) {
    let mut child = simulator(args).spawn().unwrap();
    let mut line = String::new();
    BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
    (child, line.trim().to_owned())
}

fn terminate(mut child: Child) {
    assert!(Command::new("kill").args(["-TERM", &child.id().to_string()]).status().unwrap().success());
    assert!(child.wait().unwrap().success());
}

#[tokio::test]
async fn a_terminated_program_keeps_its_mail() {
    let dir = std::env::temp_dir().join(format!("simulator-program-{}", std::process::id()));
    let args = ["--port", "0", "--state", dir.to_str().unwrap(), "--client", "a,b,http://localhost:9/c"];
    let (child, url) = started(&args);
    let put = format!("{url}/_sim/accounts/{CUSTOMER}/messages");
    assert_eq!(http().post(put).body("Subject: Kept\r\n\r\nx\r\n").send().await.unwrap().status(), 200);
    terminate(child);

    let (child, url) = started(&args);
    let page = http().get(format!("{url}/mail/{CUSTOMER}")).send().await.unwrap().text().await.unwrap();
    assert!(page.contains("Kept"));
    terminate(child);
    std::fs::remove_dir_all(dir).unwrap();
}

#[test]
fn help_and_mistakes_are_told() {
    let help = simulator(&["--help"]).output().unwrap();
    assert!(help.status.success());
    assert!(String::from_utf8(help.stdout).unwrap().contains("--history-limit"));
    for args in [&["--nonsense"][..], &["--port", "many"], &["--client", "only-an-id"], &["--accounts", "nobody"]] {
        let told = simulator(args).output().unwrap();
        assert_eq!(told.status.code(), Some(2), "{args:?}");
        assert!(String::from_utf8(told.stderr).unwrap().contains("See --help."));
    }
}
