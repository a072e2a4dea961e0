//! A peer that answers as it is told and keeps what it was asked. A request that nobody scripted is answered 599, which
//! no rule knows, and is held against the test at the end.

use serde_json::Value;
use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

pub enum Reply {
    Json(u16, Value),
    /// Status, headers, body.
    With(u16, Vec<(&'static str, String)>, String),
    /// The answer breaks off in the middle of its body.
    Truncated,
    /// The connection is closed once the request was read.
    Lost,
    /// The connection is closed while the request comes in.
    Reset,
    /// Nothing is ever said.
    Silence,
}

#[derive(Debug, Clone)]
pub struct Request {
    pub method: String,
    pub path: String,
    /// Decoded, in the order of the names.
    pub query: BTreeMap<String, Vec<String>>,
    pub headers: BTreeMap<String, String>,
    pub body: Vec<u8>,
}

impl Request {
    pub fn text(&self) -> String {
        String::from_utf8(self.body.clone()).unwrap()
    }

    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap()
    }

    pub fn form(&self) -> BTreeMap<String, String> {
        url::form_urlencoded::parse(&self.body).into_owned().collect()
    }

    /// The one value of a query parameter.
    pub fn parameter(&self, name: &str) -> Option<&str> {
        match self.query.get(name).map(Vec::as_slice) {
            Some([one]) => Some(one),
            _ => None,
        }
    }

    pub fn line(&self) -> String {
        format!("{} {}", self.method, self.path)
    }
}

#[derive(Default)]
struct Script {
    replies: VecDeque<Reply>,
    seen: Vec<Request>,
    unscripted: usize,
}

pub struct Peer {
    pub url: String,
    script: Arc<Mutex<Script>>,
}

impl Peer {
    pub async fn new() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let script = Arc::new(Mutex::new(Script::default()));
        let shared = Arc::clone(&script);
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(serve(stream, Arc::clone(&shared)));
            }
        });
        Self { url, script }
    }

    pub async fn with(replies: impl IntoIterator<Item = Reply>) -> Self {
        let peer = Self::new().await;
        replies.into_iter().for_each(|reply| peer.then(reply));
        peer
    }

    pub fn then(&self, reply: Reply) {
        self.script.lock().unwrap().replies.push_back(reply);
    }

    pub fn seen(&self) -> Vec<Request> {
        self.script.lock().unwrap().seen.clone()
    }

    /// The one request that came.
    pub fn only(&self) -> Request {
        let seen = self.seen();
        assert_eq!(seen.len(), 1, "{:?}", seen.iter().map(Request::line).collect::<Vec<_>>());
        seen[0].clone()
    }

    /// Asserts that all that was scripted was asked for, and nothing else.
    pub fn done(&self) {
        let script = self.script.lock().unwrap();
        assert_eq!((script.replies.len(), script.unscripted), (0, 0), "replies left, requests too many");
    }
}

/// An address where nobody listens.
pub async fn nobody() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    format!("http://{}", listener.local_addr().unwrap())
}

async fn serve(mut stream: TcpStream, script: Arc<Mutex<Script>>) {
    let reset = matches!(script.lock().unwrap().replies.front(), Some(Reply::Reset));
    if reset {
        script.lock().unwrap().replies.pop_front();
        let mut first = [0; 16];
        stream.read_exact(&mut first).await.unwrap();
        return;
    }
    let Some(request) = read(&mut stream).await else { return };
    let reply = {
        let mut script = script.lock().unwrap();
        script.seen.push(request);
        let reply = script.replies.pop_front();
        script.unscripted += usize::from(reply.is_none());
        reply
    };
    let (status, headers, body) = match reply {
        Some(Reply::Json(status, body)) => {
            (status, vec![("content-type", "application/json".to_owned())], body.to_string())
        }
        Some(Reply::With(status, headers, body)) => (status, headers, body),
        Some(Reply::Truncated) => {
            let half =
                "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 500\r\n\r\n{\"id\": \"half";
            stream.write_all(half.as_bytes()).await.unwrap();
            return;
        }
        Some(Reply::Lost | Reply::Reset) => return,
        Some(Reply::Silence) => std::future::pending().await,
        None => (599, vec![], String::new()),
    };
    let headers: String = headers.iter().map(|(name, value)| format!("{name}: {value}\r\n")).collect();
    let head = format!("HTTP/1.1 {status} X\r\nconnection: close\r\ncontent-length: {}\r\n{headers}\r\n", body.len());
    stream.write_all(format!("{head}{body}").as_bytes()).await.unwrap();
}

async fn read(stream: &mut TcpStream) -> Option<Request> {
    let mut bytes = Vec::new();
    let end = loop {
        if let Some(end) = bytes.windows(4).position(|window| window == b"\r\n\r\n") {
            break end;
        }
        if stream.read_buf(&mut bytes).await.ok()? == 0 {
            return None;
        }
    };
    let head = String::from_utf8(bytes[..end].to_vec()).unwrap();
    let mut lines = head.split("\r\n");
    let mut words = lines.next().unwrap().split(' ');
    let (method, target) = (words.next().unwrap().to_owned(), words.next().unwrap().to_owned());
    let headers: BTreeMap<_, _> = lines
        .map(|line| line.split_once(':').unwrap())
        .map(|(name, value)| (name.to_lowercase(), value.trim().to_owned()))
        .collect();
    let length = headers.get("content-length").map_or(0, |length| length.parse().unwrap());
    while bytes.len() < end + 4 + length {
        assert_ne!(stream.read_buf(&mut bytes).await.ok()?, 0, "the request broke off");
    }
    let body = bytes[end + 4..].to_vec();
    let (path, query) = target.split_once('?').unwrap_or((&target, ""));
    let mut parameters = BTreeMap::<String, Vec<String>>::new();
    for (name, value) in url::form_urlencoded::parse(query.as_bytes()).into_owned() {
        parameters.entry(name).or_default().push(value);
    }
    Some(Request { method, path: path.to_owned(), query: parameters, headers, body })
}
