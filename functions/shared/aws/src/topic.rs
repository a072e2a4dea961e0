//! The e-mail topic (SNS): who is subscribed to it gets a plain-text mail.
//!
//! Invariant: a message that may have been published is never published again by itself, since SNS knows no repetition.

use crate::failure::{self, is_later};
use async_trait::async_trait;
use aws_config::SdkConfig;
use aws_config::retry::RetryConfig;
use aws_sdk_sns::Client;
use aws_sdk_sns::error::{ProvideErrorMetadata, SdkError};
use channel::ports::{NotDelivered, Topic};

#[derive(Clone)]
pub struct EmailTopic {
    client: Client,
    arn: String,
}

impl EmailTopic {
    pub fn new(config: &SdkConfig, arn: impl Into<String>) -> Self {
        // The SDK would repeat a publication whose answer was lost.
        let once = aws_sdk_sns::config::Builder::from(config).retry_config(RetryConfig::disabled()).build();
        Self { client: Client::from_conf(once), arn: arn.into() }
    }
}

#[async_trait]
impl Topic for EmailTopic {
    async fn publish(&self, subject: &str, text: &str) -> Result<(), NotDelivered> {
        let sent = self.client.publish().topic_arn(&self.arn).subject(subject).message(text).send().await;
        sent.map(|_| ()).map_err(|error| meaning(&error))
    }
}

fn meaning<E: ProvideErrorMetadata>(error: &SdkError<E>) -> NotDelivered {
    let text = format!("The e-mail topic: {}.", failure::sort("Publish", error).text);
    match error {
        // A server's fault, or an answer without a code, says nothing of what had happened by then; a refusal says that
        // nothing had.
        SdkError::ServiceError(context)
            if context.raw().status().is_server_error() || context.err().code().is_none() =>
        {
            NotDelivered::Lost(text)
        }
        SdkError::ServiceError(context) if context.err().code().is_some_and(is_later) => {
            NotDelivered::Later { after: None, why: text }
        }
        SdkError::ServiceError(_) | SdkError::ConstructionFailure(_) => NotDelivered::Refused(text),
        // The SDK does not tell a connection that was never made from one that broke off after the request.
        _ => NotDelivered::Lost(text),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use aws_sdk_sns::config::http::HttpResponse;
    use aws_sdk_sns::error::ErrorMetadata;
    use aws_sdk_sns::operation::publish::PublishError;

    fn answered(code: &str, status: u16) -> NotDelivered {
        let metadata = ErrorMetadata::builder().code(code).message("quotes ada@example.com").build();
        let response = HttpResponse::new(status.try_into().unwrap(), "".into());
        meaning(&SdkError::service_error(PublishError::generic(metadata), response))
    }

    #[test]
    fn a_lost_answer_is_told_from_a_refusal() {
        assert!(matches!(answered("AuthorizationError", 403), NotDelivered::Refused(_)));
        assert!(matches!(answered("NotFound", 404), NotDelivered::Refused(_)));
        assert!(matches!(answered("Throttling", 400), NotDelivered::Later { .. }));
        assert!(matches!(answered("InternalError", 500), NotDelivered::Lost(_)));
        let timeout: SdkError<PublishError> = SdkError::timeout_error("slow");
        assert!(matches!(meaning(&timeout), NotDelivered::Lost(_)));
    }

    #[test]
    fn an_error_quotes_nothing() {
        assert!(!answered("NotFound", 404).to_string().contains("example"));
    }
}
