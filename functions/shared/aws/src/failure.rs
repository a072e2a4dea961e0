//! What an error of the SDK means, decided once for all services.

use aws_sdk_dynamodb::error::{ProvideErrorMetadata, SdkError};
use channel::ports::StoreError;

/// Which way a failed call goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// The same again later.
    Unavailable,
    /// No retry helps.
    Broken,
}

#[derive(Debug)]
pub(crate) struct Failure {
    pub kind: Kind,
    /// AWS's code, where it answered.
    pub code: String,
    /// Operation, code and remedy; no content.
    pub text: String,
}

impl From<Failure> for StoreError {
    fn from(failure: Failure) -> Self {
        match failure.kind {
            Kind::Unavailable => Self::Unavailable(failure.text),
            Kind::Broken => Self::Broken(failure.text),
        }
    }
}

/// Codes of a service that answers, but not now. The SDK has retried them already.
const LATER: [&str; 14] = [
    "ThrottlingException",
    "Throttling",
    "ThrottlingError",
    "ThrottledException",
    "RequestThrottled",
    "ProvisionedThroughputExceededException",
    "ProvisionedThroughputExceeded",
    "RequestLimitExceeded",
    "TransactionInProgressException",
    "ReplicatedWriteConflictException",
    "ServiceUnavailable",
    "InternalServiceError",
    "RequestTimeout",
    // The runtime renews its credentials by itself.
    "ExpiredTokenException",
];

pub(crate) fn is_later(code: &str) -> bool {
    LATER.contains(&code) || code.starts_with("Internal")
}

pub(crate) fn sort<E: ProvideErrorMetadata>(operation: &'static str, error: &SdkError<E>) -> Failure {
    let (kind, code) = match error {
        SdkError::ServiceError(context) => {
            let code = context.err().code().unwrap_or("no code").to_owned();
            let later = is_later(&code) || context.raw().status().is_server_error();
            (if later { Kind::Unavailable } else { Kind::Broken }, code)
        }
        SdkError::ConstructionFailure(_) => (Kind::Broken, "request could not be built".to_owned()),
        SdkError::TimeoutError(_) => (Kind::Unavailable, "time-out".to_owned()),
        SdkError::DispatchFailure(failure) if failure.is_timeout() => (Kind::Unavailable, "time-out".to_owned()),
        SdkError::DispatchFailure(failure) if failure.is_io() => (Kind::Unavailable, "no connection".to_owned()),
        SdkError::DispatchFailure(_) => (Kind::Unavailable, "request could not be sent".to_owned()),
        _ => (Kind::Unavailable, "unreadable answer".to_owned()),
    };
    let text = format!("{operation}: {code}; {}", remedy(&code, kind));
    Failure { kind, code, text }
}

/// A code that came without an answer of its own, such as a transaction's reason.
pub(crate) fn broken(operation: &'static str, code: &str) -> Failure {
    let text = format!("{operation}: {code}; {}", remedy(code, Kind::Broken));
    Failure { kind: Kind::Broken, code: code.to_owned(), text }
}

fn remedy(code: &str, kind: Kind) -> &'static str {
    match code {
        "AccessDeniedException" | "AccessDenied" => "allow it in the function's role in template.yaml",
        "ResourceNotFoundException" => "compare the resource's name in the configuration with the deployed stack",
        "AWS.SimpleQueueService.NonExistentQueue" | "QueueDoesNotExist" => {
            "compare the queue's address in the configuration with the deployed stack"
        }
        "ValidationException" | "ValidationError" => {
            "the request is wrong, or an item exceeds 400 KB: a defect of this program"
        }
        "UnrecognizedClientException" | "InvalidSignatureException" => "look at the credentials and the host's clock",
        "DecryptionFailure" | "KmsAccessDeniedException" => "allow the role to use the key",
        "request could not be sent" => "look at credentials, region and endpoint",
        _ if kind == Kind::Unavailable => "it is tried again later",
        _ => "look the code up in the service's documentation",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use aws_sdk_dynamodb::config::http::HttpResponse;
    use aws_sdk_dynamodb::error::ErrorMetadata;
    use aws_sdk_dynamodb::operation::put_item::PutItemError;

    fn answered(code: &str, status: u16) -> Failure {
        let metadata = ErrorMetadata::builder().code(code).message("quotes ada@example.com").build();
        let response = HttpResponse::new(status.try_into().unwrap(), "".into());
        sort("PutItem", &SdkError::service_error(PutItemError::generic(metadata), response))
    }

    #[test]
    fn what_passes_is_told_from_what_stays() {
        for (code, status, kind) in [
            ("ThrottlingException", 400, Kind::Unavailable),
            ("ProvisionedThroughputExceededException", 400, Kind::Unavailable),
            ("RequestLimitExceeded", 400, Kind::Unavailable),
            ("InternalServerError", 500, Kind::Unavailable),
            ("SomethingNew", 503, Kind::Unavailable),
            ("AccessDeniedException", 400, Kind::Broken),
            ("ValidationException", 400, Kind::Broken),
            ("ResourceNotFoundException", 400, Kind::Broken),
            ("SomethingNew", 400, Kind::Broken),
        ] {
            assert_eq!(answered(code, status).kind, kind, "{code} {status}");
        }
        let timeout: SdkError<PutItemError> = SdkError::timeout_error("too slow");
        assert_eq!(sort("PutItem", &timeout).kind, Kind::Unavailable);
    }

    #[test]
    fn a_text_names_the_remedy_and_quotes_nothing() {
        let text = answered("AccessDeniedException", 400).text;
        assert_eq!(text, "PutItem: AccessDeniedException; allow it in the function's role in template.yaml");
    }
}
