//! The private bucket (S3): the knowledge base's files, and files in transit.
//!
//! Invariant: nothing is in memory beyond the limit that the caller names; a browser is given a form that is good for one
//! name, one type, one range of sizes and a few minutes.

use crate::failure::{self, Failure, Kind};
use crate::signer::Signer;
use async_trait::async_trait;
use aws_config::SdkConfig;
use aws_config::timeout::TimeoutConfig;
use aws_sdk_s3::Client;
use aws_sdk_s3::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_s3::presigning::PresigningConfig;
use aws_sdk_s3::primitives::{ByteStream, DateTime, DateTimeFormat};
use aws_sigv4::sign::v4::{calculate_signature, generate_signing_key};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use channel::ports::{Clock, Files, FilesError, StoredFile, UploadForm, UploadTerms};
use channel::time::Timestamp;
use serde_json::{Value, json};
use std::fmt::Write;
use std::sync::Arc;
use std::time::{Duration, UNIX_EPOCH};

/// A file is larger than an item: these are longer than the other clients'.
const ATTEMPT: Duration = Duration::from_secs(20);
const OPERATION: Duration = Duration::from_secs(50);

#[derive(Clone)]
pub struct Bucket {
    client: Client,
    name: String,
    /// Where a browser posts its form.
    address: String,
    signer: Arc<Signer>,
    clock: Arc<dyn Clock>,
}

impl Bucket {
    /// At the endpoint of the configuration where it names one, else at AWS's.
    pub fn new(config: &SdkConfig, name: impl Into<String>, clock: Arc<dyn Clock>) -> Result<Self, String> {
        let name = name.into();
        let signer = Signer::new(config, None, "s3", clock.clone())?;
        let address = match config.endpoint_url() {
            Some(endpoint) => format!("{}/{name}", endpoint.trim_end_matches('/')),
            None => format!("https://{name}.s3.{}.amazonaws.com/", signer.region()),
        };
        let timeouts = TimeoutConfig::builder().operation_attempt_timeout(ATTEMPT).operation_timeout(OPERATION).build();
        let client = aws_sdk_s3::config::Builder::from(config)
            .timeout_config(timeouts)
            // An emulator has no host name for each bucket.
            .force_path_style(config.endpoint_url().is_some())
            .build();
        Ok(Self { client: Client::from_conf(client), name, address, signer: Arc::new(signer), clock })
    }

    /// Scheme, host and port of where a browser posts its form: what a page's policy has to allow.
    pub fn origin(&self) -> &str {
        let host = self.address.find("://").map_or(0, |at| at + 3);
        let end = self.address[host..].find('/').map_or(self.address.len(), |at| host + at);
        &self.address[..end]
    }
}

fn sorted<E: ProvideErrorMetadata>(operation: &'static str, error: &SdkError<E>) -> FilesError {
    let status = error.raw_response().map(|response| response.status().as_u16());
    let failure = failure::sort(operation, error);
    match (failure.code.as_str(), status) {
        ("NoSuchKey" | "NotFound", _) => FilesError::Missing,
        // A HEAD has no body that could name a code.
        ("no code", Some(404)) => FilesError::Missing,
        _ => failure.into(),
    }
}

impl From<Failure> for FilesError {
    fn from(failure: Failure) -> Self {
        match failure.kind {
            Kind::Unavailable => Self::Unavailable(failure.text),
            Kind::Broken => Self::Broken(failure.text),
        }
    }
}

fn moment(at: Option<&DateTime>) -> Timestamp {
    let millis = at.and_then(|at| at.to_millis().ok());
    Timestamp::from_millis(millis.unwrap_or_default())
}

fn size(bytes: Option<i64>) -> u64 {
    bytes.and_then(|bytes| u64::try_from(bytes).ok()).unwrap_or_default()
}

/// `2026-11-22T12:00:00Z`, in whole seconds.
fn date(at: Timestamp) -> Result<String, FilesError> {
    let text = DateTime::from_secs(at.as_secs()).fmt(DateTimeFormat::DateTime);
    text.map_err(|_| FilesError::Broken("a time that no date can be written for".to_owned()))
}

#[async_trait]
impl Files for Bucket {
    async fn upload_form(&self, name: &str, terms: &UploadTerms, valid: Duration) -> Result<UploadForm, FilesError> {
        let now = self.clock.now();
        let expires_at = now.plus(valid);
        let (credentials, time) = self.signer.credentials_now().await.map_err(FilesError::Unavailable)?;
        // 20261122T120000Z
        let stamp: String = date(now)?.chars().filter(|c| !matches!(c, '-' | ':')).collect();
        let day = stamp.split('T').next().unwrap_or(&stamp);
        let scope = format!("{}/{day}/{}/s3/aws4_request", credentials.access_key_id(), self.signer.region());
        let mut fields = vec![
            ("key", name.to_owned()),
            ("Content-Type", terms.media_type.clone()),
            ("x-amz-algorithm", "AWS4-HMAC-SHA256".to_owned()),
            ("x-amz-credential", scope),
            ("x-amz-date", stamp),
        ];
        if let Some(token) = credentials.session_token() {
            fields.push(("x-amz-security-token", token.to_owned()));
        }
        fields.push(match &terms.then {
            Some(then) => ("success_action_redirect", then.clone()),
            None => ("success_action_status", "204".to_owned()),
        });
        let mut conditions: Vec<Value> = fields.iter().map(|(field, value)| json!({ *field: value })).collect();
        conditions.push(json!({ "bucket": self.name }));
        conditions.push(json!(["content-length-range", 1, terms.max_size]));
        let policy = json!({ "expiration": date(expires_at)?, "conditions": conditions }).to_string();
        let policy = STANDARD.encode(policy);
        let key = generate_signing_key(credentials.secret_access_key(), time, self.signer.region(), "s3");
        fields.push(("x-amz-signature", calculate_signature(key, policy.as_bytes())));
        fields.push(("policy", policy));
        let fields = fields.into_iter().map(|(field, value)| (field.to_owned(), value)).collect();
        Ok(UploadForm { url: self.address.clone(), fields, expires_at })
    }

    async fn download_link(&self, name: &str, save_as: &str, valid: Duration) -> Result<String, FilesError> {
        let operation = "GetObject";
        let millis = u64::try_from(self.clock.now().as_millis()).unwrap_or_default();
        let terms = PresigningConfig::builder()
            .start_time(UNIX_EPOCH + Duration::from_millis(millis))
            .expires_in(valid)
            .build()
            .map_err(|error| FilesError::Broken(format!("{operation}: {error}")))?;
        let request = self
            .client
            .get_object()
            .bucket(&self.name)
            .key(name)
            .response_content_disposition(disposition(save_as))
            .presigned(terms)
            .await
            .map_err(|error| sorted(operation, &error))?;
        Ok(request.uri().to_owned())
    }

    async fn read(&self, name: &str, limit: u64) -> Result<Vec<u8>, FilesError> {
        let operation = "GetObject";
        let mut answer = self
            .client
            .get_object()
            .bucket(&self.name)
            .key(name)
            .send()
            .await
            .map_err(|error| sorted(operation, &error))?;
        let known = size(answer.content_length);
        if known > limit {
            return Err(FilesError::TooLarge { limit });
        }
        let mut bytes = Vec::with_capacity(usize::try_from(known).unwrap_or_default());
        while let Some(part) = answer.body.next().await {
            let part = part.map_err(|_| FilesError::Unavailable(format!("{operation}: the answer broke off")))?;
            if (bytes.len() + part.len()) as u64 > limit {
                return Err(FilesError::TooLarge { limit });
            }
            bytes.extend_from_slice(&part);
        }
        Ok(bytes)
    }

    async fn look(&self, name: &str) -> Result<Option<StoredFile>, FilesError> {
        let asked = self.client.head_object().bucket(&self.name).key(name).send().await;
        match asked.map_err(|error| sorted("HeadObject", &error)) {
            Ok(answer) => Ok(Some(StoredFile {
                name: name.to_owned(),
                size: size(answer.content_length),
                modified_at: moment(answer.last_modified()),
            })),
            Err(FilesError::Missing) => Ok(None),
            Err(error) => Err(error),
        }
    }

    async fn write(&self, name: &str, media_type: &str, bytes: Vec<u8>) -> Result<(), FilesError> {
        let put = self.client.put_object().bucket(&self.name).key(name).content_type(media_type);
        let written = put.body(ByteStream::from(bytes)).send().await;
        written.map(drop).map_err(|error| sorted("PutObject", &error))
    }

    async fn delete(&self, name: &str) -> Result<(), FilesError> {
        let deleted = self.client.delete_object().bucket(&self.name).key(name).send().await;
        match deleted.map_err(|error| sorted("DeleteObject", &error)) {
            Ok(_) | Err(FilesError::Missing) => Ok(()),
            Err(error) => Err(error),
        }
    }

    async fn list(&self, prefix: &str) -> Result<Vec<StoredFile>, FilesError> {
        let (mut found, mut page) = (vec![], None);
        loop {
            let answer = self
                .client
                .list_objects_v2()
                .bucket(&self.name)
                .prefix(prefix)
                .set_continuation_token(page)
                .send()
                .await
                .map_err(|error| sorted("ListObjectsV2", &error))?;
            found.extend(answer.contents().iter().filter_map(|object| {
                let (size, modified_at) = (size(object.size()), moment(object.last_modified()));
                Some(StoredFile { name: object.key()?.to_owned(), size, modified_at })
            }));
            page = answer.next_continuation_token;
            if page.is_none() {
                return Ok(found);
            }
        }
    }
}

/// RFC 6266, with the name as RFC 8187 writes it: no character of a file's name can end the header.
fn disposition(save_as: &str) -> String {
    let mut named = "attachment; filename*=UTF-8''".to_owned();
    for byte in save_as.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._".contains(&byte) {
            named.push(char::from(byte));
        } else {
            // Writing to a String cannot fail.
            let _written = write!(named, "%{byte:02X}");
        }
    }
    named
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Noon;

    impl Clock for Noon {
        fn now(&self) -> Timestamp {
            Timestamp::from_secs(1_795_348_800)
        }
    }

    fn bucket(endpoint: &str) -> Bucket {
        Bucket::new(&crate::emulator_config(endpoint), "files", Arc::new(Noon)).unwrap()
    }

    #[tokio::test]
    async fn a_form_allows_one_file_and_nothing_else() {
        let terms = UploadTerms {
            media_type: "application/pdf".to_owned(),
            max_size: 1_000,
            then: Some("https://desk.example.com/knowledge".to_owned()),
        };
        let form =
            bucket("http://127.0.0.1:9/").upload_form("kb/a/1.x", &terms, Duration::from_secs(300)).await.unwrap();
        assert_eq!(form.url, "http://127.0.0.1:9/files");
        assert_eq!(form.expires_at, Timestamp::from_secs(1_795_349_100));
        let field = |name: &str| form.fields.iter().find(|(field, _)| field == name).map(|(_, value)| value.as_str());
        assert_eq!(field("key"), Some("kb/a/1.x"));
        assert_eq!(field("x-amz-date"), Some("20261122T120000Z"));
        assert_eq!(field("x-amz-credential"), Some("test/20261122/us-east-1/s3/aws4_request"));
        assert_eq!(field("x-amz-signature").unwrap().len(), 64);
        let policy: Value = serde_json::from_slice(&STANDARD.decode(field("policy").unwrap()).unwrap()).unwrap();
        assert_eq!(policy["expiration"], "2026-11-22T12:05:00Z");
        let conditions = policy["conditions"].as_array().unwrap();
        for condition in [
            json!({ "bucket": "files" }),
            json!({ "key": "kb/a/1.x" }),
            json!({ "Content-Type": "application/pdf" }),
            json!({ "success_action_redirect": "https://desk.example.com/knowledge" }),
            json!(["content-length-range", 1, 1_000]),
        ] {
            assert!(conditions.contains(&condition), "{condition}");
        }
        // Every field but the signature and the policy itself is bound by a condition.
        assert_eq!(conditions.len(), form.fields.len() - 2 + 2);
    }

    #[tokio::test]
    async fn a_link_names_the_file_to_save_as() {
        let link = bucket("http://127.0.0.1:9")
            .download_link("kb/a/1.x", "Prices \"ü\".pdf", Duration::from_secs(300))
            .await
            .unwrap();
        assert!(link.starts_with("http://127.0.0.1:9/files/kb/a/1.x?"), "{link}");
        assert!(link.contains("X-Amz-Expires=300") && link.contains("X-Amz-Date=20261122T120000Z"), "{link}");
        assert_eq!(disposition("Prices \"ü\".pdf"), "attachment; filename*=UTF-8''Prices%20%22%C3%BC%22.pdf");
    }
}
