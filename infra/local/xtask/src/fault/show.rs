//! What is said to a person after a word.

use super::words::Word;
use serde_json::Value;

pub(super) fn outcome(word: &Word, answer: &Value) -> String {
    match word {
        Word::List => list(answer),
        Word::Clear { id: None } => "all faults are cleared".into(),
        Word::Clear { id: Some(id) } => format!("fault {id} is cleared"),
        Word::HistoryGone { account } => format!("every earlier history id of {account} is too old"),
        Word::Token { .. } => format!("{} live refresh tokens are refused from now on", answer["ended"]),
        Word::Restore { .. } => "accounts and clients are as good as before; dead tokens stay dead".into(),
        Word::Subscription(_) if answer["ended"] == false => "it never expires: its policy has no expiration".into(),
        Word::Subscription(_) => "done".into(),
        Word::Clock { offset } => format!("the simulator's clock is {offset} ms ahead of the machine's"),
        Word::Keys => "a new key signs from now on; the former one is still published".into(),
        _ => format!("fault {} is set", answer["id"]),
    }
}

fn list(answer: &Value) -> String {
    let mut lines = Vec::new();
    for armed in answer["faults"].as_array().into_iter().flatten() {
        let fault = &armed["fault"];
        let account = fault["account"].as_str().map(|account| format!(" of {account}")).unwrap_or_default();
        let state = if armed["spent"] == true { ", spent" } else { "" };
        lines.push(format!(
            "{:>3}  {}{account}, from call {} on, {}: {}  (seen {}, fired {}{state})",
            armed["id"],
            fault["method"].as_str().unwrap_or("?"),
            fault["nth"],
            times(&fault["times"]),
            fault["effect"],
            armed["seen"],
            armed["fired"],
        ));
    }
    if lines.is_empty() {
        lines.push("no fault is set".into());
    }
    if let Some(offset) = answer["clock_offset_ms"].as_i64().filter(|offset| *offset != 0) {
        lines.push(format!("the clock is {offset} ms ahead of the machine's"));
    }
    lines.join("\n")
}

fn times(times: &Value) -> String {
    match times.as_u64() {
        Some(u64::MAX) => "until it is cleared".into(),
        Some(1) => "once".into(),
        _ => format!("{times} times"),
    }
}
