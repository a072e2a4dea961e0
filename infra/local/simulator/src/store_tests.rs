use super::*;
use crate::{
    config::{AccountConfig, Client, Config},
    mailbox::{Draft, Mail},
    state::World,
};

const ADDRESS: &str = "one@load.test";

/// A directory of its own, removed at the end.
struct Dir(PathBuf);

impl Dir {
    fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("simulator-store-{name}-{}", std::process::id()));
        if path.exists() {
            fs::remove_dir_all(&path).unwrap();
        }
        Self(path)
    }

    fn open(&self) -> (Store, World) {
        let (store, world) = Store::open(&self.0).unwrap();
        (store, world.unwrap_or_default())
    }

    fn journal(&self) -> PathBuf {
        self.0.join(JOURNAL)
    }

    fn eml(&self, id: &str) -> PathBuf {
        self.0.join(MAIL).join(ADDRESS).join(format!("{id}.eml"))
    }
}

impl Drop for Dir {
    fn drop(&mut self) {
        fs::remove_dir_all(&self.0).unwrap();
    }
}

fn world() -> World {
    let mut world = World::default();
    world.adopt(&Config { accounts: vec![AccountConfig::workspace(ADDRESS, "One")], ..Config::default() });
    world
}

fn add(world: &mut World, id: &str, text: &str) {
    let raw = format!("Message-ID: <{id}@load.test>\r\nSubject: {text}\r\n\r\n{text}\r\n").into_bytes();
    let mail = Mail::new(id.into(), None, ["INBOX".to_owned()].into(), 1_000, raw);
    world.accounts.get_mut(ADDRESS).unwrap().mailbox.add(mail, 2_000);
}

fn save(store: &mut Store, world: &mut World) {
    store.collect(world).unwrap();
    store.commit().unwrap();
}

/// Everything that is kept, in a form that can be compared.
fn picture(world: &World) -> String {
    let mut text = serde_json::to_string(world).unwrap();
    for account in world.accounts.values() {
        let mailbox = &account.mailbox;
        text.push_str(&serde_json::to_string(account).unwrap());
        for mail in mailbox.messages.newest_first() {
            text.push_str(&serde_json::to_string(mail).unwrap());
            text.push_str(&String::from_utf8_lossy(&mail.raw));
        }
        text.push_str(&serde_json::to_string(&mailbox.drafts.values().collect::<Vec<_>>()).unwrap());
        text.push_str(&serde_json::to_string(&mailbox.history.since(0).collect::<Vec<_>>()).unwrap());
    }
    text
}

/// Three commits that add, change and remove; the pictures after each.
fn three_commits(dir: &Dir) -> Vec<String> {
    let (mut store, mut pictures, mut world) = (dir.open().0, Vec::new(), world());
    add(&mut world, "a1", "First");
    add(&mut world, "a2", "Second");
    save(&mut store, &mut world);
    pictures.push(picture(&world));

    let client =
        Client { client_id: "app".into(), client_secret: "not-a-secret".into(), redirect_uris: vec![], testing: true };
    world.set_client(client.clone());
    let grant = world.add_grant(&client, ADDRESS, &["scope".into()], true);
    world.add_access(&grant, 60);
    add(&mut world, "a3", "Third");
    let mailbox = &mut world.accounts.get_mut(ADDRESS).unwrap().mailbox;
    mailbox.relabel("a1", &["STARRED".into()], &["INBOX".into()], 2_000);
    mailbox.drafts.insert("r1".into(), Draft { id: "r1".into(), message_id: "a3".into() });
    save(&mut store, &mut world);
    pictures.push(picture(&world));

    let mailbox = &mut world.accounts.get_mut(ADDRESS).unwrap().mailbox;
    mailbox.remove("a2", 2_000);
    mailbox.drafts.remove("r1");
    save(&mut store, &mut world);
    pictures.push(picture(&world));
    pictures
}

#[test]
fn what_is_saved_is_loaded_and_only_changes_are_written() {
    let dir = Dir::new("round");
    let pictures = three_commits(&dir);
    assert!(!dir.eml("a2").exists(), "a deleted mail leaves its file");
    let (mut store, mut world) = dir.open();
    assert_eq!(picture(&world), pictures[2]);
    let account = &world.accounts[ADDRESS];
    assert_eq!(account.mailbox.thread("a1").len(), 1, "the indexes are back");
    let refresh_token = world.grants.first().unwrap().refresh_token.clone().unwrap();
    assert!(world.grant_by_refresh_token(&refresh_token).is_some());

    let length = store.length;
    save(&mut store, &mut world);
    assert_eq!(store.length, length, "nothing changed, nothing is written");
    world.accounts.get_mut(ADDRESS).unwrap().mailbox.relabel("a1", &["UNREAD".into()], &[], 3_000);
    store.collect(&mut world).unwrap();
    let kinds: Vec<String> = store.backlog.iter().map(|row| serde_json::to_value(row).unwrap()).map(kind).collect();
    assert_eq!(kinds, ["account", "mail", "record"]);
    store.commit().unwrap();
    drop(store);
    assert_eq!(picture(&dir.open().1), picture(&world));
}

fn kind(row: Value) -> String {
    row.as_object().unwrap().keys().next().unwrap().clone()
}

#[test]
fn a_kill_at_any_byte_leaves_the_last_commit() {
    let dir = Dir::new("kill");
    let pictures = three_commits(&dir);
    let whole = fs::read(dir.journal()).unwrap();
    let commit = b"\"commit\"\n";
    let ends: Vec<usize> =
        (0..whole.len()).filter(|at| whole[*at..].starts_with(commit)).map(|at| at + commit.len()).collect();
    assert_eq!(ends.len(), 3);
    let second = b"Message-ID: <a2@load.test>\r\nSubject: Second\r\n\r\nSecond\r\n";
    // Every end of a row with the bytes around it, and a sample of what lies between.
    let row_end = |cut: usize| whole[cut.saturating_sub(2)..whole.len().min(cut + 2)].contains(&b'\n');
    for cut in (0..=whole.len()).filter(|cut| cut % 41 == 0 || row_end(*cut)) {
        // The mail that the third commit took away is removed only after it; what is not committed may be cut short.
        fs::write(dir.journal(), &whole[..cut]).unwrap();
        let commits = ends.iter().filter(|end| **end <= cut).count();
        fs::write(dir.eml("a2"), second).unwrap();
        let third = b"Message-ID: <a3@load.test>\r\nSubject: Third\r\n\r\nThird\r\n";
        fs::write(dir.eml("a3"), if commits < 2 { &third[..9] } else { &third[..] }).unwrap();
        fs::write(dir.eml("a1"), b"Message-ID: <a1@load.test>\r\nSubject: First\r\n\r\nFirst\r\n").unwrap();
        let (store, loaded) = Store::open(&dir.0).unwrap();
        assert_eq!(fs::metadata(dir.journal()).unwrap().len(), store.length, "cut at {cut}");
        match commits {
            0 => assert!(loaded.is_none(), "cut at {cut}"),
            commits => {
                assert_eq!(picture(&loaded.unwrap()), pictures[commits - 1], "cut at {cut}");
                assert_eq!(dir.eml("a2").exists(), commits < 3, "cut at {cut}");
                assert_eq!(dir.eml("a3").exists(), commits > 1, "cut at {cut}");
            }
        }
    }
}

#[test]
fn a_leftover_is_written_over() {
    let dir = Dir::new("leftover");
    let (mut store, mut world) = (dir.open().0, world());
    fs::create_dir_all(dir.eml("a1").parent().unwrap()).unwrap();
    fs::write(dir.eml("a1"), b"Message-ID: <a").unwrap();
    add(&mut world, "a1", "First");
    save(&mut store, &mut world);
    drop(store);
    assert_eq!(picture(&dir.open().1), picture(&world));
}

#[test]
fn a_write_that_failed_is_made_good_by_the_next() {
    let dir = Dir::new("again");
    let (mut store, mut world) = (dir.open().0, world());
    save(&mut store, &mut world);
    fs::write(dir.0.join(MAIL), b"in the way").unwrap();
    add(&mut world, "a1", "First");
    store.collect(&mut world).unwrap();
    assert!(matches!(store.commit(), Err(StateError::Io { .. })));
    fs::remove_file(dir.0.join(MAIL)).unwrap();
    add(&mut world, "a2", "Second");
    save(&mut store, &mut world);
    drop(store);
    assert_eq!(picture(&dir.open().1), picture(&world));
}

#[test]
fn overtaken_rows_are_left_out_of_a_new_journal() {
    let dir = Dir::new("compact");
    let pictures = three_commits(&dir);
    let folded = journal::fold(&fs::read(dir.journal()).unwrap()).unwrap();
    let (before, least) = (folded.rows, folded.least_rows());
    let (lines, rows) = folded.lines().unwrap();
    assert!(rows == least && rows < before, "{rows} of {before}, {least} expected");
    fs::write(dir.journal(), lines).unwrap();
    assert_eq!(picture(&dir.open().1), pictures[2]);

    let (mut store, mut world) = dir.open();
    store.rows = WORTH_COMPACTING;
    world.accounts.get_mut(ADDRESS).unwrap().mailbox.relabel("a1", &["UNREAD".into()], &[], 3_000);
    save(&mut store, &mut world);
    assert!(store.rows < WORTH_COMPACTING, "it was compacted while running");
    add(&mut world, "a4", "Fourth");
    save(&mut store, &mut world);
    drop(store);
    assert_eq!(picture(&dir.open().1), picture(&world));
}

fn refusal(dir: &Dir) -> String {
    Store::open(&dir.0).unwrap_err().to_string()
}

#[test]
fn what_cannot_be_read_is_refused_with_a_remedy() {
    let dir = Dir::new("refused");
    fs::create_dir_all(&dir.0).unwrap();
    fs::write(dir.0.join(FORMER), b"{}").unwrap();
    assert!(refusal(&dir).contains("holds state.json") && refusal(&dir).contains("cargo xtask up --reset"));
    fs::remove_file(dir.0.join(FORMER)).unwrap();

    three_commits(&dir);
    let (store, _) = dir.open();
    assert!(refusal(&dir).contains("in use by another simulator"));
    drop(store);

    let whole = fs::read(dir.journal()).unwrap();
    let mail = fs::read(dir.eml("a1")).unwrap();
    fs::write(dir.eml("a1"), &mail[1..]).unwrap();
    assert!(refusal(&dir).contains("a1.eml") && refusal(&dir).contains("cargo xtask up --reset"));
    fs::remove_file(dir.eml("a1")).unwrap();
    assert!(refusal(&dir).contains("damaged"));
    fs::write(dir.eml("a1"), mail).unwrap();

    let spoiled = String::from_utf8(whole).unwrap();
    fs::write(dir.journal(), spoiled.replacen("\"a1\"", "a1", 1)).unwrap();
    assert!(refusal(&dir).contains("of state.log"));
    fs::write(dir.journal(), spoiled.replacen("{\"format\":2}", "{\"format\":9}", 1)).unwrap();
    assert!(refusal(&dir).contains("format 9, not 2"));
    fs::write(dir.journal(), spoiled.replace("\"serial\"", "\"cereal\"")).unwrap();
    assert!(refusal(&dir).contains("another version"));
}

#[test]
fn an_address_is_one_folder_name() {
    assert_eq!(folder("a.b-c_d@load.test"), "a.b-c_d@load.test");
    assert_eq!(folder("../x/y%@load.test"), "..%2Fx%2Fy%25@load.test");
}
