//! The search for planted values: a mark is a string that stands nowhere else, and a find is told by the mark's name
//! and place, never by its value.

use std::path::Path;
use xtask::cloud::Place;
use xtask::workspace::FUNCTIONS;

#[derive(Default)]
pub struct Marks {
    /// What was planted, by the name of where.
    planted: Vec<(String, String)>,
}

impl Marks {
    pub fn plant(&mut self, name: &str, value: &str) {
        // A short one could stand somewhere by chance.
        assert!(value.len() >= 12, "{name} is too short to be searched for");
        self.planted.push((name.to_owned(), value.to_owned()));
    }

    /// Makes a mark that stands nowhere else, and plants it.
    pub fn fresh(&mut self, name: &str) -> String {
        let nanos = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).expect("after 1970").as_nanos();
        let mark = format!("zq{nanos:x}n{}zq", self.planted.len());
        self.plant(name, &mark);
        mark
    }

    pub fn count(&self) -> usize {
        self.planted.len()
    }

    /// The names of the marks that stand in `text`, plain, percent-encoded or as JSON writes them, whatever their case.
    pub fn within(&self, text: &str) -> Vec<&str> {
        let text = text.to_lowercase();
        let stands = |value: &str| {
            let quoted = serde_json::to_string(value).expect("a string is JSON");
            let forms = [value.to_owned(), percent_encoded(value), quoted.trim_matches('"').to_owned()];
            forms.iter().any(|form| text.contains(&form.to_lowercase()))
        };
        self.planted.iter().filter(|(_, value)| stands(value)).map(|(name, _)| name.as_str()).collect()
    }
}

fn percent_encoded(text: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte);
    text.bytes().map(|b| if plain(b) { char::from(b).to_string() } else { format!("%{b:02X}") }).collect()
}

/// A place that is searched, and what stands there.
pub struct Searched {
    pub place: String,
    pub text: String,
}

/// The logs of all functions, and of the servers of the local cloud.
pub async fn logs(place: &Place) -> Vec<Searched> {
    let mut all = vec![];
    for (_, function) in FUNCTIONS {
        let lines = place.logs(function).await.unwrap_or_else(|error| panic!("the log of {function}: {error}"));
        all.push(Searched { place: format!("log of {function}"), text: lines.join("\n") });
    }
    all.extend(files(&place.home.join("log")));
    all
}

fn files(folder: &Path) -> Vec<Searched> {
    let entries = std::fs::read_dir(folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    let read = |entry: std::io::Result<std::fs::DirEntry>| {
        let path = entry.expect("an entry").path();
        let bytes = std::fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        Searched { place: path.display().to_string(), text: String::from_utf8_lossy(&bytes).into_owned() }
    };
    entries.map(read).collect()
}

/// One line for each mark that stands where it must not.
pub fn finds(marks: &Marks, searched: &[Searched]) -> Vec<String> {
    let found = |at: &Searched| {
        let names: Vec<String> = marks.within(&at.text).into_iter().map(str::to_owned).collect();
        names.into_iter().map(|name| format!("{name} in {}", at.place)).collect::<Vec<_>>()
    };
    searched.iter().flat_map(found).collect()
}

#[test]
fn the_search_finds_what_stands_in_a_log_in_any_dress() {
    let mut marks = Marks::default();
    marks.plant("plain", "planted-value-1");
    marks.plant("odd", "planted value/\"2\"");
    marks.plant("absent", "planted-value-3");
    let at = |text: &str| vec![Searched { place: "a log".into(), text: text.into() }];
    assert_eq!(finds(&marks, &at("before planted-value-1 after")), ["plain in a log"]);
    assert_eq!(finds(&marks, &at("before PLANTED-value-1 after")), ["plain in a log"]);
    assert_eq!(finds(&marks, &at("/chat?a=planted%20value%2F%222%22")), ["odd in a log"]);
    assert_eq!(finds(&marks, &at(r#"{"message":"planted value/\"2\""}"#)), ["odd in a log"]);
    assert_eq!(finds(&marks, &at("nothing")), [""; 0]);
    let folder = std::env::temp_dir().join(format!("postroom-marks-{}", std::process::id()));
    std::fs::create_dir_all(&folder).expect("a folder");
    std::fs::write(folder.join("a.log"), b"\xff planted-value-1").expect("a log");
    let found = finds(&marks, &files(&folder));
    std::fs::remove_dir_all(&folder).expect("the folder is there");
    assert_eq!(found.len(), 1);
}
