//! The words of `cargo xtask`, as clap reads, explains and completes them.

use crate::workspace::{FUNCTIONS, Workspace};
use crate::{Context, Result, demo, eval, fault, flows, logs, mailboxes, receive};
use clap::builder::PossibleValuesParser;
use clap::{Args, Parser, Subcommand};
use clap_complete::Shell;
use std::path::PathBuf;
use std::time::Duration;

/// The local cloud of Postroom, and the checks of the whole repository.
#[derive(Debug, Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask", disable_help_subcommand = true)]
pub struct Cli {
    #[command(subcommand)]
    pub word: Word,
}

#[derive(Debug, Subcommand)]
pub enum Word {
    /// Build, deploy and run the whole system on this machine until Ctrl-C; data is kept for the next time.
    Up(Up),
    /// Stop the local cloud that runs in another terminal; data is kept.
    Down(Home),
    /// Tell how each part of the local cloud is, and what to do where it is not well. Exit code 0: all of it is well.
    Status {
        #[command(flatten)]
        json: Json,
        #[command(flatten)]
        home: Home,
    },
    /// Show the log of a function, of all functions in the order of time, or of a server.
    Logs {
        /// A function, or one of the servers aws, google and front-door; without it all functions.
        #[arg(value_parser = PossibleValuesParser::new(logs::names()), value_name = "NAME")]
        name: Option<String>,
        /// Go on with what comes, until Ctrl-C.
        #[arg(long, short)]
        follow: bool,
        /// Only what is younger: a number with s, m, h or d. For functions.
        #[arg(long, value_parser = age, value_name = "AGE")]
        since: Option<Duration>,
        #[command(flatten)]
        json: Json,
        #[command(flatten)]
        home: Home,
    },
    /// Call a deployed function with an event: its answer or error, and what it logged. Exit code 1: it failed.
    Invoke {
        #[arg(value_parser = functions(), value_name = "FUNCTION")]
        function: String,
        #[command(flatten)]
        event: Event,
        #[command(flatten)]
        json: Json,
        #[command(flatten)]
        home: Home,
    },
    /// Put raw mails (RFC 5322) into a mailbox of the running Google simulator, as if they came from outside.
    Mail {
        /// Files with one mail each.
        #[arg(required = true)]
        files: Vec<PathBuf>,
        /// The mailbox that receives them.
        #[arg(long, default_value = demo::MAILBOX, value_name = "ADDRESS")]
        to: String,
        #[command(flatten)]
        json: Json,
        #[command(flatten)]
        home: Home,
    },
    /// Sign in to the console of the running cloud and connect a mailbox, as a browser would.
    Connect {
        /// The mailbox to connect; the simulator must have it.
        #[arg(default_value = demo::MAILBOX)]
        address: String,
        #[command(flatten)]
        json: Json,
        #[command(flatten)]
        home: Home,
    },
    /// Print the variables of a deployed function as shell exports, to run it by itself with `cargo lambda watch`.
    Env {
        #[arg(value_parser = functions(), value_name = "FUNCTION")]
        function: String,
        #[command(flatten)]
        json: Json,
        #[command(flatten)]
        home: Home,
    },
    /// Show what the product reads in a mail: one line of JSON for each file.
    Inspect {
        /// Files with one mail (RFC 5322) each.
        #[arg(required = true)]
        files: Vec<PathBuf>,
        /// The files are bare bodies of plain text.
        #[arg(long, conflicts_with = "html")]
        text: bool,
        /// The files are bare bodies of HTML.
        #[arg(long)]
        html: bool,
    },
    /// Ask the built-in assistant over the demo knowledge base: answer, sources, confidence.
    Ask {
        /// The question; several words make one.
        #[arg(required = true)]
        question: Vec<String>,
        #[command(flatten)]
        json: Json,
    },
    /// Measure an assistant on labelled mails and questions: routes, facts, languages, forbidden text, retrieval.
    Eval(eval::Command),
    /// Make the running Google simulator misbehave, to see what the product does.
    #[command(after_help = "Example: cargo xtask fault refuse gmail.users.messages.get --status 429 --retry-at +30s")]
    Fault(fault::Command),
    /// Receive notifications: print each request as a line of JSON and accept it, as Slack and as a webhook, until Ctrl-C.
    Receive {
        /// Port on the loopback address (0: any free one).
        #[arg(long, default_value_t = receive::PORT)]
        port: u16,
    },
    /// Check a flow, run it on a mail without any effect, or print the schema of flows; needs no running cloud.
    #[command(subcommand)]
    Flow(flows::Command),
    /// Check everything: format, lints, template, all test suites against a local cloud of their own.
    Test,
    /// Do the README's five minutes in a fresh clone with a real browser, and take a picture of each step.
    Tour {
        /// Where the pictures go [default: .local/tour/pictures]
        #[arg(long, value_name = "FOLDER")]
        pictures: Option<PathBuf>,
        /// Where the clone goes; absent or empty [default: .local/tour/postroom, emptied before]
        #[arg(long, value_name = "FOLDER")]
        clone: Option<PathBuf>,
    },
    /// Print the completion of `cargo xtask` for a shell.
    Completion {
        #[arg(value_parser = clap::builder::PossibleValuesParser::new(["bash", "zsh", "fish"]))]
        shell: String,
    },
}

#[derive(Debug, Args)]
pub struct Up {
    #[command(flatten)]
    pub home: Home,
    /// Port of the front door, the address for the browser (0: any free one).
    #[arg(long, default_value_t = 8400)]
    pub port: u16,
    /// Port of the local AWS (0: any free one).
    #[arg(long, default_value_t = 8401)]
    pub aws_port: u16,
    /// Port of the Google simulator (0: any free one).
    #[arg(long, default_value_t = 8402)]
    pub google_port: u16,
    /// A receiver of notifications on this machine that the functions may reach, as HOST:PORT, several by commas; Slack's
    /// Web API is looked for at the first. Empty: none, and Slack itself.
    #[arg(long, value_name = "HOST:PORT", default_value_t = format!("127.0.0.1:{}", receive::PORT))]
    pub receivers: String,
    /// Begin anew: remove state and logs of this home first, mailboxes and mails included; asks for nothing.
    #[arg(long)]
    pub reset: bool,
    /// Also make and connect so many further mailboxes (support1@… and on, in several domains); those that are
    /// connected stay as they are.
    #[arg(
        long,
        value_name = "N",
        default_value_t = 0,
        hide_default_value = true,
        value_parser = clap::value_parser!(u16).range(..=i64::from(mailboxes::MOST))
    )]
    pub with_mailboxes: u16,
}

#[derive(Debug, Args)]
#[group(required = true, multiple = false)]
pub struct Event {
    /// File with the event as JSON (-: standard input); tests/fixtures/events has one for each function.
    #[arg(long, value_name = "FILE")]
    pub data_file: Option<PathBuf>,
    /// The event as JSON.
    #[arg(long, value_name = "JSON")]
    pub data: Option<String>,
}

#[derive(Debug, Args)]
pub struct Home {
    /// Folder for state and logs [default: .local in the repository]
    #[arg(long, value_name = "FOLDER")]
    pub home: Option<PathBuf>,
}

impl Home {
    pub fn path(self) -> Result<PathBuf> {
        match self.home {
            Some(path) => std::path::absolute(&path).why(|| format!("{} is no path", path.display())),
            None => Ok(Workspace::find()?.home()),
        }
    }
}

#[derive(Debug, Clone, Copy, Args)]
pub struct Json {
    /// As JSON, for scripts.
    #[arg(long)]
    pub json: bool,
}

fn functions() -> PossibleValuesParser {
    PossibleValuesParser::new(FUNCTIONS.map(|(_, name)| name))
}

fn age(text: &str) -> Result<Duration, String> {
    let unit = text.char_indices().next_back().map_or(0, |(at, _)| at);
    let seconds = match &text[unit..] {
        "s" => Some(1),
        "m" => Some(60),
        "h" => Some(3_600),
        "d" => Some(86_400),
        _ => None,
    };
    let number = text[..unit].parse::<u64>().ok();
    let seconds = seconds.zip(number).and_then(|(unit, number)| number.checked_mul(unit));
    seconds.map(Duration::from_secs).ok_or_else(|| "not an age such as 30s, 10m, 2h or 1d".into())
}

/// The script that completes `cargo xtask`: clap's for a program of its own, and a hook that hands it the words after
/// `cargo xtask` and leaves every other use of cargo to whoever completed that before.
pub fn completion(shell: &str) -> Result<String> {
    use clap::CommandFactory;
    let shell: Shell = shell.parse().map_err(crate::Error::new)?;
    let mut script = Vec::new();
    let (name, hook) = match shell {
        Shell::Bash => ("xtask", include_str!("completion.bash")),
        Shell::Zsh => ("xtask", include_str!("completion.zsh")),
        // Fish adds to what it knows of a command, so this is `cargo` with one word.
        _ => {
            let xtask = Cli::command().name("xtask").bin_name("cargo xtask");
            let cargo = clap::Command::new("cargo").disable_help_flag(true).disable_help_subcommand(true);
            clap_complete::generate(shell, &mut cargo.subcommand(xtask), "cargo", &mut script);
            let script = String::from_utf8(script).why(|| "the completion".into())?;
            // Not the names that fish's own completion of cargo may use.
            return Ok(script.replace("__fish_cargo_", "__fish_cargo_xtask_"));
        }
    };
    clap_complete::generate(shell, &mut Cli::command().name(name).bin_name(name), name, &mut script);
    let script = String::from_utf8(script).why(|| "the completion".into())?;
    Ok(format!("{script}\n{hook}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;
    use clap::error::ErrorKind;

    fn refusal(words: &[&str]) -> (ErrorKind, String) {
        let error = Cli::try_parse_from([&["cargo xtask"], words].concat()).unwrap_err();
        (error.kind(), error.to_string())
    }

    #[test]
    fn the_words_are_consistent() {
        Cli::command().debug_assert();
    }

    #[test]
    fn a_wrong_word_or_function_names_the_near_one() {
        let (kind, text) = refusal(&["stauts"]);
        assert_eq!(kind, ErrorKind::InvalidSubcommand);
        assert!(text.contains("'status'"), "{text}");
        for word in ["logs", "env", "invoke"] {
            let (kind, text) = refusal(&[word, "mail-snyc", "--json"]);
            assert_eq!(kind, ErrorKind::InvalidValue, "{text}");
            assert!(FUNCTIONS.iter().all(|(_, name)| text.contains(name)) && text.contains("similar"), "{text}");
        }
    }

    #[test]
    fn mailboxes_have_a_limit_that_is_told() {
        let (kind, text) = refusal(&["up", "--with-mailboxes", "5000"]);
        assert_eq!(kind, ErrorKind::ValueValidation);
        assert!(text.contains("0..=100"), "{text}");
    }

    #[test]
    fn an_invocation_needs_one_event() {
        assert_eq!(refusal(&["invoke", "console"]).0, ErrorKind::MissingRequiredArgument);
        assert_eq!(refusal(&["invoke", "console", "--data", "1", "--data-file", "x"]).0, ErrorKind::ArgumentConflict);
    }

    /// As bash itself would ask; the completion of cargo that was there before has one word.
    fn completed(line: &str) -> String {
        let ask = format!(
            "_before() {{ COMPREPLY=(build); }}; complete -F _before cargo\n{}\nCOMP_WORDS=({line}); \
             COMP_CWORD=$((${{#COMP_WORDS[@]}} - 1)); _cargo_with_xtask cargo \"${{COMP_WORDS[COMP_CWORD]}}\" x; \
             echo \"${{COMPREPLY[*]}}\"",
            completion("bash").unwrap()
        );
        let output = std::process::Command::new("bash").args(["--norc", "-c", &ask]).output().unwrap();
        assert!(output.stderr.is_empty(), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap().trim().to_owned()
    }

    #[test]
    fn bash_completes_words_options_and_functions_and_leaves_the_rest_of_cargo_alone() {
        assert_eq!(completed("cargo xtask sta"), "status");
        assert_eq!(completed("cargo xtask up --with"), "--with-mailboxes");
        assert_eq!(completed("cargo xtask logs mail"), "mail-sync");
        assert_eq!(completed("cargo bu"), "build");
        for shell in ["zsh", "fish"] {
            assert!(completion(shell).unwrap().contains("with-mailboxes"), "{shell}");
        }
    }

    #[test]
    fn ages() {
        assert_eq!(age("10m"), Ok(Duration::from_secs(600)));
        assert_eq!(age("2d"), Ok(Duration::from_secs(172_800)));
        for wrong in ["", "m", "10", "1w", "-1s", "1.5h", "9999999999999999999d", "10µ"] {
            assert!(age(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn both_readmes_name_only_words_that_exist_and_the_table_names_all() {
        let root = Workspace::find().unwrap().root;
        let known: Vec<String> = Cli::command().get_subcommands().map(|word| word.get_name().to_owned()).collect();
        let mut tabled = vec![];
        for file in ["README.md", "CONTRIBUTING.md", "infra/local/README.md"] {
            let text = std::fs::read_to_string(root.join(file)).unwrap();
            for (at, part) in text.split("cargo xtask ").enumerate().skip(1) {
                let word: String = part.chars().take_while(|c| c.is_ascii_lowercase() || *c == '-').collect();
                // "`cargo xtask …`" means all of them.
                assert!(word.is_empty() || known.contains(&word), "{file}: cargo xtask {word} ({at})");
            }
            tabled.extend(text.split("| `cargo xtask ").skip(1).map(str::to_owned));
        }
        let missing: Vec<_> =
            known.iter().filter(|word| !tabled.iter().any(|row| row.starts_with(word.as_str()))).collect();
        assert!(missing.is_empty(), "not in the table of infra/local/README.md: {missing:?}");
    }
}
