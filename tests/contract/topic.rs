//! The e-mail topic: the exact request, what each answer means, and that nothing is ever published twice.

use aws::EmailTopic;
use channel::ports::{NotDelivered, Topic};
use std::sync::{Arc, Mutex};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

const ARN: &str = "arn:aws:sns:eu-west-1:123456789012:postroom";

/// Gives every request the same answer, or none.
struct Sns {
    topic: EmailTopic,
    bodies: Arc<Mutex<Vec<String>>>,
}

impl Sns {
    async fn that_says(answer: Option<(u16, &'static str)>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let endpoint = format!("http://{}", listener.local_addr().unwrap());
        let bodies: Arc<Mutex<Vec<String>>> = Arc::default();
        let kept = Arc::clone(&bodies);
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                serve(stream, answer, &kept).await;
            }
        });
        Self { topic: EmailTopic::new(&aws::emulator_config(&endpoint), ARN), bodies }
    }

    async fn publish(&self) -> Result<(), NotDelivered> {
        self.topic
            .publish("Postroom: a conversation needs a person", "Subject: Größe & Farbe\nhttps://x.example/a")
            .await
    }

    fn bodies(&self) -> Vec<String> {
        self.bodies.lock().unwrap().clone()
    }
}

async fn serve(mut stream: TcpStream, answer: Option<(u16, &str)>, bodies: &Mutex<Vec<String>>) {
    let mut bytes = Vec::new();
    let (head, length) = loop {
        if let Some(end) = bytes.windows(4).position(|four| four == b"\r\n\r\n") {
            let head = String::from_utf8(bytes[..end].to_vec()).unwrap().to_lowercase();
            let length = head.lines().find_map(|line| line.strip_prefix("content-length:")).unwrap();
            break (end + 4, length.trim().parse::<usize>().unwrap());
        }
        assert!(stream.read_buf(&mut bytes).await.unwrap() > 0, "the request ended early");
    };
    while bytes.len() < head + length {
        assert!(stream.read_buf(&mut bytes).await.unwrap() > 0, "the request ended early");
    }
    bodies.lock().unwrap().push(String::from_utf8(bytes[head..].to_vec()).unwrap());
    let Some((status, body)) = answer else { return };
    let answer = format!(
        "HTTP/1.1 {status} X\r\ncontent-type: text/xml\r\nconnection: close\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    );
    stream.write_all(answer.as_bytes()).await.unwrap();
}

const PUBLISHED: &str = "<PublishResponse xmlns=\"http://sns.amazonaws.com/doc/2010-03-31/\"><PublishResult>\
    <MessageId>m-1</MessageId></PublishResult><ResponseMetadata><RequestId>r</RequestId></ResponseMetadata></PublishResponse>";
const DENIED: &str = "<ErrorResponse xmlns=\"http://sns.amazonaws.com/doc/2010-03-31/\"><Error><Type>Sender</Type>\
    <Code>AuthorizationError</Code><Message>quotes ada@example.net</Message></Error><RequestId>r</RequestId></ErrorResponse>";
const BUSY: &str = "<ErrorResponse xmlns=\"http://sns.amazonaws.com/doc/2010-03-31/\"><Error><Type>Sender</Type>\
    <Code>Throttling</Code><Message>Rate exceeded</Message></Error><RequestId>r</RequestId></ErrorResponse>";
const FAULT: &str = "<ErrorResponse xmlns=\"http://sns.amazonaws.com/doc/2010-03-31/\"><Error><Type>Receiver</Type>\
    <Code>InternalError</Code><Message>-</Message></Error><RequestId>r</RequestId></ErrorResponse>";

#[tokio::test]
async fn a_message_is_published_to_its_topic() {
    let sns = Sns::that_says(Some((200, PUBLISHED))).await;
    sns.publish().await.unwrap();
    let body = sns.bodies().remove(0);
    let fields: std::collections::BTreeMap<&str, &str> =
        body.split('&').map(|field| field.split_once('=').unwrap()).collect();
    assert_eq!(fields["Action"], "Publish");
    assert_eq!(fields["TopicArn"], "arn%3Aaws%3Asns%3Aeu-west-1%3A123456789012%3Apostroom");
    assert_eq!(fields["Subject"], "Postroom%3A%20a%20conversation%20needs%20a%20person");
    assert_eq!(fields["Message"], "Subject%3A%20Gr%C3%B6%C3%9Fe%20%26%20Farbe%0Ahttps%3A%2F%2Fx.example%2Fa");
}

fn kind(said: &NotDelivered) -> &'static str {
    match said {
        NotDelivered::Refused(_) => "refused",
        NotDelivered::Later { .. } => "later",
        NotDelivered::Lost(_) => "lost",
    }
}

#[tokio::test]
async fn each_answer_has_its_meaning_and_no_request_is_repeated() {
    for (status, body, meaning) in
        [(403, DENIED, "refused"), (400, BUSY, "later"), (500, FAULT, "lost"), (200, "<html>", "lost")]
    {
        let sns = Sns::that_says(Some((status, body))).await;
        let said = sns.publish().await.unwrap_err();
        assert_eq!(kind(&said), meaning, "{status}: {said:?}");
        assert!(!said.to_string().contains("ada@"), "{said}");
        assert_eq!(sns.bodies().len(), 1, "{status}");
    }
    // The request arrived and the connection broke off: it may have been published.
    let sns = Sns::that_says(None).await;
    let said = sns.publish().await.unwrap_err();
    assert_eq!(kind(&said), "lost", "{said:?}");
    assert_eq!(sns.bodies().len(), 1);
}
