use crate::receiver::Receiver;
use async_trait::async_trait;
use notify::guard::{Failed, Forbidden, Guard, MAX_ANSWER, Resolve, SystemResolver};
use serde::Deserialize;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

/// Answers in turn; the last answer stays.
struct Turning {
    answers: Mutex<Vec<Vec<IpAddr>>>,
    asked: AtomicUsize,
}

fn resolver(answers: &[&[&str]]) -> Arc<Turning> {
    let answers = answers.iter().map(|ips| ips.iter().map(|ip| ip.parse().unwrap()).collect()).collect();
    Arc::new(Turning { answers: Mutex::new(answers), asked: AtomicUsize::new(0) })
}

#[async_trait]
impl Resolve for Turning {
    async fn resolve(&self, _: &str, _: u16) -> std::io::Result<Vec<IpAddr>> {
        self.asked.fetch_add(1, Ordering::SeqCst);
        let mut answers = self.answers.lock().unwrap();
        Ok(if answers.len() > 1 { answers.remove(0) } else { answers[0].clone() })
    }
}

const PUBLIC: &str = "93.184.216.34";

/// Spellings of this machine and its neighbourhood, with and without the port of a listener.
fn spellings(port: u16) -> Vec<String> {
    let hosts = [
        "127.0.0.1",
        "127.1",
        "127.0.1",
        "0",
        "0.0.0.0",
        "2130706433",
        "0x7f000001",
        "0x7f.1",
        "0x7F.0x0.0x0.0x1",
        "0177.0.0.1",
        "0177.1",
        "017700000001",
        "00000177.0.0.1",
        "127.0.0.1.",
        "127.000.000.001",
        "%31%32%37.0.0.1",
        "127%2e0%2e0%2e1",
        "１２７.０.０.１",
        "①②⑦.0.0.1",
        "127。0。0。1",
        "localhost",
        "LOCALHOST",
        "localhost.",
        "localhost.localdomain",
        "ｌｏｃａｌｈｏｓｔ",
        "a.localhost",
        "printer.local",
        "metadata.google.internal",
        "router.lan",
        "single",
        "example.com.",
        "[::1]",
        "[::]",
        "[::ffff:127.0.0.1]",
        "[::ffff:7f00:1]",
        "[0:0:0:0:0:ffff:7f00:0001]",
        "[::127.0.0.1]",
        "[64:ff9b::7f00:1]",
        "[2002:7f00:1::]",
        "[fe80::1]",
        "[fd00:ec2::254]",
        "169.254.169.254",
        "169.254.100.1",
        "0xa9.0xfe.0xa9.0xfe",
        "0xa9fea9fe",
        "2852039166",
        "10.0.0.1",
        "172.16.0.1",
        "192.168.0.1",
        "100.64.0.1",
        "224.0.0.1",
        "255.255.255.255",
        "93.184.216.34",
        "user@127.0.0.1",
        "example.com@127.0.0.1",
        "example.com:443@127.0.0.1",
        "user:secret@example.com",
        "127.0.0.1\\@example.com",
        "127.0.0.1#@example.com",
        "127.0.0.1%00.example.com",
        "exa\tmple.com",
        "ex ample.com",
    ];
    let mut all = vec![];
    for host in hosts {
        for scheme in ["http", "https", "HTTPS"] {
            all.extend([
                format!("{scheme}://{host}/"),
                format!("{scheme}://{host}:{port}/"),
                format!("{scheme}:\\\\{host}\\"),
            ]);
        }
    }
    let schemes = ["ftp", "file", "gopher", "ws", "wss", "data", "javascript", "unix", "dict"];
    all.extend(schemes.map(|scheme| format!("{scheme}://127.0.0.1:{port}/")));
    all.extend(
        ["", "//127.0.0.1/", "/chat", "https://", "https:///", "http:127.0.0.1", "https://example.com:8443/"]
            .map(str::to_owned),
    );
    all.push(format!("https://example.com:{port}/"));
    all.push(format!("https://example.com/{}", "a".repeat(3_000)));
    all
}

#[tokio::test]
async fn fault_40_no_spelling_of_a_private_address_is_connected_to() {
    let receiver = Receiver::start().await;
    let guard = Guard::new(Arc::new(SystemResolver), vec![]);
    for text in spellings(receiver.at.port()) {
        let refused = guard.post(&text, &[], vec![]).await;
        assert!(matches!(refused, Err(Failed::Forbidden(_))), "{text}: {refused:?}");
    }
    assert_eq!(receiver.connections(), 0);

    // The listener counts, and the same address is reached when, and only when, it is listed.
    let listed = Guard::new(Arc::new(SystemResolver), vec![receiver.pair()]);
    assert_eq!(listed.post(&receiver.url("/"), &[], vec![]).await.unwrap().status, 200);
    assert_eq!(receiver.connections(), 1);
    let other = Receiver::start().await;
    assert!(listed.post(&other.url("/"), &[], vec![]).await.is_err());
    assert_eq!(other.connections(), 0);
}

#[tokio::test]
async fn fault_40_a_public_name_with_one_private_address_is_refused() {
    for private in [
        "127.0.0.1",
        "10.1.2.3",
        "169.254.169.254",
        "100.100.100.200",
        "0.0.0.0",
        "::1",
        "::ffff:7f00:1",
        "64:ff9b::7f00:1",
        "2002:7f00:1::",
        "fd00:ec2::254",
        "fe80::1",
        "2001::1",
        "192.0.2.1",
        "198.18.0.1",
        "224.0.0.1",
        "255.255.255.255",
    ] {
        for answer in [vec![private], vec![PUBLIC, private], vec![private, PUBLIC]] {
            let guard = Guard::new(resolver(&[&answer]), vec![]);
            let refused = guard.post("https://hooks.example.com/a", &[], vec![]).await;
            assert!(matches!(refused, Err(Failed::Forbidden(Forbidden::Address(_)))), "{answer:?}: {refused:?}");
        }
    }
    let nobody = Guard::new(resolver(&[&[]]), vec![]);
    assert_eq!(nobody.post("https://hooks.example.com/a", &[], vec![]).await, Err(Failed::NoAddress));
}

#[derive(Deserialize)]
struct Case {
    input: String,
    href: Option<String>,
}

#[tokio::test]
async fn fault_40_no_address_of_the_parsers_collection_leads_inside() {
    let text = include_str!("../../../../../tests/fixtures/urls/urltestdata.json");
    let cases: Vec<Case> = serde_json::from_str(text).unwrap();
    assert!(cases.len() > 800);
    let texts: Vec<String> = cases.into_iter().flat_map(|case| [Some(case.input), case.href]).flatten().collect();
    let inside = Guard::new(resolver(&[&["127.0.0.1"]]), vec![]);
    let outside = Guard::new(resolver(&[&[PUBLIC]]), vec![]);
    let mut passed = 0;
    for text in &texts {
        assert!(inside.check(text).await.is_err(), "{text:?}");
        let Ok(url) = outside.parse(text) else { continue };
        passed += 1;
        let name = url.domain().unwrap_or_default();
        assert!(url.scheme() == "https" && url.port().is_none() && url.username().is_empty(), "{text:?}");
        assert!(name.contains('.') && !name.ends_with('.') && name.parse::<IpAddr>().is_err(), "{text:?}");
        let addresses = outside.check(text).await.unwrap().addresses().to_vec();
        assert_eq!(addresses, [SocketAddr::new(PUBLIC.parse().unwrap(), 443)], "{text:?}");
    }
    assert!(passed > 5, "the collection has ordinary addresses too: {passed}");
}

/// The name is resolved once; what it says afterwards reaches nobody.
#[tokio::test]
async fn fault_40_a_name_that_changes_its_answer_is_connected_to_where_it_was_checked() {
    let first = Receiver::start().await;
    let second = Receiver::at(SocketAddr::new(Ipv4Addr::new(127, 0, 0, 2).into(), first.at.port())).await;
    let turning = resolver(&[&["127.0.0.1"], &["127.0.0.2"]]);
    let port = first.at.port();
    let guard = Guard::new(turning.clone(), vec![("receiver.example".to_owned(), port)]);
    guard.post(&format!("http://receiver.example:{port}/"), &[], vec![]).await.unwrap();
    assert_eq!((first.connections(), second.connections(), turning.asked.load(Ordering::SeqCst)), (1, 0, 1));

    // From public to private between two checks: the first is what counts, and the second is refused.
    let turning = resolver(&[&[PUBLIC], &["127.0.0.1"]]);
    let guard = Guard::new(turning.clone(), vec![]);
    let checked = guard.check("https://hooks.example.com/").await.unwrap();
    assert_eq!(checked.addresses(), [SocketAddr::new(PUBLIC.parse().unwrap(), 443)]);
    assert_eq!(turning.asked.load(Ordering::SeqCst), 1);
    assert!(guard.check("https://hooks.example.com/").await.is_err());
}

/// The list opens this machine only: not a name that is listed and leads elsewhere, nor another port.
#[tokio::test]
async fn a_listed_receiver_is_on_this_machine() {
    let receiver = Receiver::start().await;
    let port = receiver.at.port();
    let list = vec![("receiver.example".to_owned(), port), ("10.0.0.1".to_owned(), port)];
    for ip in ["10.0.0.1", "169.254.169.254", PUBLIC] {
        let guard = Guard::new(resolver(&[&[ip]]), list.clone());
        let refused = guard.post(&format!("http://receiver.example:{port}/"), &[], vec![]).await;
        assert_eq!(refused, Err(Forbidden::NotLocal.into()), "{ip}");
    }
    let guard = Guard::new(resolver(&[&["127.0.0.1"]]), list);
    assert_eq!(guard.post(&format!("http://10.0.0.1:{port}/"), &[], vec![]).await, Err(Forbidden::NotLocal.into()));
    assert!(guard.post("http://receiver.example:1/", &[], vec![]).await.is_err());
    assert_eq!(receiver.connections(), 0);
}

#[tokio::test]
async fn fault_40_a_redirect_is_handed_back_and_its_target_is_not_asked() {
    let (receiver, inside) = (Receiver::start().await, Receiver::start().await);
    let guard = Guard::new(Arc::new(SystemResolver), vec![receiver.pair(), inside.pair()]);
    for status in ["301 Moved", "302 Found", "303 See Other", "307 Temporary", "308 Permanent"] {
        receiver.answers(status, &format!("location: {}\r\n", inside.url("/")), "");
        let reply = guard.post(&receiver.url("/"), &[], vec![]).await.unwrap();
        assert!(status.starts_with(&reply.status.to_string()));
    }
    assert_eq!((receiver.connections(), inside.connections()), (5, 0));
}

#[tokio::test]
async fn an_answer_is_read_up_to_a_bound() {
    let receiver = Receiver::start().await;
    receiver.answers("200 OK", "retry-after: 17\r\n", &"x".repeat(3 * MAX_ANSWER));
    let guard = Guard::new(Arc::new(SystemResolver), vec![receiver.pair()]);
    let reply = guard.post(&receiver.url("/"), &[], vec![]).await.unwrap();
    assert_eq!((reply.body.len(), reply.retry_after.unwrap().as_secs()), (MAX_ANSWER, 17));
}

#[tokio::test]
async fn a_request_that_was_not_sent_is_told_from_an_answer_that_was_lost() {
    let receiver = Receiver::start().await;
    receiver.hangs_up();
    let guard = Guard::new(Arc::new(SystemResolver), vec![receiver.pair()]);
    assert_eq!(guard.post(&receiver.url("/"), &[], b"x".to_vec()).await, Err(Failed::Lost));
    let gone = receiver.url("/");
    let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = free.local_addr().unwrap().port();
    drop(free);
    let guard = Guard::new(Arc::new(SystemResolver), vec![("127.0.0.1".to_owned(), port)]);
    assert_eq!(guard.post(&format!("http://127.0.0.1:{port}/"), &[], vec![]).await, Err(Failed::Unreachable));
    drop(gone);
}
