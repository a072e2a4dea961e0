//! One answer a connection, written by hand, so that an answer may also stall, break off or never begin.

use serde_json::Value;
use std::io::{Error, ErrorKind, Result};
use std::sync::{Arc, Mutex, MutexGuard};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

const MAX_REQUEST: usize = 4 * 1024 * 1024;

/// A request as it came.
#[derive(Debug, Clone)]
pub struct Seen {
    pub method: String,
    /// As on the wire, percent signs and all.
    pub path: String,
    /// Names in lower case.
    pub headers: Vec<(String, String)>,
    pub raw: Vec<u8>,
    pub body: Value,
}

impl Seen {
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }
}

#[derive(Debug, Clone)]
pub enum Reply {
    Whole {
        status: u16,
        headers: Vec<(&'static str, String)>,
        body: Vec<u8>,
    },
    /// Nothing at all, until the client gives up.
    Silence,
    /// The beginning of an answer, and nothing more until the client gives up.
    Stalls(Vec<u8>),
    /// The beginning of an answer, and the end of the connection.
    Breaks(Vec<u8>),
}

impl Reply {
    pub fn json(body: &Value) -> Self {
        Self::Whole { status: 200, headers: vec![], body: body.to_string().into_bytes() }
    }

    pub fn status(status: u16) -> Self {
        let body = br#"{"error":{"message":"no","type":"error"}}"#.to_vec();
        Self::Whole { status, headers: vec![], body }
    }

    #[must_use]
    pub fn with_header(mut self, name: &'static str, value: &str) -> Self {
        if let Self::Whole { headers, .. } = &mut self {
            headers.push((name, value.to_owned()));
        }
        self
    }
}

type Answering = dyn Fn(&Seen, usize) -> Reply + Send + Sync;

/// Runs until it is dropped.
pub struct ModelServer {
    pub url: String,
    seen: Arc<Mutex<Vec<Seen>>>,
    task: JoinHandle<()>,
}

impl ModelServer {
    /// `answer` is given the request and how many came before it.
    pub async fn start(answer: impl Fn(&Seen, usize) -> Reply + Send + Sync + 'static) -> Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let url = format!("http://{}", listener.local_addr()?);
        let seen = Arc::new(Mutex::new(vec![]));
        let (known, answer): (_, Arc<Answering>) = (Arc::clone(&seen), Arc::new(answer));
        let task = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let (known, answer) = (Arc::clone(&known), Arc::clone(&answer));
                // A client that goes away in the middle is what some tests are about.
                tokio::spawn(async move { serve(&stream, &known, &*answer).await });
            }
        });
        Ok(Self { url, seen, task })
    }

    pub fn seen(&self) -> Vec<Seen> {
        lock(&self.seen).clone()
    }
}

impl Drop for ModelServer {
    fn drop(&mut self) {
        self.task.abort();
    }
}

fn lock(seen: &Mutex<Vec<Seen>>) -> MutexGuard<'_, Vec<Seen>> {
    seen.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
}

async fn serve(stream: &TcpStream, known: &Mutex<Vec<Seen>>, answer: &Answering) -> Result<()> {
    let seen = request(stream).await?;
    let reply = {
        let mut known = lock(known);
        let reply = answer(&seen, known.len());
        known.push(seen);
        reply
    };
    let begun = |length: usize| {
        format!("HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {length}\r\n\r\n")
    };
    match reply {
        Reply::Whole { status, headers, body } => {
            let mut head =
                format!("HTTP/1.1 {status} Answer\r\nconnection: close\r\ncontent-length: {}\r\n", body.len());
            if !headers.iter().any(|(name, _)| *name == "content-type") {
                head.push_str("content-type: application/json\r\n");
            }
            headers.iter().for_each(|(name, value)| head.push_str(&format!("{name}: {value}\r\n")));
            head.push_str("\r\n");
            write(stream, head.as_bytes()).await?;
            write(stream, &body).await
        }
        Reply::Silence => gone(stream).await,
        Reply::Stalls(body) => {
            write(stream, begun(body.len() + 1_000).as_bytes()).await?;
            write(stream, &body).await?;
            gone(stream).await
        }
        Reply::Breaks(body) => {
            write(stream, begun(body.len() + 1_000).as_bytes()).await?;
            write(stream, &body).await
        }
    }
}

/// Until the client closes.
async fn gone(stream: &TcpStream) -> Result<()> {
    let mut buffer = [0; 1024];
    while read(stream, &mut buffer).await? > 0 {}
    Ok(())
}

async fn request(stream: &TcpStream) -> Result<Seen> {
    let broken = |what: &str| Error::new(ErrorKind::InvalidData, what.to_owned());
    let (mut bytes, mut buffer) = (vec![], vec![0; 64 * 1024]);
    loop {
        if let Some(end) = bytes.windows(4).position(|window| window == b"\r\n\r\n") {
            let head = String::from_utf8_lossy(&bytes[..end]).into_owned();
            let mut lines = head.split("\r\n");
            let mut first = lines.next().unwrap_or_default().split(' ');
            let (method, path) = (first.next().unwrap_or_default(), first.next().unwrap_or_default());
            let headers: Vec<(String, String)> = lines
                .filter_map(|line| line.split_once(':'))
                .map(|(name, value)| (name.to_ascii_lowercase(), value.trim().to_owned()))
                .collect();
            let length = headers.iter().find(|(name, _)| name == "content-length").map(|(_, value)| value.parse());
            let length: usize = length.transpose().map_err(|_| broken("content-length"))?.unwrap_or(0);
            if bytes.len() >= end + 4 + length {
                let raw = bytes[end + 4..end + 4 + length].to_vec();
                let body = serde_json::from_slice(&raw).map_err(|_| broken("the body is no JSON"))?;
                return Ok(Seen { method: method.to_owned(), path: path.to_owned(), headers, raw, body });
            }
        }
        let count = read(stream, &mut buffer).await?;
        if count == 0 || bytes.len() > MAX_REQUEST {
            return Err(broken("no whole request"));
        }
        bytes.extend_from_slice(&buffer[..count]);
    }
}

async fn read(stream: &TcpStream, buffer: &mut [u8]) -> Result<usize> {
    loop {
        stream.readable().await?;
        match stream.try_read(buffer) {
            Err(error) if error.kind() == ErrorKind::WouldBlock => {}
            done => return done,
        }
    }
}

async fn write(stream: &TcpStream, mut bytes: &[u8]) -> Result<()> {
    while !bytes.is_empty() {
        stream.writable().await?;
        match stream.try_write(bytes) {
            Err(error) if error.kind() == ErrorKind::WouldBlock => {}
            Err(error) => return Err(error),
            Ok(count) => bytes = &bytes[count..],
        }
    }
    Ok(())
}
