//! A receiver on this machine: counts connections, keeps requests, answers what it is told.

use std::collections::VecDeque;
use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, Mutex};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

#[derive(Debug, Clone)]
pub struct Request {
    pub head: String,
    pub body: Vec<u8>,
}

impl Request {
    pub fn header(&self, name: &str) -> Option<&str> {
        let lines = self.head.lines().filter_map(|line| line.split_once(':'));
        lines.filter(|(known, _)| known.eq_ignore_ascii_case(name)).map(|(_, value)| value.trim()).next()
    }

    pub fn json(&self) -> serde_json::Value {
        serde_json::from_slice(&self.body).unwrap()
    }
}

#[derive(Default)]
struct Kept {
    connections: usize,
    requests: Vec<Request>,
    answers: VecDeque<String>,
}

pub struct Receiver {
    pub at: SocketAddr,
    kept: Arc<Mutex<Kept>>,
    task: tokio::task::JoinHandle<()>,
}

impl Drop for Receiver {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Receiver {
    pub async fn start() -> Self {
        Self::at("127.0.0.1:0".parse().unwrap()).await
    }

    pub async fn at(at: SocketAddr) -> Self {
        let listener = TcpListener::bind(at).await.unwrap();
        let at = listener.local_addr().unwrap();
        let kept = Arc::new(Mutex::new(Kept::default()));
        let ours = kept.clone();
        let task = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                ours.lock().unwrap().connections += 1;
                tokio::spawn(serve(stream, ours.clone()));
            }
        });
        Self { at, kept, task }
    }

    /// The next answer, as it goes over the wire; an empty one hangs up. Without any: 200 `ok`.
    pub fn answers(&self, status: &str, headers: &str, body: &str) {
        let answer = format!("HTTP/1.1 {status}\r\n{headers}content-length: {}\r\n\r\n{body}", body.len());
        self.kept.lock().unwrap().answers.push_back(answer);
    }

    pub fn hangs_up(&self) {
        self.kept.lock().unwrap().answers.push_back(String::new());
    }

    pub fn connections(&self) -> usize {
        self.kept.lock().unwrap().connections
    }

    pub fn requests(&self) -> Vec<Request> {
        self.kept.lock().unwrap().requests.clone()
    }

    pub fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.at)
    }

    pub fn pair(&self) -> (String, u16) {
        (ip(self.at.ip()), self.at.port())
    }
}

fn ip(ip: IpAddr) -> String {
    ip.to_string()
}

async fn serve(mut stream: TcpStream, kept: Arc<Mutex<Kept>>) {
    let mut bytes = vec![];
    let mut chunk = [0; 4096];
    loop {
        let Ok(n) = stream.read(&mut chunk).await else { return };
        if n == 0 {
            return;
        }
        bytes.extend_from_slice(&chunk[..n]);
        let Some(end) = bytes.windows(4).position(|four| four == b"\r\n\r\n") else { continue };
        let head = String::from_utf8(bytes[..end].to_vec()).unwrap();
        let request = Request { head, body: bytes[end + 4..].to_vec() };
        let length: usize = request.header("content-length").map_or(0, |length| length.parse().unwrap());
        if request.body.len() < length {
            continue;
        }
        let answer = {
            let mut kept = kept.lock().unwrap();
            kept.requests.push(request);
            kept.answers.pop_front().unwrap_or_else(|| "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok".to_owned())
        };
        // The peer may have gone; that is its business.
        let _gone = stream.write_all(answer.as_bytes()).await;
        return;
    }
}
