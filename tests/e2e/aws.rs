//! The local AWS as the tests look into it: items, messages, secrets, and functions called by hand.

use serde_json::{Value, json};
use xtask::aws_http::AwsHttp;
use xtask::cloud::Place;

pub struct Aws<'a> {
    place: &'a Place,
    http: AwsHttp,
}

/// What a queue holds: the body, and why it is there.
#[derive(Debug, Clone)]
pub struct Message {
    pub body: String,
    pub reason: Option<String>,
}

impl<'a> Aws<'a> {
    pub fn of(place: &'a Place) -> Self {
        Self { place, http: place.aws_http().unwrap_or_else(|error| panic!("{error}")) }
    }

    async fn call(&self, service: &str, target: &str, body: &Value) -> Value {
        self.http.json(service, target, body).await.unwrap_or_else(|error| panic!("{error}"))
    }

    fn output(&self, name: &str) -> &str {
        self.place.stack.outputs.get(name).unwrap_or_else(|| panic!("the stack has no output {name}"))
    }

    /// Partition and sort key of every item whose partition begins like this.
    pub async fn keys(&self, partition: &str) -> Vec<(String, String)> {
        let mut ask = json!({
            "TableName": self.output("TableName"),
            "FilterExpression": "begins_with(pk, :pk)",
            "ExpressionAttributeValues": { ":pk": { "S": partition } },
            "ProjectionExpression": "pk, sk",
            "ConsistentRead": true,
        });
        let mut keys = vec![];
        loop {
            let page = self.call("dynamodb", "DynamoDB_20120810.Scan", &ask).await;
            let text = |item: &Value, name: &str| item[name]["S"].as_str().expect("a key").to_owned();
            keys.extend(page["Items"].as_array().expect("items").iter().map(|i| (text(i, "pk"), text(i, "sk"))));
            match page.get("LastEvaluatedKey").filter(|key| !key.is_null()) {
                Some(key) => ask["ExclusiveStartKey"] = key.clone(),
                None => return keys,
            }
        }
    }

    /// `queue` is the name of a stack output, such as `SyncQueueUrl`.
    pub async fn send(&self, queue: &str, body: &str) {
        let message = json!({ "QueueUrl": self.output(queue), "MessageBody": body });
        self.call("sqs", "AmazonSQS.SendMessage", &message).await;
    }

    /// What lies in a queue that nobody reads, looked at without taking it out: the same message may be seen twice.
    pub async fn look(&self, queue: &str) -> Vec<Message> {
        let ask = json!({
            "QueueUrl": self.output(queue),
            "MaxNumberOfMessages": 10,
            "VisibilityTimeout": 2,
            "MessageAttributeNames": ["All"],
        });
        let mut seen = vec![];
        loop {
            let page = self.call("sqs", "AmazonSQS.ReceiveMessage", &ask).await;
            let Some(messages) = page["Messages"].as_array().filter(|messages| !messages.is_empty()) else {
                return seen;
            };
            seen.extend(messages.iter().map(|message| Message {
                body: message["Body"].as_str().expect("a body").to_owned(),
                reason: message["MessageAttributes"]["reason"]["StringValue"].as_str().map(str::to_owned),
            }));
        }
    }

    pub async fn secret(&self, name: &str) -> Value {
        let read = self.call("secretsmanager", "secretsmanager.GetSecretValue", &json!({ "SecretId": name })).await;
        serde_json::from_str(read["SecretString"].as_str().expect("a text")).expect("a secret is JSON")
    }

    /// Names of the secrets that begin like this.
    pub async fn secrets(&self, prefix: &str) -> Vec<String> {
        let mut ask = json!({ "MaxResults": 100 });
        let mut names = vec![];
        loop {
            let page = self.call("secretsmanager", "secretsmanager.ListSecrets", &ask).await;
            let found = page["SecretList"].as_array().expect("secrets");
            names.extend(found.iter().filter_map(|secret| secret["Name"].as_str()).map(str::to_owned));
            match page["NextToken"].as_str() {
                Some(token) => ask["NextToken"] = token.into(),
                None => break,
            }
        }
        names.retain(|name| name.starts_with(prefix));
        names
    }

    /// Calls a function with an event; the flag says whether the function ended with an error.
    pub async fn invoke(&self, function: &str, event: &str) -> (bool, String) {
        let name = format!("{}-{function}", self.place.stack.name);
        let called = self.http.invoke(&name, event).await.unwrap_or_else(|error| panic!("{error}"));
        (called.failed, called.answer)
    }

    /// A call of IAM; the answer is XML.
    pub async fn iam(&self, form: &[(&str, &str)]) -> String {
        self.http.query("iam", form).await.unwrap_or_else(|error| panic!("{error}"))
    }

    /// The physical name of a resource of the stack.
    pub async fn resource(&self, logical: &str) -> String {
        let form = [
            ("Action", "DescribeStackResource"),
            ("StackName", &self.place.stack.name),
            ("LogicalResourceId", logical),
            ("Version", "2010-05-15"),
        ];
        let xml = self.http.query("cloudformation", &form).await.unwrap_or_else(|error| panic!("{error}"));
        let (_, rest) = xml.split_once("<PhysicalResourceId>").unwrap_or_else(|| panic!("no {logical}: {xml}"));
        rest.split_once('<').expect("an end").0.to_owned()
    }
}
